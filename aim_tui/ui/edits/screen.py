"""Edits: the score table over them, and the one under the cursor as two images and an instruction."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.scoring.instruction_pairs import partner_of, tally
from aim_tui.core.scoring.plan import Status
from aim_tui.core.text import file_name, printable
from aim_tui.errors import AimError
from aim_tui.runs.edit_plan import EditWish
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.dialogs import session_actions
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.sort import EditSortScreen
from aim_tui.ui.edits.pane import EditPane
from aim_tui.ui.edits.review import EditReviewScreen, explain_edit
from aim_tui.ui.edits.table import EditTable, title_of
from aim_tui.ui.edits.words import EditWords, lead_of
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.progress_strip import ProgressStrip
from aim_tui.ui.scores.score_pane import ScorePane
from aim_tui.ui.scores.table_verbs import TableVerbs
from aim_tui.ui.session.exports import export_path, row_as_tsv
from aim_tui.ui.undo_verbs import UndoVerbs, undo_bindings
from aim_tui.ui.widgets.header_lines import NoticeLine
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.path_input import PathInput

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import EditService
    from aim_tui.ui.session.session import Session

_UPDATE_SECONDS = 0.1
# Sums over all edits.
_SUM_SECONDS = 0.5
# What stands before the sums in the strip: that the worker is ready.
_BESIDE_SUMMARY = 12
_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_NO_FILE = "No edits are open.\no opens a file of them, q leaves."


_key = ScreenKeys("edits")


class EditsScreen(TableVerbs, UndoVerbs, AimScreen[None]):
    """Translates keys to the verbs of the service, and shows what it has; a job goes on when this is closed."""

    CSS_PATH = "screen.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-medium"), (32, "-tall")]
    BINDING_GROUP_TITLE = "Edits"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("s", "score", "Score", "Score the marked edits, or what is left"),
        _key("S", "score_all", "Score all", "Score all edits anew", show=False),
        _key("x", "cancel", "Cancel", "End the job; what is finished stays"),
        _key("W", "restart", "Restart worker", "Say why the worker died and start it again"),
        _key("i", "review", "Review", "One edit after another, with keys to rate; enter too"),
        _key("e", "explain", "Explain", "Every number: formula, direction, model"),
        _key("p", "partner", "Pair", "The other instruction for the same images", "pair"),
        _key("comma", "sort", "Sort", "Then a column's letter; upper case reverses", show=False),
        _key("slash", "find", "Find", "Find an id or a word", show=False),
        _key("n", "find_again(1)", "Next", "The next one found", "find-next", show=False),
        _key("N", "find_again(-1)", "Previous", "The one found before", "find-previous", show=False),
        _key("f", "filter", "Filter", "Only some: wrong, failed, edit_score<0"),
        *undo_bindings(_key),
        _key("y", "copy_row", "Copy", "Send the edit to the clipboard", "copy", show=False),
        _key("o", "open_file", "Open", "Open another file of edits", "open", show=False),
        _key(
            "K", "correlate", "Correlation",
            "How far the numbers agree with known truth, ratings or a file", "correlation", show=False,
        ),
        _key("ctrl+s", "export", "Export", "Write all as JSON or CSV", show=False),
        _key.help(),
        _key("escape,q", "close", "Close", "All edits again, then back", display="q"),
    ]  # fmt: skip

    def __init__(self, session: Session, trusted: Callable[[], bool], wish: EditWish | None = None) -> None:
        super().__init__()
        self._session = session
        self._service = session.edits
        self.undo_history = session.undo_history
        self._policy = session.workspace.launch.reading
        self._trusted = trusted
        self._wish = wish
        self._summed = 0.0
        self._sums_due = True
        self._offered: object = None
        self._heading = Static(classes="heading", markup=False)
        self.scores = ScorePane(table=EditTable(id="edits"), undo_history=session.undo_history)
        self._pane = EditPane(self._policy, id="edit")
        self._notice = NoticeLine()
        self._strip = ProgressStrip("edits")

    def compose(self) -> ComposeResult:
        """The table above, the edit below."""
        yield self._heading
        yield self.scores
        yield self._pane
        yield self._notice
        yield self._strip
        yield KeyLine()

    def on_mount(self) -> None:
        """Show what is open, or open what is wanted."""
        self.scores.take_keyboard()
        self.set_interval(_UPDATE_SECONDS, self._update)
        if self._wish is not None:
            self.scores.show(self._service.results, f"reading {printable(self._wish.data)}…")
            self._read(self._wish)
        else:
            self._show_file()

    def on_resize(self) -> None:
        """Sums are made for the room they have."""
        self._show_summary()

    # -- a file ------------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def _read(self, wish: EditWish) -> None:
        try:
            await self._service.open_file(wish)
        except AimError as error:
            self.scores.show(self._service.results, f"{error}\no opens another file, q leaves.")
            self._notice.show("")
            return
        self._show_file()

    @work(exclusive=True, group="dialog")
    async def action_open_file(self) -> None:
        """Open another file."""
        if self._service.running:
            self.report("edits are being scored; x cancels that")
        elif await _open(self.app, self._service, str(Path.cwd())):
            self._show_file()

    # -- scoring -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        edits = self._service.open
        match action:
            case "cancel":
                return self._service.busy
            case "restart":
                return self._service.activity().crash is not None
            case "score" | "score_all" | "review" | "explain" | "filter" | "sort" | "correlate" | "export":
                return edits is not None
            case "partner":
                return edits is not None and bool(edits.pairs)
        return True

    def action_score(self) -> None:
        """Score the marked edits, or what is left."""
        if marks := self.scores.marks:
            self._service.score(marks)
        else:
            self._service.score_left()

    def action_score_all(self) -> None:
        """Score everything anew."""
        self._service.score(range(len(self._service.results.rows)))

    @work(exclusive=True, group="dialog")
    async def action_cancel(self) -> None:
        """End the job, after a question where much has been done."""
        await session_actions.cancel_job(self.app, self._session)

    @work(exclusive=True, group="dialog")
    async def action_restart(self) -> None:
        """Say why the worker died, and go on with what is left."""
        await session_actions.restart_worker(self.app, self._service, "edits")

    # -- looking -----------------------------------------------------------------------------------------------------

    @on(LineList.Opened)
    def action_review(self) -> None:
        """One edit after another."""
        if (row := self.scores.current) is not None:
            self._review(row.item)

    def _review(self, item: int) -> None:
        def closed(last: int | None) -> None:
            if last is not None:
                self.scores.move_to(last)
            self._show_words()

        marks = frozenset(self.scores.marks)
        arranged = (self.scores.arrangement, item, marks, self._trusted)
        self.app.push_screen(EditReviewScreen(self._service, self._policy, *arranged), closed)

    def action_correlate(self) -> None:
        """How well the numbers agree with known truth, ratings or a file."""
        service = self._service
        items = {row.id: row.item for row in service.results.rows}
        folder = os.path.dirname(service.source)  # as text: any bytes
        self.app.push_screen(
            CorrelationScreen(service.agreement, self._policy, folder, lambda name: self._review(items[name]))
        )

    def action_explain(self) -> None:
        """Why the edit has its numbers."""
        if (words := self._words) is not None:
            explain_edit(self.app, self._service, words)

    def action_partner(self) -> None:
        """The other instruction for the same images."""
        row, edits = self.scores.current, self._service.open
        partner = partner_of(row.item, edits.pairs) if row is not None and edits is not None else None
        if partner is None:
            self.report("no other instruction for these images is in the file")
        elif not self.scores.move_to(partner):
            self.report("the other one does not pass the filter; esc shows all")

    def sort_screen(self) -> EditSortScreen:
        """The letters of the columns that are there."""
        return EditSortScreen(MEASURES.keys() - set(self._service.results.plan.metrics))

    def input_settled(self) -> bool:
        """Whether keys come from the user."""
        return self._trusted()

    # -- other verbs -------------------------------------------------------------------------------------------------

    def action_copy_row(self) -> None:
        """Send the edit to the terminal's clipboard."""
        if (row := self.scores.current) is not None:
            session_actions.copy_text(self.app, row_as_tsv(row, self._service.results), "edit")

    @work(exclusive=True, group="dialog")
    async def action_export(self) -> None:
        """Write all edits to a file."""
        await self.report_export(session_actions.export_edits(self.app, self._service))

    def action_close(self) -> None:
        """All edits again where only some are shown, else back."""
        if not self.scores.clear_filter():
            self.dismiss(None)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show_file(self) -> None:
        service, edits = self._service, self._service.open
        empty = _NO_FILE if edits is None else "There are no edits in this file."
        self.scores.show(service.results, empty, service.ratings.mine)
        notices = [edits.plan.profile.notice] if edits is not None and edits.plan.profile.notice else []
        if edits is not None and edits.flaws:
            first, left_out = edits.flaws[0], edits.left_out
            rows = f"{left_out} row{'' if left_out == 1 else 's'} left out"
            more = f", and {len(edits.flaws) - 1} more" if len(edits.flaws) > 1 else ""
            notices.insert(0, f"! {rows}: {first.where} {first.problem}{more}; aim-tui inspect lists all")
        self._notice.show(printable(" · ".join(notices)))
        self._sums_due, self._summed = True, 0.0
        self._show_heading()
        self._show_current()
        self._update()

    def _update(self) -> None:
        """Show what the service has now, ten times a second."""
        service = self._service
        activity = service.activity()
        self._strip.show(activity)
        self._strip.show_not_stored(service.not_stored)
        offered = (service.busy, activity.crash, service.open)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()
        if changed := service.take_changed() | set(service.ratings.take_changed()):
            self._sums_due = True
            self.scores.rows_changed(changed)
            row, edits = self.scores.current, service.open
            if (
                row is not None
                and edits is not None
                and not changed.isdisjoint({row.item, partner_of(row.item, edits.pairs)})
            ):
                self._show_words()
        now = time.monotonic()
        if self._sums_due and now - self._summed >= _SUM_SECONDS:
            self._summed, self._sums_due = now, False
            self._show_summary()

    def _show_heading(self) -> None:
        edits, sort = self._service.open, self.scores.sort
        if edits is None:
            self._heading.update(Content.styled("edits", "bold"))
            return
        self._heading.update(
            Content.assemble(
                ("edits  ", "bold"),
                printable(file_name(edits.plan.file.path)),
                (f"  {len(edits.rows)} edits", "$foreground-muted"),
                (f"  by {title_of(sort.column)}" if sort.column != "item" else "", "$text-accent"),
                (f"  profile {printable(edits.plan.profile.name)}", "$foreground-muted"),
            )
        )

    @property
    def _words(self) -> EditWords | None:
        row = self.scores.current
        return EditWords.of(self._service, row.item, self.scores.sort.column) if row is not None else None

    @on(LineList.CursorMoved)
    def _show_current(self) -> None:
        words = self._words
        self._pane.show(words, self.scores.neighbours())
        if words is not None:
            self._service.ratings.look_at(words.row.id)

    def _show_words(self) -> None:
        if (words := self._words) is not None:
            self._pane.show_words(words)

    @on(ScorePane.ArrangementChanged)
    def _arrangement_changed(self) -> None:
        self._show_words()
        self._show_summary()
        self._show_heading()

    @on(LineList.MarksChanged)
    def _marks_changed(self) -> None:
        self._strip.show_marked(self.scores.marked_note)

    def _show_summary(self) -> None:
        summary, failed = _summary(self._service, self.scores.sort.column, self.size.width - _BESIDE_SUMMARY)
        self._strip.show_summary(summary, failed)


