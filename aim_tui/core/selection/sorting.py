"""Which rows are shown and in which order: a filter expression, then a column to sort by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.columns import IMAGES, ColumnSet, Kind, View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.filters import Filter, FilterError

__all__ = ["Filter", "FilterError", "SortKey", "View", "select", "sort_rows"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by: item, name, caption, status, final, or another number or text of `core.scoring.columns`."""

    column: str = "item"
    reverse: bool = False


def select(rows: Iterable[Row], where: Filter, by: SortKey, view: View, columns: ColumnSet = IMAGES) -> list[int]:
    """The item numbers that are shown, in the order they are shown in."""
    return sort_rows(where.rows(rows, view) if where else rows, by, view, columns)


def sort_rows(rows: Iterable[Row], key: SortKey, view: View | None = None, columns: ColumnSet = IMAGES) -> list[int]:
    """Item numbers in the order of a column; rows without a value come last either way, ties by item number.

    KeyError on an unknown column, with the nearest right one.
    """
    view = view or View()
    column = columns.get(key.column)
    if column is None or column.kind is Kind.FLAG:
        known = [name for one in columns.sortable() for name in (one.id, *one.names)]
        raise KeyError(f"unknown column {key.column!r}{did_you_mean(key.column, known)}")
    value = column.key or column.value
    values: dict[int, float | str] = {}
    lacking: list[int] = []
    for row in rows:
        found = value(row, view)
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
