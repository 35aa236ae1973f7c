"""Stored runs, of this folder or of all: open one, compare two, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.history.compare import CompareScreen
from aim_tui.ui.history.run_list import RunList
from aim_tui.ui.session.history import HistoryService
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from aim_tui.store.records import Run, RunInfo
    from aim_tui.ui.session.session import Session


_key = ScreenKeys("history")


class HistoryScreen(AimScreen["Run | None"]):
    """The run that is to be opened, or None."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "History"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("c", "compare", "Compare two", "Compare the two marked runs"),
        _key("a", "switch", "This folder/all", "Runs of this folder, or of all", "all"),
        _key("d", "delete", "Delete", "Delete the marked runs, or this one"),
        _key.help(),
        _key.close("Back to the scores", opener="H"),
    ]

    def __init__(self, history: HistoryService, folder: str) -> None:
        super().__init__()
        self._history = history
        self._folder = folder
        self._of_all = False
        self._heading = Static(markup=False, classes="heading")
        self._runs = RunList(id="runs")
        self._about = Static(id="run-about", markup=False)

    def compose(self) -> ComposeResult:
        """Heading, runs, and what there is no room for in a line."""
        yield self._heading
        yield self._runs
        yield self._about
        yield KeyLine()

    def on_mount(self) -> None:
        """Look them up."""
        self._runs.focus()
        self._load()

    # -- verbs -------------------------------------------------------------------------------------------------------

    def action_switch(self) -> None:
        """The runs of all folders, or of this one alone."""
        self._of_all = not self._of_all
        self._load()

    @work(exclusive=True, group="verb")
    async def action_compare(self) -> None:
        """Two runs beside each other, the earlier one first."""
        chosen = self._runs.marked
        current = self._runs.current
        if len(chosen) == 1 and current is not None and current not in chosen:
            chosen.append(current)
        if len(chosen) != 2:
            self.report(f"{len(chosen)} marked; space marks two runs, then c compares them")
            return
        earlier, later = sorted(chosen, key=lambda info: info.id)
        before, after = await self._loaded(earlier), await self._loaded(later)
        if before is not None and after is not None:
            self.app.push_screen(CompareScreen(before, after))

    @work(exclusive=True, group="verb")
    async def action_delete(self) -> None:
        """Delete runs, after a question."""
        current = self._runs.current
        chosen = self._runs.marked or ([current] if current is not None else [])
        if not chosen:
            return
        images = sum(info.begun for info in chosen)
        what = "this run" if len(chosen) == 1 else f"{len(chosen)} runs"
        question = f"The scores of {images} images in {what} are gone then. The images and ratings stay."
        if not await self.app.push_screen_wait(ConfirmScreen(f"Delete {what}?", question, "Delete", "Keep")):
            return
        for info in chosen:
            try:
                await self._history.delete(info.id)
            except AimError as error:
                self.report(str(error), error=True)
        self._runs.set_marks(())
        self._load()

    @on(LineList.Opened)
    @work(exclusive=True, group="verb")
    async def _opened(self) -> None:
        info = self._runs.current
        if info is not None and (run := await self._loaded(info)) is not None:
            self.dismiss(run)

    # -- what is shown -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        of_all, folder = self._of_all, self._folder
        where = "all folders" if of_all else printable(folder)
        if not self._history.available:
            self._runs.empty_text = "Nothing is being stored: the application was opened without a store."
            self._show([], where)
            return
        self._runs.empty_text = "Looking…"
        try:
            infos = await self._history.runs(None if of_all else folder)
            empty = "No run is stored yet." if of_all else "No run of this folder is stored yet; a shows those of all."
            self._runs.empty_text = f"{empty}\nIn the table, s scores and stores a run."
        except AimError as error:
            infos = []
            self._runs.empty_text = printable(str(error))
        self._show(infos, where)

    def _show(self, infos: list[RunInfo], where: str) -> None:
        count = f"{len(infos)} run{'' if len(infos) == 1 else 's'} of "
        self._heading.update(Content.assemble(("History  ", "bold"), (count, "$foreground-muted"), where), layout=False)
        self._runs.show(infos, of_all=self._of_all)
        self._show_about()

    @on(LineList.CursorMoved)
    def _show_about(self) -> None:
        info = self._runs.current
        facts = {"Prompt": info.prompt, "Topic": info.topic, "Folder": info.folder} if info is not None else {}
        lines = [Content.assemble((f"{name:<8}", "$foreground-muted"), printable(text)) for name, text in facts.items()]
        self._about.update(Content("\n").join(lines), layout=False)

    async def _loaded(self, info: RunInfo) -> Run | None:
        try:
            return await self._history.load(info.id)
        except AimError as error:
            self.report(str(error), error=True)
            return None


async def browse_history(app: App[int], session: Session) -> None:
    """Look at stored runs, and open one in place of the folder."""
    run = await app.push_screen_wait(HistoryScreen(session.history, session.workspace.folder))
    if run is None:
        return
    if (running := session.workspace.running) is not None:
        kept = "Opening a stored run ends the job; what is scored is kept."
        asked = ConfirmScreen("End the job?", lambda: f"{running.so_far} {kept}", "Open the run", "Stay")
        if not await app.push_screen_wait(asked):
            return
    session.folders.open_run(run)
