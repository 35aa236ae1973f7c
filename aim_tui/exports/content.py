"""What can be exported: the base classes say what a format needs of it, and a thing says no more than it has.

A format asks for one of these classes (`Format.needs`); every kind of thing that has it can be written in that format.
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


class Content(ABC):  # noqa: B024  # what it has, its subclasses say
    """Anything that can be exported."""

    what: ClassVar[str] = "this"
    """What messages call it."""


class Documented(Content):
    """Has a document as plain data."""

    @abstractmethod
    def document(self) -> Any:
        """Everything at once: where it comes from, the records, what they add up to."""


class Recorded(Documented, Generic[RowT]):
    """Has rows, each a record and one or more lines of a table."""

    @abstractmethod
    def rows(self) -> Iterable[RowT]:
        """The rows in their order."""

    @abstractmethod
    def record(self, row: RowT) -> Mapping[str, Any]:
        """A row with where it comes from, so that it can stand alone."""

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The headings of a table; the same for all lines."""

    @abstractmethod
    def lines(self, row: RowT) -> Iterable[Sequence[Any]]:
        """The cells of a row under `columns`, a line or several."""


class Tabled(Content):
    """Has a table for people."""

    piped_width: ClassVar[int | None] = None
    """How wide it is in a pipe, where that is not as all tables are. In a file it is as wide as it needs to be."""

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """What stands above each other, apart by an empty line; the pieces of a tuple without one."""


class Paged(Content):
    """Has a page for a repository or an issue."""

    @abstractmethod
    def page(self) -> Iterable[Block]:
        """The blocks of the page."""


class HtmlPaged(Content):
    """Has a page for a browser."""

    @abstractmethod
    def html(self) -> str:
        """The page, which needs nothing beside it."""


class Columnar(Content):
    """Has typed columns."""

    @abstractmethod
    def arrow(self, pyarrow: Any) -> Any:
        """The pyarrow.Table, made with the library that is given."""


class Arrays(Content):
    """Has arrays of numbers and of names, and what they are of."""

    @abstractmethod
    def arrays(self) -> tuple[Mapping[str, Vectors], Mapping[str, Sequence[str]], Mapping[str, Any]]:
        """Numbers, names, and anything that JSON can say of them."""


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
    """Records under a name, with a head that says where they come from."""

    what: ClassVar[str] = "records"

    head: Mapping[str, Any]
    name: str
    records: Sequence[Mapping[str, Any]]
    flatten: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] = _one_line
    """A record as lines of a table, where it is not one line as it stands."""
    table: Callable[[], Sequence[Part]] = tuple
    """What people are shown of it."""
    whole: Mapping[str, Any] | None = None
    """The document, where it is more than the head with the records."""

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
        """Whatever any record has."""
        return self._columns

    def lines(self, row: Mapping[str, Any]) -> Iterable[list[Any]]:
        """The cells of a record."""
        return ([line.get(name) for name in self._columns] for line in self.flatten(row))
