"""What is looked at of a file of edits: which of them, in which order, and the words about each."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.instruction_pairs import tally
from aim_tui.core.scoring.plan import Status
from aim_tui.core.selection.edit_fields import edit_filter, select_edits
from aim_tui.core.selection.sorting import SortKey
from aim_tui.ui.edits.words import EditWords

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import EditsDesk

_LEADS = ("editclip_score", "edit_score", "directional_similarity")


class EditSight:
    """Filter, order and marks over the edits of a desk; the table and the review look through the same one."""

    def __init__(self, desk: EditsDesk) -> None:
        self.desk = desk
        self.sort = SortKey()
        self.expression = ""
        self.marks: AbstractSet[int] = frozenset()
        self.order: Sequence[int] = range(len(desk.results.rows))
        self._where = edit_filter("")

    @property
    def view(self) -> View:
        """Marks, and what the rater says, as they are now."""
        return View(marked=self.marks, opinions=self.desk.judging.mine)

    @property
    def lead(self) -> MetricSpec:
        """The number that pairs are told of by: the one sorted by, else EditCLIP's, else CLIP's."""
        specs = {spec.id: spec for spec in self.desk.results.specs}
        names = (self.sort.column, *_LEADS, *specs)
        return next((specs[name] for name in names if name in specs), next(iter(MEASURES.values())))

    @property
    def moves(self) -> bool:
        """Whether a new value can change what is shown where."""
        return bool(self._where) or self.sort.column not in ("item", "id", "instruction", "error_type")

    def filter(self, expression: str) -> None:
        """Show only some; FilterError where the expression makes no sense."""
        self._where, self.expression = edit_filter(expression), expression.strip()

    def arrange(self) -> Sequence[int]:
        """The items in their order now."""
        self.order = select_edits(self.desk.results.rows, self.view, self._where, self.sort)
        return self.order

    def sort_by(self, column: str) -> None:
        """The best or first on top; the same column again the other way round. 'right' is the sign of the truth."""
        column = "error_type" if column == "right" else column
        reverse = not self.sort.reverse if column == self.sort.column else first_on_top(column)
        self.sort = SortKey(column, reverse)

    def words(self, item: int) -> EditWords:
        """The words about an edit."""
        desk, found = self.desk, self.desk.open
        assert found is not None  # there is an item
        others = desk.judging.others(desk.results.rows[item].id)
        return EditWords(desk.results, self.view, item, found.pairs, self.lead, desk.judging.rater, others)

    def partner(self, item: int) -> int | None:
        """The next instruction for the same edit, or None."""
        pairs = self.desk.open.pairs if self.desk.open is not None else ()
        right = next((pair.right for pair in pairs if item in (pair.right, pair.wrong)), None)
        if right is None:
            return None
        family = [right, *(pair.wrong for pair in pairs if pair.right == right)]
        return family[(family.index(item) + 1) % len(family)]

    def neighbours(self, position: int) -> list[int]:
        """The items beside a position, the next one first."""
        return [self.order[near] for near in (position + 1, position - 1) if 0 <= near < len(self.order)]

    def summary(self, width: int) -> str:
        """What all edits add up to, as much of it as a line of `width` cells holds."""
        desk, found = self.desk, self.desk.open
        if found is None:
            return ""
        states = [row.status for row in desk.results.rows]
        ok, partial, none = (states.count(state) for state in (Status.OK, Status.PARTIAL, Status.FAILED))
        scored, failed = ok + partial, none + partial
        # What can be missed least comes first; the mean stands where it is looked for.
        said = {1: f"{scored} of {len(states)} scored"}
        if found.pairs and (told := tally(self.lead, found.pairs, desk.results)).of:
            ties = f", {told.tied} tied" if told.tied else ""
            said[4] = f"right wins {told.won} of {told.of} pairs{ties}"
        if failed:
            said[2] = f"{failed} with failures"
        if not desk.busy and len(states) > scored + none:
            said[5] = "s goes on" if scored else "s scores them"
        if (spread := desk.results.metric_summary(self.lead.id)) is not None:
            said[3] = f"{self.lead.short} mean {spread.mean:.3f}"
        while len(said) > 1 and len(_listed(said)) > width:
            said.popitem()
        return _listed(said)


def _listed(said: dict[int, str]) -> str:
    return ", ".join(said[place] for place in sorted(said))


def first_on_top(column: str) -> bool:
    """Whether the best or first of a column is on top where its values go down."""
    spec = MEASURES.get(column)
    return column == "rating" or (spec is not None and spec.higher_is_better)
