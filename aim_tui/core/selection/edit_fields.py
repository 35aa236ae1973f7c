"""Which edits are shown and in which order: the filter's grammar over the names of edits, then a column."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.names import natural_key
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.columns import OPINION_FLAGS, View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.filters import Filter, Vocabulary
from aim_tui.core.selection.sorting import SortKey

_STATUSES = {"ok": 0, "partial": 1, "failed": 2, "pending": 3}


def _number(name: str) -> Callable[[Row, View], float | None] | None:
    if name == "rating":
        return lambda row, view: view.opinion(row).rating
    if name not in MEASURES:
        return None

    def value(row: Row, view: View) -> float | None:
        outcome = row.outcome(name)
        return outcome.value if isinstance(outcome, Present) else None

    return value


def _word(word: str) -> Callable[[Row, View], bool] | None:
    if word in _STATUSES:
        return lambda row, view: row.status == word
    if word in ("right", "wrong"):
        return lambda row, view: row.truth.get("is_correct") is (word == "right")
    if word == "marked":
        return lambda row, view: row.item in view.marked
    if word in OPINION_FLAGS:
        holds = OPINION_FLAGS[word]
        return lambda row, view: holds(view.opinion(row))
    return None


_TEXTS: dict[str, Callable[[Row, View], str | None]] = {
    "name": lambda row, view: f"{row.id} {row.instruction}",
    "id": lambda row, view: row.id,
    "instruction": lambda row, view: row.instruction,
    "error_type": lambda row, view: str(row.truth.get("error_type") or ""),
    "reason": lambda row, view: row.errors(),
    "note": lambda row, view: view.opinion(row).note,
}

#: The names by which edits are filtered.
EDITS = Vocabulary(_number, _TEXTS, _word, (*MEASURES, "rating", *_TEXTS))

#: Columns other than numbers, with their titles.
COLUMNS = {"item": "order", "id": "id", "instruction": "instruction", "error_type": "error type", "status": "status"}


def edit_filter(expression: str) -> Filter:
    """A filter of edits; FilterError where it makes no sense."""
    return Filter(expression, EDITS)


def select_edits(rows: Iterable[Row], view: View, where: Filter, by: SortKey) -> list[int]:
    """The items that are shown, in order; those without a value come last either way, ties in the file's order."""
    shown = [row for row in rows if where.accepts(row, view)]
    value = _sort_value(by.column)
    having = [(found, row.item) for row in shown if (found := value(row, view)) is not None]
    having.sort(key=operator.itemgetter(0), reverse=by.reverse)
    there = {item for _, item in having}
    return [item for _, item in having] + [row.item for row in shown if row.item not in there]


def _sort_value(column: str) -> Callable[[Row, View], Any]:
    if (number := _number(column)) is not None:
        return number
    match column:
        case "id":
            return lambda row, view: natural_key(row.id)
        case "instruction":
            return lambda row, view: row.instruction.casefold()
        case "error_type":
            return lambda row, view: row.truth.get("error_type")
        case "status":
            return lambda row, view: _STATUSES[row.status]
    return lambda row, view: row.item
