"""The main screen: files, prompt, scores and preview, and every verb on a key."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.events import ScreenSuspend

from aim_tui.errors import AimError
from aim_tui.runs.edit_plan import EditWish
from aim_tui.ui.compare.screen import compare_images
from aim_tui.ui.correlation.screen import correlate
from aim_tui.ui.dialogs import session_actions
from aim_tui.ui.dialogs.sort import SortScreen
from aim_tui.ui.duel.screen import duel
from aim_tui.ui.edits.screen import show_edits
from aim_tui.ui.embeddings.screen import show_findings
from aim_tui.ui.heatmap.screen import show_heatmap
from aim_tui.ui.history.screen import browse_history
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.main import marked_actions
from aim_tui.ui.main.actions import open_folder, search
from aim_tui.ui.main.bindings import MAIN_BINDINGS
from aim_tui.ui.main.file_list import FileList
from aim_tui.ui.main.item_prompts import change_prompts
from aim_tui.ui.main.marked_menu import BatchScreen
from aim_tui.ui.main.panes import PanesScreen
from aim_tui.ui.main.prompt_form import PromptForm
from aim_tui.ui.main.weights import weigh
from aim_tui.ui.models.setup_dialogs import models_tour
from aim_tui.ui.review.explain import explain
from aim_tui.ui.review.grid import show_grid
from aim_tui.ui.review.image_review import review
from aim_tui.ui.scores.score_pane import ScorePane
from aim_tui.ui.session.exports import row_as_tsv
from aim_tui.ui.session.messages import ModelsChanged, TransferRecovered
from aim_tui.ui.session.saved_state import Place
from aim_tui.ui.session.session import TICK_SECONDS
from aim_tui.ui.widgets.line_list import LineList


class MainScreen(PanesScreen):
    """Translates keys and messages of widgets to verbs of services; what is shown is in `panes`."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar = MAIN_BINDINGS
    AUTO_FOCUS = "#scores"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(TICK_SECONDS, self.session.tick)
        self.session.open()
        if self.workspace.launch.edits is not None:
            self._open_edits(self.workspace.launch.edits)
        if self.workspace.launch.findings is not None:
            self.action_findings()

    @work(exclusive=True, group="dialog")
    async def _open_edits(self, wish: EditWish) -> None:
        await show_edits(self.app, self.session, self._late_input, wish)

    @on(ModelsChanged)
    def _models_changed(self) -> None:
        profile, missing = self.workspace.profile.name, self.workspace.models_missing
        self.strip.show_models(missing)
        if missing and self._models_shown_for != profile:
            self._models_shown_for = profile
            self.action_models()

    @on(TransferRecovered)
    def _transfer_recovered(self, event: TransferRecovered) -> None:
        self.undo_history.add_oldest(marked_actions.transfer_step(self.app, self.session, event.outcome))

    # -- messages of widgets ----------------------------------------------------------------------------------------

    @on(LineList.CursorMoved, "#scores")
    def _current_changed(self) -> None:
        self._show_current()
        self.strip.show_marked(self.scores.marked_note)
        self._remember_place()
        row = self.scores.current
        if row is not None and not self.files.has_focus:
            self.files.move_to(row.path)

    @on(ScorePane.ArrangementChanged)
    def _remember_place(self) -> None:
        row = self.scores.current
        path = row.path if row is not None else ""
        self.session.folders.remember(Place(self.scores.sort, self.scores.expression, path, self.info.kind))

    @on(LineList.MarksChanged, "#scores")
    def _marks_changed(self) -> None:
        rows = self.workspace.results.rows
        self.files.set_marks(rows[item].path for item in self.scores.marks)
        self.strip.show_marked(self.scores.marked_note)

    @on(ScorePane.SearchWanted)
    @work(exclusive=True, group="search")
    async def _search_wanted(self, event: ScorePane.SearchWanted) -> None:
        await search(self.scores, self.session, event.text)

    @on(ScorePane.SearchLeft)
    def _search_left(self) -> None:
        self.session.search.forget()

    @on(ScorePane.PauseChanged)
    def _pause_changed(self) -> None:
        self.strip.show_paused(self.scores.paused_note)

    @on(LineList.CursorMoved, "#files")
    def _file_current(self) -> None:
        item = self._item_of(self.files.cursor_key)
        if item is not None and self.files.has_focus:
            self.scores.move_to(item)

    @on(LineList.MarksChanged, "#files")
    def _files_marked(self) -> None:
        marked = self.files.marks
        self.scores.mark(row.item for row in self.workspace.results.rows if row.path in marked)
        self.strip.show_marked(self.scores.marked_note)

    @on(FileList.FolderChosen)
    @work(exclusive=True, group="dialog")
    async def _folder_wanted(self, event: FileList.FolderChosen) -> None:
        await open_folder(self.app, self.session, Path(event.path))

    @on(FileList.RecursiveTurned)
    @work(exclusive=True, group="dialog")
    async def _recursive_turned(self) -> None:
        listing = self.workspace.listing
        await open_folder(self.app, self.session, listing.folder, listing.paths, recursive=not listing.recursive)

    @on(PromptForm.Edited)
    def _prompt_edited(self, event: PromptForm.Edited) -> None:
        self._count_tokens(event.prompt)

    @on(PromptForm.Saved)
    @on(ScreenSuspend)
    def save_prompt(self) -> None:
        """Score with what the form shows, however it is left."""
        if (texts := self.form.take()) is not None:
            self.session.setup.set_prompt(*texts)

    @on(PromptForm.Left)
    def _form_left(self) -> None:
        self.scores.take_keyboard()

    def _item_of(self, path: str | None) -> int | None:
        return next((row.item for row in self.workspace.results.rows if row.path == path), None)

    # -- verbs -------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        match action:
            case "cancel":
                return self.workspace.running is not None
            case "restart":
                return self.session.scoring.activity().crash is not None
            case "clear_reference":
                return bool(self.workspace.context.reference)
        return True

    def action_score(self) -> None:
        """Score the marked images, or what is left."""
        if marks := self.scores.marks:
            self.session.scoring.score(marks)
        else:
            self.session.scoring.score_left()

    def action_score_all(self) -> None:
        """Score everything anew."""
        self.session.scoring.score_all()

    @work(exclusive=True, group="dialog")
    async def action_cancel(self) -> None:
        """End the job."""
        await session_actions.cancel_job(self.app, self.session)

    @work(exclusive=True, group="dialog")
    async def action_restart(self) -> None:
        """Say why the worker died, and start it again."""
        await session_actions.restart_worker(self.app, self.session.scoring)

    def action_edit_prompt(self) -> None:
        """Put the cursor into the prompt."""
        self.form.edit()

    def action_take_reference(self) -> None:
        """Compare with the current image."""
        if (row := self.scores.current) is not None:
            self.session.setup.set_reference(row.path)

    def action_clear_reference(self) -> None:
        """Compare with no image."""
        self.session.setup.clear_reference()

    @on(LineList.Opened, "#scores")
    @on(FileList.ImageOpened)
    @work(exclusive=True, group="dialog")
    async def action_review(self) -> None:
        """One image after another, with a key for every judgement."""
        if (row := self.scores.current) is not None:
            results, arrangement, marks = self.workspace.results, self.scores.arrangement, frozenset(self.scores.marks)
            item = await review(self.app, self.session, arrangement, row.item, marks, self._late_input)
            if results is self.workspace.results:
                self.scores.move_to(item)

    @work(exclusive=True, group="dialog")
    async def action_compare(self) -> None:
        """The current image beside the marked one or the reference."""
        if (row := self.scores.current) is not None:
            order, marks = self.scores.order, self.scores.marks
            self.scores.move_to(await compare_images(self.app, self.session, order, row.item, marks))

    def action_preview(self) -> None:
        """The current image on the whole screen."""

        def closed(item: int | None) -> None:
            if item is not None:
                self.scores.move_to(item)

        if (row := self.scores.current) is not None:
            rows, policy = self.workspace.results.rows, self.workspace.launch.reading
            self.app.push_screen(ViewScreen(rows, self.scores.order, row.item, policy), closed)

    def action_explain(self) -> None:
        """Why the current image scores as it does."""
        if (row := self.scores.current) is not None:
            explain(self.app, self.session, self.scores.order, row)

    @work(exclusive=True, group="dialog")
    async def action_heatmap(self) -> None:
        """Which regions of the current image count."""
        if (row := self.scores.current) is not None:
            self.scores.move_to(await show_heatmap(self.app, self.session, self.scores.order, row.item))

    @work(exclusive=True, group="dialog")
    async def action_weights(self) -> None:
        """Weigh the metrics otherwise."""
        await weigh(self.app, self.session)

    def action_turn_info(self) -> None:
        """Say the next thing about the current image."""
        self.info.turn()
        self._show_current()
        self._remember_place()

    def sort_screen(self) -> SortScreen:
        """The letters of the columns."""
        return SortScreen()

    @work(exclusive=True, group="dialog")
    async def action_grid(self) -> None:
        """All that is shown as thumbnails."""

        def marked(items: AbstractSet[int]) -> None:
            self.scores.mark(items)
            self._marks_changed()

        if (row := self.scores.current) is not None:
            scores = self.scores
            current = (scores.arrangement, row.item)
            scores.move_to(
                await show_grid(self.app, self.session, *current, lambda: scores.marks, marked, self._late_input)
            )

    @work(exclusive=True, group="dialog")
    async def action_duel(self) -> None:
        """Which of two images is better, again and again."""
        await duel(self.app, self.session, self.scores.order, self.scores.marks)

    @work(exclusive=True, group="dialog")
    async def action_history(self) -> None:
        """Stored runs."""
        await browse_history(self.app, self.session)

    @work(exclusive=True, group="dialog")
    async def action_correlate(self) -> None:
        """How far the metrics agree with judgements."""
        await correlate(self.app, self.session)

    @work(exclusive=True, group="dialog")
    async def action_edits(self) -> None:
        """The edits of a file."""
        await show_edits(self.app, self.session, self._late_input)

    @work(exclusive=True, group="dialog")
    async def action_findings(self) -> None:
        """What a command has found."""
        await show_findings(self.app, self.session, self._late_input)

    @work(exclusive=True, group="dialog")
    async def action_item_prompts(self, name: str = "") -> None:
        """Prompts that images bring, or that one of them alone is to have."""
        if (row := self.scores.current) is not None:
            await change_prompts(self.app, self.session, row, name)

    def action_watch(self) -> None:
        """Follow the folder, or no longer."""
        self.session.folder_watch.switch()

    @work(exclusive=True, group="dialog")
    async def action_batch(self, name: str = "") -> None:
        """Do something with the marked images, or the current one where none is marked."""
        rows = self.workspace.results.rows
        items = sorted(self.scores.marks) or ([row.item] if (row := self.scores.current) is not None else [])
        of = self.scores.marked_note or "the current image"
        chosen: str | None = name or None
        if chosen is None:
            chosen = await self.app.push_screen_wait(BatchScreen(of))
        if chosen == "rule":
            self.action_mark_by_rule()
        elif chosen and (items or chosen == "undo"):
            await marked_actions.do(self.app, self.session, chosen, [rows[item] for item in items])

    def input_settled(self) -> bool:
        """Whether keys come from the user."""
        return self._late_input.settled()

    @work(exclusive=True, group="dialog")
    async def action_suggest_reference(self) -> None:
        """Offer the most typical of the marked images, or of those that are shown, as the reference."""
        await marked_actions.suggest_reference(self.app, self.session, sorted(self.scores.marks) or self.scores.order)

    @work(exclusive=True, group="rule")
    async def action_mark_by_rule(self) -> None:
        """Mark what a rule takes."""
        marks = frozenset(self.scores.marks)
        items = await marked_actions.mark_by_rule(self.app, self.session, self.scores.arrangement, marks)
        if items:
            self.scores.mark(marks.union(items))
            self._marks_changed()

    def action_pause(self) -> None:
        """Keep order and place, or catch up."""
        self.scores.toggle_pause()

    def action_back(self) -> None:
        """Close the files, or show all rows again, or leave a stored run."""
        if self.has_class("-browsing"):
            self.action_browse()
        elif not self.scores.end_search() and not self.scores.clear_filter():
            self.session.folders.leave_run()

    def action_browse(self) -> None:
        """Go to the files; where there is no room beside the table, they take its place."""
        browsing = not self.files.has_focus
        self.set_class(browsing, "-browsing")
        if browsing:
            self.files.focus()
        else:
            self.scores.take_keyboard()

    def action_copy_path(self) -> None:
        """Send the path to the terminal's clipboard."""
        if (row := self.scores.current) is not None:
            session_actions.copy_text(self.app, row.path, "path")

    def action_copy_row(self) -> None:
        """Send the row to the terminal's clipboard."""
        if (row := self.scores.current) is not None:
            session_actions.copy_text(self.app, row_as_tsv(row, self.workspace.results), "row")

    @work(exclusive=True, group="dialog")
    async def action_export(self) -> None:
        """Write all rows to a file."""
        try:
            text = await session_actions.export_rows(self.app, self.session)
        except AimError as error:
            self.workspace.notify(str(error), "error")
        else:
            if text:
                self.workspace.notify(text)

    @work(exclusive=True, group="dialog")
    async def action_models(self) -> None:
        """What is missing, and the ways out."""
        await models_tour(self.app, self.session)
