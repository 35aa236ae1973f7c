"""Builds the workspace and the services that change it, and ends them: one session lasts as long as the application."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from textual.message import Message

from aim_tui.errors import AimError
from aim_tui.ipc.client import WORKER_COMMAND
from aim_tui.ipc.worker_state import Patience
from aim_tui.ui.concurrency import Tasks
from aim_tui.ui.launch import Launch
from aim_tui.ui.session.agreement import AgreementService
from aim_tui.ui.session.duels import DuelService
from aim_tui.ui.session.edits import EditService
from aim_tui.ui.session.file_transfer import FileTransferService
from aim_tui.ui.session.folder_watch import FolderWatchService
from aim_tui.ui.session.folders import FolderService
from aim_tui.ui.session.heatmaps import HeatmapService
from aim_tui.ui.session.history import HistoryService
from aim_tui.ui.session.item_prompts import ItemPromptService
from aim_tui.ui.session.jobs import Jobs
from aim_tui.ui.session.messages import ActivityChanged, ScoresChanged, TransferRecovered, UserNotice
from aim_tui.ui.session.models import ModelService
from aim_tui.ui.session.ratings import RatingService
from aim_tui.ui.session.replaced_files import ReplacedFileService
from aim_tui.ui.session.run_record import RunRecords
from aim_tui.ui.session.saved_state import SavedState
from aim_tui.ui.session.scoring import ScoringService
from aim_tui.ui.session.search import SearchService
from aim_tui.ui.session.setup import SetupService
from aim_tui.ui.session.store_access import StoreAccess
from aim_tui.ui.session.undo_history import UndoHistory
from aim_tui.ui.session.workspace import Workspace

#: How often the screen is told what has changed.
TICK_SECONDS = 0.1
#: The key that changes what is as it was last time.
_KEYS = {"profile": "M", "topic": "p", "prompt": "p", "reference": "r"}


class Session:
    """One user's work on one folder at a time; `post` hands messages to the screen."""

    def __init__(
        self,
        launch: Launch,
        post: Callable[[Message], object],
        *,
        worker_command: Sequence[str] | None = None,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        saved_state = SavedState(launch.state, launch.state_name, lambda text: post(UserNotice(text, "warning")))
        launch = dataclasses.replace(launch, context=saved_state.begin(str(launch.folder), launch.context))
        saved_state.begin_profile(launch.profile, launch.profiles, given=launch.profile_given)
        self.workspace = workspace = Workspace(launch, saved_state, Tasks(self._work_failed), post)
        self.undo_history = undo_history = UndoHistory(workspace.notify)
        self.store = store = StoreAccess(launch.store, self._store_failed, workspace.activity_changed)
        self.jobs = jobs = Jobs(
            workspace,
            worker_command=worker_command or WORKER_COMMAND,
            patience=patience,
            clock=clock,
            model_missing=lambda: self.models.look(),
        )
        self._records = records = RunRecords(store)
        self.models = ModelService(workspace, jobs)
        self.setup = SetupService(workspace, self.models.look, undo_history)
        self.replaced_files = ReplacedFileService(workspace)
        self.scoring = ScoringService(workspace, jobs, records, self.replaced_files)
        self.item_prompts = ItemPromptService(workspace, self.scoring.update_scores, undo_history)
        self.folders = FolderService(
            workspace,
            jobs,
            store,
            add_prompts=self.item_prompts.recall,
            move_prompts=self.item_prompts.moved,
            look_for_models=self.models.look_and_start,
        )
        self.folder_watch = FolderWatchService(workspace, jobs, records, self.replaced_files, self.scoring.score_new)
        self.ratings = RatingService(
            post, store, launch.rater, self.scoring.run_of, undo_history, contents=workspace.contents
        )
        self.duels = DuelService(workspace, store, self.ratings.rater, self.scoring.run_of)
        self.heatmaps = HeatmapService(workspace, jobs)
        self.search = SearchService(workspace, jobs, store)
        self.file_transfer = FileTransferService(launch.state)
        self.history = HistoryService(store)
        self.edits = EditService(workspace, jobs, store, undo_history)
        self.agreement = AgreementService(store, lambda: (workspace.results, workspace.source))
        workspace.rows_leaving.add(self.folder_watch.stop)
        workspace.rows_shown.add(self.folder_watch.rows_shown)
        workspace.rows_shown.add(lambda: self.ratings.open(workspace.results.rows))
        workspace.rows_shown.add(self.item_prompts.rows_shown)
        workspace.rows_shown.add(self.replaced_files.look)
        workspace.rows_shown.add(self.setup.rows_shown)
        workspace.rows_replaced.add(self.item_prompts.rows_replaced)
        workspace.rows_replaced.add(self.ratings.rows_replaced)
        workspace.rows_added.add(self.ratings.rows_added)
        workspace.rows_added.add(self.item_prompts.rows_added)

    def open(self) -> None:
        """Begin: list the folder, look for the models, and start the worker where they are all here."""
        self.workspace.tasks.run(self._open())

    async def _open(self) -> None:
        workspace = self.workspace
        launch, saved_state = workspace.launch, workspace.saved_state
        await self.folders.show(launch.folder, launch.paths, recursive=launch.recursive, named=launch.current)
        for notice in (*launch.notices, *saved_state.problems, *await self.file_transfer.recover()):
            workspace.notify(notice, "warning")
        if (last := self.file_transfer.recovered) is not None:
            workspace.post(TransferRecovered(last))
        if saved_state.recalled:
            keys = dict.fromkeys(_KEYS[name] for name in saved_state.recalled)
            workspace.notify(f"as last time here: {', '.join(saved_state.recalled)} ({', '.join(keys)} to change)")
        if not await self.models.inspect():
            return
        if launch.start_scoring and workspace.results.rows:
            self.scoring.score_left()
        else:
            await self.jobs.ready(workspace.engine_settings())

    def tick(self) -> None:
        """Tell the screen what has changed since the last tick; called ten times a second."""
        self.jobs.take_in_turns()
        if self.workspace.rows_changed:
            self.workspace.post(ScoresChanged())
        if self.workspace.take_activity_changed():
            self.workspace.post(ActivityChanged())

    async def close(self) -> None:
        """End everything that was started; the run is stored and the worker is gone when this returns."""
        self.folder_watch.stop()
        await self.models.close()
        await self.workspace.tasks.close()
        await self.jobs.close()
        await self._records.close()
        await self.folder_watch.close()
        await self.file_transfer.close()
        await self.undo_history.close()
        await self.ratings.close()
        await self.edits.close()
        await self.store.close()
        await self.workspace.saved_state.close()

    def _store_failed(self, error: AimError) -> None:
        hint = error.hint or "name another store with --store PATH"
        self.workspace.notify(f"not stored: {error.message} ({hint}); scoring goes on", "error")

    def _work_failed(self, error: AimError) -> None:
        # A crash has been reported already.
        if not self.jobs.crashed:
            self.workspace.notify(str(error), "error")
