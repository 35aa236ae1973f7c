"""Edits one after another at full height, with a key for every judgement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.ratings.opinions import RATINGS
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.dialogs.help import HelpScreen
from aim_tui.ui.edits.arrangement import EditSight
from aim_tui.ui.edits.explain_text import edit_page
from aim_tui.ui.edits.pane import EditPane
from aim_tui.ui.widgets.key_line import KeyLine

_LOOK_SECONDS = 0.1


class EditReviewScreen(ModalScreen[int]):
    """The item that was looked at last. What is shown, in which order, stays as it was when this was opened."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Review of edits"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-medium"), (32, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(rating),
                f"rate({rating})",
                f"Rate {rating}",
                show=False,
                tooltip=f"Rate {rating} of {RATINGS[-1]} and go on",
                id=f"edit-review.rate-{rating}",
            )
            for rating in RATINGS
        ),
        Binding("0", "rate(0)", "Clear", show=False, tooltip="Take the rating away", id="edit-review.clear"),
        Binding("x", "reject", "Reject", tooltip="Reject and go on; again: take it back", id="edit-review.reject"),
        Binding("n", "note", "Note", tooltip="Write a note about this edit", id="edit-review.note"),
        Binding("u", "undo", "Undo", tooltip="Take back what you said last", id="edit-review.undo"),
        Binding("j,down,right", "go(1)", "Next", show=False, tooltip="The next edit", id="edit-review.next"),
        Binding("k,up,left", "go(-1)", "Previous", show=False, tooltip="The edit before", id="edit-review.previous"),
        Binding("pagedown,ctrl+d", "go(10)", "Ten on", show=False, tooltip="Ten on", id="edit-review.page-down"),
        Binding("pageup,ctrl+u", "go(-10)", "Ten back", show=False, tooltip="Ten back", id="edit-review.page-up"),
        Binding("g,home", "go_to(0)", "First", show=False, tooltip="The first edit", id="edit-review.first"),
        Binding("G,end", "go_to(-1)", "Last", show=False, tooltip="The last edit", id="edit-review.last"),
        Binding(
            "right_square_bracket",
            "unrated(1)",
            "Unrated",
            tooltip="The next edit that is neither rated nor rejected",
            id="edit-review.next-unrated",
            key_display="]",
        ),
        Binding(
            "left_square_bracket",
            "unrated(-1)",
            "Unrated before",
            show=False,
            tooltip="The unrated edit before",
            id="edit-review.previous-unrated",
            key_display="[",
        ),
        Binding("p", "partner", "Pair", tooltip="The other instruction for these images", id="edit-review.pair"),
        Binding("e", "explain", "Explain", tooltip="Every number: formula, direction, model", id="edit-review.explain"),
        Binding(
            "question_mark,f1",
            "help",
            "Help",
            tooltip="The keys that work here",
            id="edit-review.help",
            key_display="?",
        ),
        Binding("escape,q", "close", "Back", tooltip="Back to the table, at this edit", id="edit-review.close"),
    ]

    def __init__(self, sight: EditSight, policy: ReadingPolicy, item: int, trusted: Callable[[], bool]) -> None:
        super().__init__()
        self._sight = sight
        # What comes from elsewhere may not pass the filter.
        self._order = list(sight.order if item in sight.order else range(len(sight.desk.results.rows)))
        self._position = self._order.index(item)
        self._trusted = trusted
        self._heading = Static(classes="heading", markup=False)
        self._pane = EditPane(policy, id="edit")
        self._told: object = None

    def compose(self) -> ComposeResult:
        """Where we are, the edit, the keys."""
        yield self._heading
        yield self._pane
        yield KeyLine()

    def on_mount(self) -> None:
        """Show where the table was, and what changes there."""
        self.set_interval(_LOOK_SECONDS, self._tell)
        self._show()

    @property
    def _item(self) -> int:
        return self._order[self._position]

    @property
    def _edit_id(self) -> str:
        return self._sight.desk.results.rows[self._item].id

    # -- judging -----------------------------------------------------------------------------------------------------

    def action_rate(self, rating: int) -> None:
        """Rate and go on; 0 takes the rating away and stays."""
        if self._trusted():
            self._follow(self._sight.desk.judging.rate(self._edit_id, rating or None), self._position)
            if rating:
                self.action_go(1)

    def action_reject(self) -> None:
        """Reject and go on, or take back and stay."""
        if self._trusted():
            judging = self._sight.desk.judging
            rejected = not judging.opinion(self._edit_id).rejected
            self._follow(judging.reject(self._edit_id, rejected), self._position)
            if rejected:
                self.action_go(1)

    @work(exclusive=True, group="dialog")
    async def action_note(self) -> None:
        """Write a note."""
        if not self._trusted():
            return
        judging, edit, position = self._sight.desk.judging, self._edit_id, self._position
        before = printable(judging.opinion(edit).note)
        about = f"About {printable(edit)}; an empty note is none."
        text = await self.app.push_screen_wait(AskScreen("Note", about, before, lambda text: ""))
        if text is not None and text != before:
            self._follow(judging.note(edit, text), position)

    @work
    async def action_undo(self) -> None:
        """Take back what was said last, and go to where that was."""
        if not self._trusted():
            return
        # The word is taken back even if this screen is closed meanwhile.
        undone = await asyncio.shield(self._sight.desk.judging.undo())
        if undone is not None:
            self.notify(str(undone), timeout=3, markup=False)
            edits = self._sight.desk.results.rows
            at = next((at for at, item in enumerate(self._order) if edits[item].id == undone.path), self._position)
            self.action_go_to(at)

    @work
    async def _follow(self, word: asyncio.Task[bool], position: int) -> None:
        """Come back to an edit of which nothing could be stored; what was given after it was refused as well."""
        if not await asyncio.shield(word) and position < self._position:
            self.action_go_to(position)

    # -- moving ------------------------------------------------------------------------------------------------------

    def action_go(self, step: int) -> None:
        """Another edit, as far as there are any."""
        self.action_go_to(max(self._position + step, 0))

    def action_go_to(self, position: int) -> None:
        """The edit at a position; -1 is the last."""
        last = len(self._order) - 1
        position = last if position < 0 else min(position, last)
        if position != self._position:
            self._position = position
            self._show()

    def action_unrated(self, step: int) -> None:
        """The nearest edit in one direction that is neither rated nor rejected."""
        edits, opinion = self._sight.desk.results.rows, self._sight.desk.judging.opinion
        for position in range(self._position + step, len(self._order) if step > 0 else -1, step):
            said = opinion(edits[self._order[position]].id)
            if said.rating is None and not said.rejected:
                self.action_go_to(position)
                return
        self.notify(f"no unrated edit {'after' if step > 0 else 'before'} this one", timeout=3, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        return action != "partner" or self._sight.partner(self._item) is not None

    def action_partner(self) -> None:
        """The other instruction for the same images."""
        other = self._sight.partner(self._item)
        if other in self._order:
            self.action_go_to(self._order.index(other))
        else:
            self.notify("the other one does not pass the filter", timeout=3, markup=False)

    # -- other screens -----------------------------------------------------------------------------------------------

    def action_explain(self) -> None:
        """Why the edit has its numbers."""
        found = self._sight.desk.open
        if found is not None:
            page = edit_page(self._sight.words(self._item), found)
            self.app.push_screen(PageDialog(f"The numbers of {printable(self._edit_id)}", page))

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

    def action_close(self) -> None:
        """Back to the table, at this edit."""
        self.dismiss(self._item)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        near = [self._order[at] for at in (self._position + 1, self._position - 1) if 0 <= at < len(self._order)]
        self._pane.show(self._sight.words(self._item), near)
        self._sight.desk.judging.look_at(self._edit_id)
        self.refresh_bindings()
        self._told = None
        self._tell()

    def _tell(self) -> None:
        """Say what is known of the edit now, where that is news."""
        judging, row = self._sight.desk.judging, self._sight.desk.results.rows[self._item]
        partner = self._sight.partner(self._item)
        beside = len(self._sight.desk.results.rows[partner].raws) if partner is not None else 0
        others = tuple(judging.others(self._edit_id).items())
        said = (judging.opinion(self._edit_id), others, judging.waiting)
        news = (self._item, said, len(row.raws), row.error, beside)
        if news == self._told:
            return
        self._told = news
        self._pane.tell(self._sight.words(self._item))
        waiting = f"  storing {judging.waiting}" if judging.waiting else ""
        self._heading.update(
            Content.assemble(
                (f"{self._position + 1}/{len(self._order)}  ", "$foreground-muted"),
                (printable(self._edit_id), "bold"),
                (f"  {printable(judging.rater)} rates 1-{RATINGS[-1]}", "$foreground-muted"),
                (waiting, "$text-warning"),
            )
        )
