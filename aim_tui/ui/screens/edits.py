"""Edits: a table that fills in as they are scored, and the one under the cursor as two images and an instruction."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from aim_tui.core.edit_selection import COLUMNS
from aim_tui.core.filters import FilterError
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.edit_sight import EditSight
from aim_tui.ui.edit_story import edit_page
from aim_tui.ui.edits import FORMATS
from aim_tui.ui.exports import export_path
from aim_tui.ui.screens.ask import AskScreen
from aim_tui.ui.screens.choose import ChooseScreen
from aim_tui.ui.screens.confirm import ConfirmScreen
from aim_tui.ui.screens.crash import CrashScreen
from aim_tui.ui.screens.dialog import PageDialog
from aim_tui.ui.screens.edit_file import EditFileScreen
from aim_tui.ui.screens.edit_review import EditReviewScreen
from aim_tui.ui.screens.help import HelpScreen
from aim_tui.ui.widgets.edit_pane import EditPane
from aim_tui.ui.widgets.edit_table import EditTable
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.lines import NoticeLine
from aim_tui.ui.widgets.progress_strip import ProgressStrip

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.notifications import SeverityLevel

    from aim_tui.core.jobs import ReadingPolicy
    from aim_tui.edit_plans import EditWish
    from aim_tui.ui.edits import EditsDesk

_LOOK_SECONDS = 0.1
# Sums over all edits, and their order where a new number can change it.
_SUM_SECONDS = 0.5
_WORTH_ASKING_SECONDS = 60.0
# What the strip says before the sums: that the worker is ready.
_BESIDE_SUMMARY = 12


class EditsScreen(ModalScreen[None]):
    """Translates keys to the verbs of the desk, and shows what the desk holds; a job goes on when it is closed."""

    CSS_PATH = "edits.tcss"
    BINDING_GROUP_TITLE = "Edits"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-medium"), (32, "-tall")]
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
        Binding("comma", "sort", "Sort", show=False, tooltip="Sort by a column", id="edits.sort"),
        Binding("slash", "find", "Find", show=False, tooltip="Find an id or a word", id="edits.find"),
        Binding("n", "find_again(1)", "Next", show=False, tooltip="The next one found", id="edits.find-next"),
        Binding(
            "N", "find_again(-1)", "Previous", show=False, tooltip="The one found before", id="edits.find-previous"
        ),
        Binding("f", "filter", "Filter", tooltip="Only some: wrong, failed, edit_score<0", id="edits.filter"),
        Binding("y", "copy_row", "Copy", show=False, tooltip="Send the edit to the clipboard", id="edits.copy"),
        Binding("o", "open_file", "Open", show=False, tooltip="Open another file of edits", id="edits.open"),
        Binding("ctrl+s", "export", "Export", show=False, tooltip="Write all as JSON or CSV", id="edits.export"),
        Binding(
            "question_mark,f1", "help", "Help", tooltip="The keys that work here", id="edits.help", key_display="?"
        ),
        Binding("escape,q", "close", "Close", tooltip="All edits again, then back", id="edits.close", key_display="q"),
    ]

    def __init__(
        self, desk: EditsDesk, policy: ReadingPolicy, trusted: Callable[[], bool], wish: EditWish | None = None
    ) -> None:
        super().__init__()
        self._desk = desk
        self._policy = policy
        self._trusted = trusted
        self._wish = wish
        self._sight = EditSight(desk)
        self._found = ""
        self._before_seeking: int | None = None
        self._summed = 0.0
        self._to_sum = True
        self._heading = Static(classes="heading", markup=False)
        self._table = EditTable(id="edits")
        self._pane = EditPane(policy, id="edit")
        self._notice = NoticeLine()
        self._find_bar = FindBar()
        self._strip = ProgressStrip()

    def compose(self) -> ComposeResult:
        """The table above, the edit below."""
        yield self._heading
        yield self._table
        yield self._pane
        yield self._notice
        yield self._find_bar
        yield self._strip
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is open, or open what is wanted."""
        self._table.focus()
        self.set_interval(_LOOK_SECONDS, self._look)
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

    def _show_file(self) -> None:
        found = self._desk.open
        self._sight = EditSight(self._desk)
        if found is None:
            self._notice.show("")
            self._table.empty_text = "No edits are open.\no opens a file of them, q leaves."
            return
        self._table.sort = self._sight.sort
        self._table.show(self._sight.view, self._sight.arrange())
        said = [found.plan.profile.notice] if found.plan.profile.notice else []
        if found.flaws:
            first = found.flaws[0]
            more = f" and {len(found.flaws) - 1} more" if len(found.flaws) > 1 else ""
            said.insert(0, f"! {len(found.flaws)} rows left out: {first.where}: {first.problem}{more}; aim-tui inspect")
        self._notice.show(printable(" · ".join(said)))
        self._to_sum = True
        self._summed = 0.0
        self._show_current()
        self._look()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """What the desk holds now, ten times a second."""
        desk = self._desk
        self._strip.show(desk.activity())
        self._strip.show_not_stored(desk.not_stored)
        self.refresh_bindings()
        changed = desk.take_changed() | set(desk.judging.take_changed())
        if changed:
            self._to_sum = True
            self._table.follow(self._sight.view)
            self._table.keys_changed(changed)
            if self._table.cursor_key in changed or self._in_pair(changed):
                self._tell_current()
        now = time.monotonic()
        if self._to_sum and now - self._summed >= _SUM_SECONDS:
            self._summed, self._to_sum = now, False
            self._table.refresh()
            self._strip.show_summary(self._sight.summary(self.size.width - _BESIDE_SUMMARY))
            if self._sight.moves:
                self._rearrange()
            self._show_heading()

    def _in_pair(self, changed: set[int]) -> bool:
        item = self._table.cursor_key
        return item is not None and self._sight.partner(item) in changed

    def _show_heading(self) -> None:
        found, sight = self._desk.open, self._sight
        if found is None:
            self._heading.update(Content.styled("edits", "bold"))
            return
        count = f"{len(sight.order)}/{len(found.rows)}" if sight.expression else str(len(found.rows))
        known = f"  {found.run.state} run" if found.run is not None and not self._desk.running else ""
        self._heading.update(
            Content.assemble(
                ("edits  ", "bold"),
                printable(os.path.basename(found.plan.file.path)),  # noqa: PTH119  # as text: any bytes
                (f"  {count} edits", "$foreground-muted"),
                (f"  filter {printable(sight.expression)}" if sight.expression else "", "$text-accent"),
                (f"  profile {printable(found.plan.profile.name)}{known}", "$foreground-muted"),
            )
        )

    def _show_current(self) -> None:
        item = self._table.cursor_key
        if item is None or self._desk.open is None:
            self._pane.show(None)
        else:
            self._pane.show(self._sight.words(item), self._sight.neighbours(self._table.cursor_index))
            self._desk.judging.look_at(self._desk.open.rows[item].id)

    def _tell_current(self) -> None:
        if (item := self._table.cursor_key) is not None:
            self._pane.tell(self._sight.words(item))

    def _rearrange(self) -> None:
        self._table.set_keys(self._sight.arrange())
        if not self._sight.order:
            self._table.empty_text = "No edit passes the filter.\nf changes it, esc shows all."

    @on(LineList.CursorMoved, "#edits")
    def _moved(self) -> None:
        self._show_current()

    @on(LineList.MarksChanged, "#edits")
    def _marked(self) -> None:
        self._sight.marks = frozenset(self._table.marks)
        count = len(self._sight.marks)
        self._strip.show_marked(f"{count} marked" if count else "")

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
        crash = self._desk.activity().crash
        if crash is not None and await self.app.push_screen_wait(CrashScreen(crash, len(self._desk.left()))):
            self._desk.score_left()

    # -- looking -----------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="dialog")
    async def action_review(self) -> None:
        """One edit after another."""
        if (item := self._table.cursor_key) is not None:
            screen = EditReviewScreen(self._sight, self._policy, item, self._trusted)
            seen = await self.app.push_screen_wait(screen)
            if seen is not None:
                self._table.move_to(seen)
            self._tell_current()

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

    @work(exclusive=True, group="dialog")
    async def action_sort(self) -> None:
        """Choose the column to sort by."""
        specs = {spec.id: spec.title for spec in self._desk.results.specs}
        choices = {**COLUMNS, "rating": "what you said", **specs}
        current = self._sight.sort.column
        column = await self.app.push_screen_wait(ChooseScreen("Sort by; the same again reverses", choices, current))
        if column is not None:
            self._sort_by(column)

    @on(EditTable.SortRequested)
    def _title_clicked(self, event: EditTable.SortRequested) -> None:
        event.stop()
        self._sort_by("is_correct" if event.column == "right" else event.column)

    def _sort_by(self, column: str) -> None:
        if column == "is_correct":
            column = "error_type"
        self._sight.sort_by(column)
        self._table.sort = self._sight.sort
        self._rearrange()
        self._tell_current()
        self._strip.show_summary(self._sight.summary(self.size.width - _BESIDE_SUMMARY))

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
        wanted, order, view = self._found.casefold(), self._sight.order, self._sight.view
        for offset in range(len(order) if wanted else 0):
            item = order[(start + offset * step) % len(order)]
            if wanted in printable(f"{view.edits[item].id} {view.edits[item].instruction}").casefold():
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
            edit, row = found.rows[item], self._desk.results.rows[item]
            values = (getattr(row.outcomes.get(spec.id), "value", "") for spec in self._desk.results.specs)
            text = "\t".join(" ".join(str(cell).split()) for cell in (edit.id, edit.instruction, *values))
            self.app.copy_to_clipboard(text.encode("utf-8", "backslashreplace").decode("utf-8"))
            self._say("edit sent to the terminal's clipboard; ctrl+s writes a file")

    @work(exclusive=True, group="dialog")
    async def action_export(self) -> None:
        """Write all edits to a file."""
        found = self._desk.open
        if found is None:
            self._say("there are no edits to write", "warning")
            return
        about = "All edits with their numbers and ratings as .json or .csv; an existing file is replaced."
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
    from aim_tui.edit_plans import EditWish

    before = desk.open.plan.file.path if desk.open is not None else f"{folder.rstrip('/')}/"
    return EditFileScreen(before, lambda path: desk.open_file(EditWish(os.path.expanduser(path))))  # noqa: PTH111


def _path_problem(text: str, data: str) -> str:
    """Why nothing can be written to this path, or an empty text."""
    path = export_path(text)
    if not text or path.suffix.lower() not in FORMATS:
        return f"the name must end in {' or '.join(FORMATS)}"
    if str(path.absolute()) == data:
        return "that is the file the edits come from"
    if path.is_dir():
        return f"{path} is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "" if os.access(path.parent, os.W_OK) else f"no permission to write in {path.parent}"
