"""How the table is arranged: filter, order, standing still; and finding a name in what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.core.names import folded
from aim_tui.core.scoring.columns import IMAGES, ColumnSet, View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import Filter, SortKey, select
from aim_tui.core.text import printable

if TYPE_CHECKING:
    from aim_tui.ui.session.search import TextSimilarity

# What no new value changes.
_FIXED_COLUMNS = frozenset({"item", "name", "id", "instruction", "is_correct", "error_type"})


@dataclass(slots=True)
class Arrangement:
    """Which rows are shown in which order, and whether that stands still while results arrive."""

    sort: SortKey = field(default_factory=SortKey)
    where: Filter = field(default_factory=Filter)
    expression: str = ""
    """What the filter was written as."""
    paused: bool = False
    likeness: TextSimilarity | None = None
    """What is shown is ranked by, in place of the column."""
    arrived: set[int] = field(default_factory=set)
    """Items that changed since it stands still."""
    order: Sequence[int] = ()
    columns: ColumnSet = IMAGES
    """What the rows have to be sorted and filtered by."""

    @property
    def moves(self) -> bool:
        """Whether a new value can change what is shown where."""
        return bool(self.where) or (self.likeness is None and self.sort.column not in _FIXED_COLUMNS)

    def filter(self, expression: str) -> None:
        """Show only the rows that an expression accepts; FilterError where it makes no sense."""
        self.where, self.expression = Filter(expression, self.columns), expression.strip()

    def toggled(self, column: str) -> SortKey:
        """The order by a column, the best first; where it is the order already, the other way round."""
        if column == self.sort.column and self.likeness is None:
            return SortKey(column, not self.sort.reverse)
        known = self.columns.get(column)
        return SortKey(column, known is not None and known.largest_first)

    def arrange(self, rows: Sequence[Row], view: View) -> list[int]:
        """The items in their order; safe in a thread, where it is tried again if a row changes under it."""
        while True:
            try:
                order = select(rows, self.where, self.sort, view, self.columns)
                return order if self.likeness is None else self.likeness.order(order)
            except RuntimeError as error:
                if "changed size during iteration" not in str(error):
                    raise

    def find(self, text: str, rows: Sequence[Row], start: int, step: int, view: View) -> int | None:
        """The next item from position `start` on whose name holds a text, ignoring case; it wraps around."""
        wanted, count, name = folded(text), len(self.order), self.columns["name"]
        for offset in range(count):
            item = self.order[(start + offset * step) % count]
            if wanted in folded(printable(name.text(rows[item], view), None)):
                return item
        return None

    def counts(self, total: int) -> str:
        """How many rows are shown, such as '37/1204'."""
        return f"{len(self.order)}/{total}"
