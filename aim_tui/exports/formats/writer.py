"""What a format is: its names, what it needs of a content, and what writes it."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
        """Write the whole document; ExportError where that fails."""
        self.sink.write(self.render())

    def row(self, row: Any) -> None:  # whole documents wait for the end
        """Take the next finished row."""

    def end(self) -> None:
        """Called once after the last row, whatever happened in between."""
        self.write()


class DocumentWriter(Writer[Any]):
    """Writes what one function makes of the content."""

    def __init__(self, document: Callable[[Any], str | bytes], content: Any, sink: Sink) -> None:
        super().__init__(content, sink)
        self._document = document

    def render(self) -> str | bytes:
        """The whole document."""
        return self._document(self.content)


class BinaryWriter(Writer[Any]):
    """Writes what is too large to have in memory twice: `dump` writes the content to a stream."""

    def __init__(self, dump: Callable[[Any, IO[bytes]], None], content: Any, sink: Sink) -> None:
        super().__init__(content, sink)
        self._dump = dump

    def render(self) -> bytes:
        """The whole document."""
        stream = io.BytesIO()
        self._dump(self.content, stream)
        return stream.getvalue()

    def write(self) -> None:
        """Write the document straight to its file."""
        if self.sink.path is not None:
            write_through(self.sink.path, partial(self._dump, self.content))
        else:
            super().write()


class StreamingWriter(Writer[Recorded[Any]]):
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
    writer: Callable[[Any, Sink], Writer[Any]]
    endings: tuple[str, ...] = ()
    """The endings of its files, the usual one first; empty where it must be asked for by name."""
    needs: type[Content] = Recorded
    library: str = ""
    """The extra of aim-tui with the library that it needs."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its names on the command line."""
        return tuple(dict.fromkeys((self.id, *self.endings)))
