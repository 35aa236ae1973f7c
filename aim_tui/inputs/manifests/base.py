"""The interface of all manifest formats: rows are read one by one and written with added columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

#: The longest row in bytes, which limits the memory that reading takes.
LONGEST = 16 << 20
#: How many rows are read to find the columns of a file without a header.
PEEKED = 100
#: The longest text in characters; CLIP itself reads only a few hundred.
_LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """A cell that cannot be read, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row: its position, the requested columns, and the raw row that a writer passes through."""

    where: str
    """'line 7', 'row 3'."""
    values: Mapping[str, Any] = field(default_factory=dict)
    raw: Any = None
    problem: str = ""
    """Why the row is invalid; a writer leaves it out."""
    blank: bool = False
    """An empty line, which is passed through and never scored."""

    def text(self, column: str) -> str | UnreadableCell:
        """A cell as stripped text, '' if it is missing; UnreadableCell if it is not text."""
        value = self.values.get(column)
        if value is None or isinstance(value, UnreadableCell):
            return value or ""
        if not isinstance(value, str):
            return UnreadableCell(f"{column} is {_kind(value)}, not a text")
        text = value.strip()
        if len(text) > _LONGEST_TEXT:
            return UnreadableCell(f"{column} has {len(text):,} characters; the limit is {_LONGEST_TEXT:,}")
        return text


class RowWriter(ABC):
    """Writes the rows of a manifest in their order, with added columns."""

    @abstractmethod
    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        """Write a row with its added cells; a blank row unchanged, a row with a problem not at all."""

    @abstractmethod
    def end(self) -> None:
        """Complete the file; called once, after the last row."""


class Manifest(ABC):
    """A file of rows that can be read repeatedly, and is never held in memory as a whole."""

    suffixes: tuple[str, ...]

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, or of those in the first rows; UsageError if the file cannot be read."""

    @abstractmethod
    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """All rows, with the cells of these columns."""

    @abstractmethod
    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer of the same format; `added` has the names and types (float or str) of the new columns.

        An existing column of that name is overwritten in place.
        """

    def count(self) -> int | None:
        """The approximate number of rows, if it is cheap to find out."""
        return None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    kinds: dict[type, str] = {dict: "an object", list: "a list", bytes: "bytes"}
    return kinds.get(type(value), "something else")
