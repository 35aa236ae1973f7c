"""What every format of manifest has in common: rows that come one by one, and go out with columns added."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: A longer row is none: reading it would take the machine's memory.
LONGEST = 16 << 20
#: How many rows tell the columns of a file without a heading.
PEEKED = 100
#: More text than this is no caption; what CLIP reads of one are some hundred characters.
_LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """A cell that is there and cannot be read, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row: where it stands, the columns that were asked for, and what a writer passes through."""

    where: str
    """'line 7', 'row 3'."""
    values: Mapping[str, Any] = field(default_factory=dict)
    raw: Any = None
    problem: str = ""
    """Why it is no row; a writer leaves it out."""
    blank: bool = False
    """An empty line, which is passed through and never scored."""

    def text(self, column: str) -> str | UnreadableCell:
        """A cell as text without blanks around it, empty where there is none; Bad for what is no text."""
        value = self.values.get(column)
        if value is None or isinstance(value, UnreadableCell):
            return value or ""
        if not isinstance(value, str):
            return UnreadableCell(f"{column} is {_kind(value)}, not a text")
        text = value.strip()
        if len(text) > _LONGEST_TEXT:
            return UnreadableCell(f"{column} has {len(text):,} characters; more than {_LONGEST_TEXT:,} are not taken")
        return text


class RowWriter(ABC):
    """Writes the rows of a manifest with columns added, in their order."""

    @abstractmethod
    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        """Write a row with its added cells; blank ones as they are, and nothing for one with a problem."""

    @abstractmethod
    def end(self) -> None:
        """Called once, after the last row that there is; what was written is then a whole file."""


class Manifest(ABC):
    """A file of rows that is read as often as needed, never as a whole."""

    suffixes: tuple[str, ...]

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, or of those that the first rows have; UsageError where it cannot be read."""

    @abstractmethod
    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """All rows, with the cells of these columns."""

    @abstractmethod
    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer of the same format; `added` are names and types (float or str) of the columns.

        A column that is there already gets the new values in its place.
        """

    def count(self) -> int | None:
        """About how many rows there are, where that is quickly told."""
        return None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    kinds: dict[type, str] = {dict: "an object", list: "a list", bytes: "bytes"}
    return kinds.get(type(value), "something else")
