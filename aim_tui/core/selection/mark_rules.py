"""Rules that say which rows to mark: `top 20`, `bottom 5`, `top 10 clip`, or any filter expression."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.columns import IMAGES, Column, Kind, View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.filters import Filter, FilterError
from aim_tui.core.selection.sorting import SortKey, sort_rows

_PLACES = re.compile(r"\s*(?P<end>top|bottom)\s+(?P<count>\d+)(?:\s+(?P<column>\S+))?\s*", re.IGNORECASE)
_BEGUN = re.compile(r"\s*(top|bottom)\s*$", re.IGNORECASE)


def _number(name: str) -> Column | None:
    column = IMAGES.get(name)
    return column if column is not None and column.kind is Kind.NUMBER and column.filtered else None


class MarkRule:
    """A compiled rule; FilterError, with the column of the mistake, where it cannot be read.

    `top k` takes the first k rows as they are sorted now and `bottom k` the last; with a column's name, the k best or
    worst by it. Rows without a value of that column are never among them.
    """

    def __init__(self, text: str) -> None:
        self._top = True
        self._count: int | None = None
        self._column = ""
        self._where = Filter()
        if not text.strip():
            raise FilterError("top 20, bottom 20, or an expression such as final>70", 1)
        if _BEGUN.fullmatch(text):
            raise FilterError("how many? such as top 20", len(text) + 1)
        if (places := _PLACES.fullmatch(text)) is None:
            self._where = Filter(text)
            return
        self._top, self._count = places["end"].lower() == "top", int(places["count"])
        if places["column"] is not None:
            self._column = places["column"].lower()
            if _number(self._column) is None:
                hint = did_you_mean(self._column, IMAGES.names(Kind.NUMBER))
                raise FilterError(f"unknown number {places['column']!r}{hint}", places.start("column") + 1)

    def items(self, rows: Sequence[Row], order: Sequence[int], sort: SortKey, view: View) -> list[int]:
        """The items among those in `order`, which is sorted by `sort`, that the rule takes."""
        shown = [rows[item] for item in order]
        if self._count is None:
            return [row.item for row in self._where.rows(shown, view)]
        column = self._column or sort.column
        number = _number(column)
        having = [row for row in shown if number is None or number.value(row, view) is not None]
        key = SortKey(column, number.largest_first) if self._column and number is not None else None
        places = [row.item for row in having] if key is None else sort_rows(having, key, view)
        if self._top:
            return places[: self._count]
        return places[max(len(places) - self._count, 0) :]
