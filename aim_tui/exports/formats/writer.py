"""What a format is: its names, what it needs of a content, and the class that writes it."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import IO, Any, Generic, TypeVar

from aim_tui.exports.atomic_write import write_through
from aim_tui.exports.content import Content, Recorded
from aim_tui.exports.sink import Sink

ContentT = TypeVar("ContentT", bound=Content)


class Writer(ABC, Generic[ContentT]):
    """Writes one content to one sink: all at once with `write`, or row by row as a run finishes them."""

    def __init__(self, content: ContentT, sink: Sink) -> None:
        self.content = content
        self.sink = sink

    @abstractmethod
    def render(self) -> str | bytes:
        """The whole document."""

    def write(self) -> None:
        """Write the whole document; ExportError where that cannot be."""
        self.sink.write(self.render())

    def row(self, row: Any) -> None:  # noqa: B027  # whole documents wait for the end
        """Take the next finished row."""

    def end(self) -> None:
        """Called once after the last row, whatever happened in between."""
        self.write()


class BinaryWriter(Writer[ContentT]):
    """Writes what is too large to have in memory twice."""

    @abstractmethod
    def dump(self, stream: IO[bytes]) -> None:
        """Write the whole document to a stream."""

    def render(self) -> bytes:
        """The whole document."""
        stream = io.BytesIO()
        self.dump(stream)
        return stream.getvalue()

    def write(self) -> None:
        """Write the document through to its file."""
        if self.sink.path is not None:
            write_through(self.sink.path, self.dump)
        else:
            super().write()


class RowWriter(Writer[Recorded[Any]]):
    """Writes each row as soon as it is finished; the sink is opened with the first one, not before."""

    _begun = False

    def head(self) -> str:
        """What stands before the first row."""
        return ""

    @abstractmethod
    def line(self, row: Any) -> str:
        """The text of a row."""

    def render(self) -> str:
        """All rows."""
        return self.head() + "".join(map(self.line, self.content.rows()))

    def row(self, row: Any) -> None:
        """Write the row."""
        text = self.line(row)
        self.sink.stream(text if self._begun else self.head() + text)
        self._begun = True

    def end(self) -> None:
        """Close the sink."""
        self.sink.close()


@dataclass(frozen=True, slots=True)
class Format:
    """A file format."""

    id: str
    """Its name on the command line."""
    title: str
    writer: type[Writer[Any]]
    endings: tuple[str, ...] = ()
    """The endings of its files, the usual one first; none where only its name asks for it."""
    needs: type[Content] = Recorded
    library: str = ""
    """The extra of aim-tui that has the library it needs."""

    @property
    def streams(self) -> bool:
        """Whether rows are written as they are finished."""
        return issubclass(self.writer, RowWriter)

    @property
    def names(self) -> tuple[str, ...]:
        """What it can be called."""
        return tuple(dict.fromkeys((self.id, *self.endings)))

    def render(self, content: Content) -> str | bytes:
        """The content as one document."""
        from aim_tui.exports.sink import Sink

        return self.writer(content, Sink()).render()
