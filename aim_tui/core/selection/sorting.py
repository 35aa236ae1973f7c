"""Which rows are shown and in which order: a filter expression, then a column to sort by."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean, natural_key
from aim_tui.core.scoring.plan import Status
from aim_tui.core.selection.fields import NUMBERS, SAID_NUMBERS, View, number
from aim_tui.core.selection.filters import Filter, FilterError
from aim_tui.core.text import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aim_tui.core.scoring.results import Row

__all__ = ["Filter", "FilterError", "SortKey", "View", "select", "sort_rows"]

_STATUS_ORDER = {Status.OK: 0, Status.PARTIAL: 1, Status.FAILED: 2, Status.PENDING: 3}


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by: item, name, caption, status, final, rating, size, or a metric's raw (clip) or norm."""

    column: str = "item"
    reverse: bool = False


def select(rows: Iterable[Row], where: Filter, by: SortKey, view: View) -> list[int]:
    """The item numbers that are shown, in the order they are shown in."""
    return sort_rows(where.rows(rows, view) if where else rows, by, view)


def sort_rows(rows: Iterable[Row], key: SortKey, view: View | None = None) -> list[int]:
    """Item numbers in the order of a column; rows without a value come last either way, ties by item number.

    KeyError on an unknown column, with the nearest right one.
    """
    value = _sort_value(key.column, view or View())
    values: dict[int, float | str] = {}
    lacking: list[int] = []
    for row in rows:
        found = value(row)
        if found is None:
            lacking.append(row.item)
        else:
            values[row.item] = found
    # By number first, then by value alone: Python's sort is stable, in reverse too. No pair is made for a row, so that
    # the garbage collector, for which every thread stands still, has nothing to walk through.
    having = sorted(values)
    having.sort(key=values.__getitem__, reverse=key.reverse)
    lacking.sort()
    return having + lacking


def _sort_value(column: str, view: View) -> Callable[[Row], float | str | None]:
    match column:
        case "item":
            return lambda row: row.item
        case "name":
            return lambda row: natural_key(file_name(row.path))
        case "caption":
            return lambda row: row.caption.casefold() if row.caption else None
        case "status":
            return lambda row: _STATUS_ORDER[row.status]
        case _ if (value := number(column)) is not None:
            return value
        case _ if column in SAID_NUMBERS:
            said = SAID_NUMBERS[column]
            return lambda row: said(view.opinion(row))
    known = ["item", "name", "caption", "status", *NUMBERS, *SAID_NUMBERS]
    raise KeyError(f"unknown column {column!r}{did_you_mean(column, known)}")


class Places:
    """The place of each item of an order: one walk when it is first asked for, none after that."""

    def __init__(self, order: Sequence[int]) -> None:
        self.order = order
        self._places: dict[int, int] | None = None

    def of(self, item: int) -> int | None:
        """Where the item is, or None where it is not."""
        if self._places is None:
            self._places = {item: place for place, item in enumerate(self.order)}
        return self._places.get(item)


def standing_finals(rows: Iterable[Row], view: View) -> list[float]:
    """The final scores of the present context in rising order; a row that is out of date stands nowhere."""
    return sorted(final for row in rows if (final := row.final) is not None and not view.stale(row))


def rank(final: float, finals: Sequence[float]) -> int:
    """The place of a score among `finals` in rising order: 1 is the best, equal scores share a place."""
    return len(finals) - bisect_right(finals, final) + 1
