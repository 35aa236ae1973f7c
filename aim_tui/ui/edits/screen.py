"""Edits: a table that fills in as they are scored, and the one under the cursor as two images and an instruction."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.selection.filters import FilterError
from aim_tui.core.selection.sorting import SortKey
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.exports.edits import EditRecords
from aim_tui.runs.edit_plan import EditWish
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.crash import CrashScreen
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.dialogs.help import HelpScreen
from aim_tui.ui.edits.explain_text import edit_page
from aim_tui.ui.edits.open_dialog import EditFileScreen
from aim_tui.ui.edits.panes import EditPanesScreen
from aim_tui.ui.edits.review import EditReviewScreen
from aim_tui.ui.edits.sort import EditSortScreen
from aim_tui.ui.edits.table import EditTable
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.session.edits import EditsDesk
from aim_tui.ui.session.exports import export_path, listed_endings, path_problem
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

_WORTH_ASKING_SECONDS = 60.0


class EditsScreen(EditPanesScreen):
    """Translates keys to the verbs of the desk, and shows what the desk holds; a job goes on when it is closed."""

    BINDING_GROUP_TITLE = "Edits"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "score", "Score", tooltip="Score the marked edits, or what is left", id="edits.score"),
        Binding("S", "score_all", "Score all", show=False, tooltip="Score all edits anew", id="edits.score-all"),
        Binding("x", "cancel", "Cancel", tooltip="End the job; what is finished stays", id="edits.cancel"),
        Binding(
            "W", "restart", "Restart worker", tooltip="Say why the worker died and start it again", id="edits.restart"
        ),
        Binding(
            "i", "review", "Review", tooltip="One edit after another, with keys to rate; enter too", id="edits.review"
        ),
        Binding("e", "explain", "Explain", tooltip="Every number: formula, direction, model", id="edits.explain"),
        Binding("p", "partner", "Pair", tooltip="The other instruction for the same images", id="edits.pair"),
        Binding(
            "comma", "sort", "Sort", show=False, tooltip="Then a column's letter; upper case reverses", id="edits.sort"
        ),
        Binding("slash", "find", "Find", show=False, tooltip="Find an id or a word", id="edits.find"),
        Binding("n", "find_again(1)", "Next", show=False, tooltip="The next one found", id="edits.find-next"),
        Binding(
            "N", "find_again(-1)", "Previous", show=False, tooltip="The one found before", id="edits.find-previous"
        ),
        Binding("f", "filter", "Filter", tooltip="Only some: wrong, failed, edit_score<0", id="edits.filter"),
        Binding("y", "copy_row", "Copy", show=False, tooltip="Send the edit to the clipboard", id="edits.copy"),
        Binding("o", "open_file", "Open", show=False, tooltip="Open another file of edits", id="edits.open"),
        Binding(
            "K",
            "correlate",
            "Correlation",
            show=False,
            tooltip="How far the numbers agree with known truth, ratings or a file",
            id="edits.correlation",
        ),
        Binding("ctrl+s", "export", "Export", show=False, tooltip="Write all as JSON or CSV", id="edits.export"),
        Binding(
            "question_mark,f1", "help", "Help", tooltip="The keys that work here", id="edits.help", key_display="?"
        ),
        Binding("escape,q", "close", "Close", tooltip="All edits again, then back", id="edits.close", key_display="q"),
    ]

    def __init__(
        self, desk: EditsDesk, policy: ReadingPolicy, trusted: Callable[[], bool], wish: EditWish | None = None
    ) -> None:
        super().__init__(desk, policy)
        self._trusted = trusted
        self._wish = wish
        self._found = ""
        self._before_seeking: int | None = None

    def on_mount(self) -> None:
        """Show what is open, or open what is wanted."""
        if self._wish is not None:
            self._table.empty_text = f"reading {printable(self._wish.data)}…"
            self._read(self._wish)
        else:
            self._show_file()

    # -- a file ------------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def _read(self, wish: EditWish) -> None:
        try:
            await self._desk.open_file(wish)
        except AimError as error:
            self._table.empty_text = f"{error}\no opens another file, q leaves."
            self._notice.show("")
            return
        self._show_file()

    @work(exclusive=True, group="dialog")
    async def action_open_file(self) -> None:
        """Open another file."""
        if self._desk.running:
            self._say("edits are being scored; x cancels that", "warning")
            return
        if await self.app.push_screen_wait(open_edits_dialog(self._desk, str(Path.cwd()))):
            self._show_file()

    @on(LineList.Opened, "#edits")
    def _opened(self) -> None:
        self.action_review()

    # -- scoring -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        match action:
            case "cancel":
                return self._desk.busy
            case "restart":
                return self._desk.activity().crash is not None
            case "score" | "score_all" | "review" | "explain" | "filter" | "sort" | "correlate" | "export":
                return self._desk.open is not None
            case "partner":
                return self._desk.open is not None and bool(self._desk.open.pairs)
        return True

    def action_score(self) -> None:
        """Score the marked edits, or what is left."""
        if self._sight.marks:
            self._desk.score(self._sight.marks)
        else:
            self._desk.score_left()

    def action_score_all(self) -> None:
        """Score everything anew."""
        self._desk.score(range(len(self._desk.results.rows)))

    @work(exclusive=True, group="dialog")
    async def action_cancel(self) -> None:
        """End the job, after a question where much has been done."""
        activity = self._desk.activity()
        if activity.seconds > _WORTH_ASKING_SECONDS:
            question = f"{activity.done} of {activity.total} are scored and will be kept."
            if not await self.app.push_screen_wait(ConfirmScreen("Cancel the job?", question, "Cancel it", "Go on")):
                return
        self._desk.cancel()

    @work(exclusive=True, group="dialog")
    async def action_restart(self) -> None:
        """Say why the worker died, and go on with what is left."""
        if (crash := self._desk.activity().crash) is None:
            return
        if await self.app.push_screen_wait(CrashScreen(crash, len(self._desk.left()), "edits")):
            self._desk.score_left()

    # -- looking -----------------------------------------------------------------------------------------------------

    def action_review(self) -> None:
        """One edit after another."""
        if (item := self._table.cursor_key) is not None:
            self._review(item)

    def _review(self, item: int) -> None:
        def seen(last: int | None) -> None:
            if last is not None:
                self._table.move_to(last)
            self._tell_current()

        self.app.push_screen(EditReviewScreen(self._sight, self._policy, item, self._trusted), seen)

    def action_correlate(self) -> None:
        """How far the numbers agree with what is known or said of these edits."""
        if (found := self._desk.open) is None:
            return
        items = {edit.id: item for item, edit in enumerate(found.rows)}
        folder = os.path.dirname(found.request.data)  # noqa: PTH120  # as text: any bytes
        opener = partial(self._review_named, items)
        self.app.push_screen(CorrelationScreen(self._desk.agreement, self._policy, folder, opener))

    def _review_named(self, items: dict[str, int], name: str) -> None:
        self._review(items[name])

    def action_explain(self) -> None:
        """Why the edit has its numbers."""
        item, found = self._table.cursor_key, self._desk.open
        if item is not None and found is not None:
            title = f"The numbers of {printable(found.rows[item].id)}"
            self.app.push_screen(PageDialog(title, edit_page(self._sight.words(item), found)))

    def action_partner(self) -> None:
        """The other instruction for the same images."""
        item = self._table.cursor_key
        other = self._sight.partner(item) if item is not None else None
        if other is None:
            self._say("no other instruction for these images is in the file")
        elif not self._table.move_to(other):
            self._say("the other one does not pass the filter; esc shows all")

    # -- order, filter, find -----------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Wait for the letter of a column."""

        def chosen(key: SortKey | None) -> None:
            if key is not None:
                self._sight.sort = key
                self._sorted()

        metrics = self._desk.results.plan.metrics if self._desk.open is not None else ()
        self.app.push_screen(EditSortScreen(metrics), chosen)

    @on(EditTable.SortRequested)
    def _title_clicked(self, event: EditTable.SortRequested) -> None:
        event.stop()
        self._sight.sort_by(event.column)
        self._sorted()

    def _sorted(self) -> None:
        self._table.sort = self._sight.sort
        self._rearrange()
        self._tell_current()
        self._show_summary()
        self._show_heading()

    def action_filter(self) -> None:
        """Show only some."""
        self._find_bar.open(Seeking.FILTER, self._sight.expression)

    def action_find(self) -> None:
        """Find an id or a word."""
        self._before_seeking = self._table.cursor_key
        self._find_bar.open(Seeking.FIND, "")

    def action_find_again(self, step: int) -> None:
        """The next or previous one found."""
        if not self._find(self._table.cursor_index + step, step):
            self._say("nothing found to go on to; / finds")

    def _find(self, start: int, step: int) -> bool:
        wanted, order, rows = self._found.casefold(), self._sight.order, self._desk.results.rows
        for offset in range(len(order) if wanted else 0):
            item = order[(start + offset * step) % len(order)]
            if wanted in printable(f"{rows[item].id} {rows[item].instruction}").casefold():
                return self._table.move_to(item)
        return False

    @on(FindBar.Changed)
    def _seek(self, event: FindBar.Changed) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._found = event.text
            start = self._table.index_of(self._before_seeking) if self._before_seeking is not None else None
            missing = bool(event.text) and not self._find(start or 0, 1)
            self._find_bar.say("not found" if missing else "", problem=missing)
            return
        try:
            self._sight.filter(event.text)
        except FilterError as error:
            self._find_bar.say_mistake(error.message, error.column)
        else:
            self._rearrange()
            self._find_bar.say(f"{len(self._sight.order)}/{len(self._desk.results.rows)}")

    @on(FindBar.Taken)
    def _taken(self, event: FindBar.Taken) -> None:
        event.stop()
        self._end_seeking()

    @on(FindBar.Left)
    def _left(self, event: FindBar.Left) -> None:
        event.stop()
        if event.seeking is Seeking.FILTER:
            self._sight.filter("")
            self._rearrange()
        elif self._before_seeking is not None:
            self._table.move_to(self._before_seeking)
        self._end_seeking()

    def _end_seeking(self) -> None:
        self._find_bar.close()
        self._table.focus()
        self._show_heading()

    # -- other verbs -------------------------------------------------------------------------------------------------

    def action_copy_row(self) -> None:
        """Send the edit to the terminal's clipboard."""
        item, found = self._table.cursor_key, self._desk.open
        if item is not None and found is not None:
            row = self._desk.results.rows[item]
            values = (getattr(row.outcome(spec.id), "value", "") for spec in self._desk.results.specs)
            text = "\t".join(" ".join(str(cell).split()) for cell in (row.id, row.instruction, *values))
            self.app.copy_to_clipboard(text.encode("utf-8", "backslashreplace").decode("utf-8"))
            self._say("edit sent to the terminal's clipboard; ctrl+s writes a file")

    @work(exclusive=True, group="dialog")
    async def action_export(self) -> None:
        """Write all edits to a file."""
        found = self._desk.open
        if found is None:
            self._say("there are no edits to write", "warning")
            return
        about = (
            f"All edits with their numbers and ratings as {listed_endings(EditRecords)}; an existing file is replaced."
        )
        beside = printable(f"{os.path.dirname(found.request.data)}/edit_scores.json")  # noqa: PTH120
        problem = partial(_path_problem, data=found.request.data)
        text = await self.app.push_screen_wait(AskScreen("Export", about, beside, problem))
        if text is None:
            return
        try:
            count = await self._desk.export(export_path(text))
        except AimError as error:
            self._say(str(error), "error")
        else:
            self._say(f"wrote {count} edits to {text}")

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

    def action_close(self) -> None:
        """All edits again where only some are shown, else back."""
        if self._sight.expression:
            self._sight.filter("")
            self._rearrange()
            self._show_heading()
        else:
            self.dismiss(None)

    def _say(self, text: str, severity: SeverityLevel = "information") -> None:
        self.notify(printable(text), severity=severity, markup=False, timeout=12 if severity == "error" else 4)


def open_edits_dialog(desk: EditsDesk, folder: str) -> EditFileScreen:
    """Asks for a file of edits and reads it."""
    from aim_tui.runs.edit_plan import EditWish

    before = desk.open.plan.file.path if desk.open is not None else f"{folder.rstrip('/')}/"
    return EditFileScreen(before, lambda path: desk.open_file(EditWish(os.path.expanduser(path))))  # noqa: PTH111


def _path_problem(text: str, data: str) -> str:
    """Why nothing can be written to this path, or an empty text."""
    if text and str(export_path(text).absolute()) == data:
        return "that is the file the edits come from"
    return path_problem(text, EditRecords)


async def show_edits(app: App[int], session: Session, late_input: LateInput, wish: EditWish | None = None) -> None:
    """The edits of a file: those that are wanted, those that are open, or else those of a file that is asked for."""
    asked = wish is not None or session.edits.running
    if not asked and not await app.push_screen_wait(open_edits_dialog(session.edits, session.workspace.folder)):
        return
    await app.push_screen_wait(EditsScreen(session.edits, session.workspace.launch.reading, late_input.settled, wish))
