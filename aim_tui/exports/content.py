"""What can be exported: one base class for each form that formats need.

A format needs one of these classes (`Format.needs`); every content of that class can be written in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from aim_tui.core.text import path_fields, portable_path
from aim_tui.exports.page import Block
from aim_tui.exports.tables import Part

if TYPE_CHECKING:
    from aim_tui.core.embeddings.gallery import Vectors

RowT = TypeVar("RowT")


class Content(ABC):  # noqa: B024  # its subclasses have the methods
    """Anything that can be exported."""

    what: ClassVar[str] = "this"
    """Its name in messages."""


class Documented(Content):
    """Has a document as plain data."""

    @abstractmethod
    def document(self) -> Any:
        """The whole document: provenance, records, summary."""


class Recorded(Documented, Generic[RowT]):
    """Has rows, each with a record and one or more lines of a table."""

    @abstractmethod
    def rows(self) -> Iterable[RowT]:
        """The rows in their order."""

    @abstractmethod
    def record(self, row: RowT) -> Mapping[str, Any]:
        """A row with its provenance."""

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The headings of a table; the same for all lines."""

    @abstractmethod
    def lines(self, row: RowT) -> Iterable[Sequence[Any]]:
        """The cells of a row under `columns`, a line or several."""


class Tabled(Content):
    """Has a table for people."""

    piped_width: ClassVar[int | None] = None
    """Its width in a pipe, if not that of other tables. In a file it is as wide as necessary."""

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """The parts, one below the other, separated by an empty line; the pieces of a tuple without one."""


class Paged(Content):
    """Has a page for a repository or an issue."""

    @abstractmethod
    def page(self) -> Iterable[Block]:
        """The blocks of the page."""


class HtmlPaged(Content):
    """Has a page for a browser."""

    @abstractmethod
    def html(self) -> str:
        """The page, self-contained."""


class Columnar(Content):
    """Has typed columns."""

    @abstractmethod
    def arrow(self, pyarrow: Any) -> Any:
        """The pyarrow.Table, made with the given library."""


class Arrays(Content):
    """Has arrays of numbers and of names, and a description."""

    @abstractmethod
    def arrays(self) -> tuple[Mapping[str, Vectors], Mapping[str, Sequence[str]], Mapping[str, Any]]:
        """Numbers, names, and a description for JSON."""


class Tensors(Content):
    """Has tensors, and texts that describe them."""

    @abstractmethod
    def tensors(self) -> tuple[Mapping[str, Vectors], Mapping[str, str]]:
        """The tensors and the metadata of their file."""


class Drawn(Content):
    """Can be drawn."""

    @abstractmethod
    def drawing(self, ending: str) -> bytes:
        """The picture, as png or svg."""


def left_out_records(reasons: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """What was left out, for JSON: each path with its reason."""
    return [{**path_fields(path), "reason": portable_path(reason)} for path, reason in reasons]


def _one_line(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (record,)


@dataclass(frozen=True)
class Records(Tabled, Recorded["Mapping[str, Any]"]):
    """Records under a name, with a head of provenance."""

    what: ClassVar[str] = "records"

    head: Mapping[str, Any]
    name: str
    records: Sequence[Mapping[str, Any]]
    flatten: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] = _one_line
    """A record as lines of a table; by default the record itself."""
    table: Callable[[], Sequence[Part]] = tuple
    """The table for people."""
    whole: Mapping[str, Any] | None = None
    """The document, if it is more than the head with the records."""

    def parts(self) -> Sequence[Part]:
        """The table for people."""
        return self.table()

    def document(self) -> Mapping[str, Any]:
        """The head with the records."""
        return {**self.head, self.name: list(self.records)} if self.whole is None else self.whole

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The records."""
        return self.records

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A record with the head, without the list of what was left out."""
        return {**row, **{key: value for key, value in self.head.items() if key != "left_out"}}

    @cached_property
    def _columns(self) -> list[str]:
        return list(dict.fromkeys(name for record in self.records for line in self.flatten(record) for name in line))

    def columns(self) -> list[str]:
        """The fields of all records."""
        return self._columns

    def lines(self, row: Mapping[str, Any]) -> Iterable[list[Any]]:
        """The cells of a record."""
        return ([line.get(name) for name in self._columns] for line in self.flatten(row))
