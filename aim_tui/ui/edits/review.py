"""Review of edits: source and target beside each other, the words about the edit, and its pair on a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.widget import Widget

import aim_tui.ui.review.screen
from aim_tui.core.scoring.instruction_pairs import partner_of
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import ScreenKeys
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.edits.pane import EditPane
from aim_tui.ui.edits.words import EditWords
from aim_tui.ui.review.explain_text import edit_page
from aim_tui.ui.review.screen import ReviewScreen, judging_bindings
from aim_tui.ui.session.arrangement import Arrangement

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import EditService


_key = ScreenKeys("edit-review")


class EditReviewScreen(ReviewScreen):
    """Edits of the open file."""

    CSS_PATH = [Path(aim_tui.ui.review.screen.__file__).with_name("screen.tcss"), "screen.tcss"]
    BINDING_GROUP_TITLE = "Review of edits"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *judging_bindings("edit-review", "edit", "wrong"),
        _key("p", "partner", "Pair", "The other instruction for these images", "pair"),
        _key("e", "explain", "Explain", "Every number: formula, direction, model"),
        _key.help(),
        _key("escape,q", "close", "Back", "Back to the table, at this edit"),
    ]
    thing = "edit"

    def __init__(
        self,
        service: EditService,
        policy: ReadingPolicy,
        arrangement: Arrangement,
        item: int,
        marks: AbstractSet[int],
        trusted: Callable[[], bool],
    ) -> None:
        super().__init__(service.ratings, service.undo_history, service.results, arrangement, item, marks, trusted)
        self._service = service
        self._sorted_by = arrangement.sort.column
        self._pane = EditPane(policy, id="edit")

    def panes(self) -> Iterable[Widget]:
        """The edit."""
        yield self._pane

    def name_of(self, row: Row) -> str:
        """Its id in the file."""
        return row.id

    @property
    def _words(self) -> EditWords:
        return EditWords.of(self._service, self._walk.item, self._sorted_by)

    @property
    def _partner(self) -> int | None:
        return partner_of(self._walk.item, self._service.open.pairs) if self._service.open is not None else None

    def show_pictures(self) -> None:
        """Show source and target."""
        self._pane.show(self._words, self._walk.neighbours())

    def facts(self) -> object:
        """How much is known of the other one of its pair, which stands beside it."""
        partner = self._partner
        return len(self._results.rows[partner].raws) if partner is not None else 0

    def show_words(self) -> None:
        """Show everything but the pictures."""
        self._pane.show_words(self._words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        return action != "partner" or self._partner is not None

    def action_partner(self) -> None:
        """The other instruction for the same images."""
        if (partner := self._partner) in self._walk.order:
            self._go_to(partner)
        else:
            self.report("the other one does not pass the filter")

    def action_explain(self) -> None:
        """Why the edit has its numbers."""
        explain_edit(self.app, self._service, self._words)


def explain_edit(app: App[int], service: EditService, words: EditWords) -> None:
    """Show every number of an edit with its formula, its direction and the model that made it."""
    assert service.open is not None  # there is an edit
    head = [part for part in (words.instruction(), *words.pair(), *words.opinion())]
    page = edit_page(words.row, words.results, head, service.open.plan.engine.edit_resize)
    app.push_screen(PageDialog(f"The numbers of {printable(words.row.id)}", page))