def _summary(service: EditService, sorted_by: str, width: int) -> tuple[str, int]:
    """What all edits add up to, as much of it as a line of `width` cells holds, and how many have failures."""
    if service.open is None:
        return "", 0
    results, pairs, lead = service.results, service.open.pairs, lead_of(service.results, sorted_by)
    states = [row.status for row in results.rows]
    ok, partial, none = (states.count(state) for state in (Status.OK, Status.PARTIAL, Status.FAILED))
    scored, failed = ok + partial, none + partial
    # What can be missed least comes first; the mean stands where it is looked for.
    parts = {1: f"{scored} of {len(states)} scored"}
    if pairs and (counts := tally(lead, pairs, results)).of:
        ties = f", {counts.tied} tied" if counts.tied else ""
        parts[3] = f"right wins {counts.won} of {counts.of} pairs{ties}"
    if failed:
        # They stand in the strip by themselves.
        width -= len(f" · ! {failed} with failures")
    if not service.busy and len(states) > scored + none:
        parts[4] = "s goes on" if scored else "s scores them"
    if (spread := results.metric_summary(lead.id)) is not None:
        parts[2] = f"{lead.short} mean {spread.mean:.3f}"
    while len(parts) > 1 and len(_listed(parts)) > width:
        parts.popitem()
    return _listed(parts), failed


def _listed(parts: dict[int, str]) -> str:
    return ", ".join(parts[place] for place in sorted(parts))


async def _open(app: App[int], service: EditService, folder: str) -> bool:
    """Ask for a file of edits and read it; why it cannot be read is shown while the path can still be changed."""

    async def problem(path: str) -> str:
        try:
            await service.open_file(EditWish(str(export_path(path))))
        except AimError as error:
            return printable(str(error))
        return ""

    about = "A file of edits: source, target and instruction in each row, as JSON, JSON Lines or CSV."
    before = service.source if service.open is not None else f"{folder.rstrip('/')}/"
    field = PathInput(before, _ENDINGS)
    return await app.push_screen_wait(AskScreen("Open edits", about, before, problem, field)) is not None


async def show_edits(app: App[int], session: Session, late_input: LateInput, wish: EditWish | None = None) -> None:
    """The Edits screen: over the file of `wish`, over the one that is being scored, or else over one to choose."""
    known = wish is not None or session.edits.running
    if not known and not await _open(app, session.edits, session.workspace.folder):
        return
    await app.push_screen_wait(EditsScreen(session, late_input.settled, wish))
