"""Which edits are shown and in which order: the filter's grammar over the names of edits, then a column."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.names import natural_key
from aim_tui.core.outcomes import Present
from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.scoring.columns import OPINION_FLAGS
from aim_tui.core.selection.filters import Filter, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aim_tui.core.scoring.edit_results import EditResult, EditResults
    from aim_tui.core.selection.sorting import SortKey

_STATUSES = {"ok": 0, "partial": 1, "failed": 2, "pending": 3}


@dataclass(frozen=True, slots=True)
class EditView:
    """What decides about an edit besides its numbers."""

    results: EditResults
    edits: Sequence[Any]
    """With id, instruction and truth, by item."""
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    """By id, what the rater who looks says."""
    marked: AbstractSet[int] = frozenset()

    def opinion(self, row: EditResult) -> Opinion:
        """What the rater says of an edit."""
        return self.opinions.get(self.edits[row.item].id, NOTHING)

    def truth(self, row: EditResult, name: str) -> Any:
        """What the file says of an edit besides; None where it says nothing."""
        return self.edits[row.item].truth.get(name)


def _number(name: str) -> Callable[[EditResult, EditView], float | None] | None:
    if name == "rating":
        return lambda row, view: view.opinion(row).rating
    if name not in MEASURES:
        return None

    def value(row: EditResult, view: EditView) -> float | None:
        outcome = row.outcomes.get(name)
        return outcome.value if isinstance(outcome, Present) else None

    return value


def _word(word: str) -> Callable[[EditResult, EditView], bool] | None:
    if word in _STATUSES:
        return lambda row, view: view.results.status(row) == word
    if word in ("right", "wrong"):
        return lambda row, view: view.truth(row, "is_correct") is (word == "right")
    if word == "marked":
        return lambda row, view: row.item in view.marked
    if word in OPINION_FLAGS:
        holds = OPINION_FLAGS[word]
        return lambda row, view: holds(view.opinion(row))
    return None


_TEXTS: dict[str, Callable[[EditResult, EditView], str | None]] = {
    "name": lambda row, view: f"{view.edits[row.item].id} {view.edits[row.item].instruction}",
    "id": lambda row, view: str(view.edits[row.item].id),
    "instruction": lambda row, view: str(view.edits[row.item].instruction),
    "error_type": lambda row, view: str(view.truth(row, "error_type") or ""),
    "reason": lambda row, view: row.reasons(),
    "note": lambda row, view: view.opinion(row).note,
}

#: The names by which edits are filtered.
EDITS = Vocabulary(_number, _TEXTS, _word, (*MEASURES, "rating", *_TEXTS))

#: Columns other than numbers, with their titles.
COLUMNS = {"item": "order", "id": "id", "instruction": "instruction", "error_type": "error type", "status": "status"}


def edit_filter(expression: str) -> Filter:
    """A filter of edits; FilterError where it makes no sense."""
    return Filter(expression, EDITS)


def select_edits(view: EditView, where: Filter, by: SortKey) -> list[int]:
    """The items that are shown, in order; those without a value come last either way, ties in the file's order."""
    rows = [row for row in view.results.rows if where.accepts(row, view)]
    value = _sort_value(by.column)
    having = [(found, row.item) for row in rows if (found := value(row, view)) is not None]
    having.sort(key=operator.itemgetter(0), reverse=by.reverse)
    there = {item for _, item in having}
    return [item for _, item in having] + [row.item for row in rows if row.item not in there]


def _sort_value(column: str) -> Callable[[EditResult, EditView], Any]:
    if (number := _number(column)) is not None:
        return number
    match column:
        case "id":
            return lambda row, view: natural_key(view.edits[row.item].id)
        case "instruction":
            return lambda row, view: view.edits[row.item].instruction.casefold()
        case "error_type":
            return lambda row, view: view.truth(row, "error_type")
        case "status":
            return lambda row, view: _STATUSES[view.results.status(row)]
    return lambda row, view: row.item
