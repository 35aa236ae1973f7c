"""The controller: which images, scored against what, by whom. Keys come here as verbs, facts leave as messages.

Verbs return at once; what comes of them is told by the messages of `ui.messages`, handed to `post`.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.results import Results
from aim_tui.inputs.listing import FolderListing
from aim_tui.ipc.client import WORKER_COMMAND, Patience
from aim_tui.ui.concurrency import Tasks
from aim_tui.ui.session.agreement import AgreementDesk
from aim_tui.ui.session.edits import EditsDesk
from aim_tui.ui.session.file_transfer import BatchDesk
from aim_tui.ui.session.folder_watch import WatchDesk
from aim_tui.ui.session.folders import FolderDesk
from aim_tui.ui.session.heatmaps import MapDesk
from aim_tui.ui.session.item_prompts import OwnPromptDesk
from aim_tui.ui.session.jobs import Jobs
from aim_tui.ui.session.messages import ActivityChanged, ModelsChanged, Said, ScoresChanged, SetupChanged
from aim_tui.ui.session.metric_choice import Asked
from aim_tui.ui.session.models import ModelDesk
from aim_tui.ui.session.ratings import JudgingDesk
from aim_tui.ui.session.rows import Rows
from aim_tui.ui.session.saved_state import Memory, Place
from aim_tui.ui.session.scoring import ScoringDesk
from aim_tui.ui.session.search import SearchDesk
from aim_tui.ui.session.store_access import Store

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from textual.message import Message

    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.core.scoring.plan import ScoringPlan
    from aim_tui.errors import AimError
    from aim_tui.store.records import Run, RunInfo
    from aim_tui.ui.launch import Launch
    from aim_tui.ui.session.activity import Activity, RunningJob

#: How often the screen hears of what has changed.
TICK_SECONDS = 0.1


class Session:
    """One user's work on one folder at a time; it lives as long as the application."""

    def __init__(
        self,
        launch: Launch,
        post: Callable[[Message], Any],
        *,
        worker_command: Sequence[str] = WORKER_COMMAND,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.post = post
        """Tells the screen a fact."""
        self.memory = Memory(launch.state, launch.state_name, lambda text: self.post(Said(text, "warning")))
        launch = dataclasses.replace(launch, context=self.memory.begin(str(launch.folder), launch.context))
        self.launch = launch
        self._jobs = Jobs(self, worker_command=worker_command, patience=patience, clock=clock)
        self._tasks = Tasks(self._work_failed)
        self._activity_changed = False
        weights = {**launch.profile.weights, **(launch.weights or {})}
        self.asked = Asked.of(launch.profile, launch.metrics or launch.profile.metrics, weights)
        plan, self.problem = self.asked.plan(launch.context)
        """Why nothing can be scored as things are set; empty where something can."""
        self._rows = Rows(FolderListing(launch.folder), Results(plan, launch.context))
        self._folders = FolderDesk(self, self._jobs, self._rows)
        self._scoring = ScoringDesk(self, self._jobs, self._rows)
        self.models = ModelDesk(lambda: self.post(ModelsChanged()))
        self.maps = MapDesk(self._jobs, lambda: self.context, self.engine)
        self.store = Store(launch.store, self._store_failed, self.activity_changed)
        self.searching = SearchDesk(self._jobs, self.store, self.engine)
        self.watching = WatchDesk(self, self._rows, self._scoring.score_new)
        self.own_prompts = OwnPromptDesk(self, self._rows, self._scoring.score_again)
        self.batch = BatchDesk()
        self.judging = JudgingDesk(self.store, launch.rater, self.post, self.run_of)
        self.edits = EditsDesk(self.store, self._jobs, launch.rater, self.post, lambda: self.profile, self.engine)
        self.agreement = AgreementDesk(self.store, lambda: self.results, lambda: self.source)

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def results(self) -> Results:
        """The rows that are shown."""
        return self._rows.results

    @property
    def listing(self) -> FolderListing:
        """The folder that the rows are of."""
        return self._rows.listing

    @property
    def context(self) -> Context:
        """Topic, prompt and reference as they are now."""
        return self.results.context

    @property
    def plan(self) -> ScoringPlan:
        """The metrics that are asked for now, with weights and rules."""
        return self.results.plan

    @property
    def profile(self) -> Profile:
        """The models in use, and how their values are judged."""
        return self.asked.profile

    @property
    def enabled(self) -> tuple[str, ...]:
        """The metrics that are switched on."""
        return self.asked.enabled

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each metric weighs."""
        return self.asked.weights

    @property
    def running(self) -> RunningJob | None:
        """The job that runs, or None."""
        return self._jobs.running

    @property
    def not_asked(self) -> dict[str, str]:
        """The metrics that leave the final score, each with the reason."""
        return self.asked.not_asked(self.own_prompts.covering(self.context))

    @property
    def folder(self) -> str:
        """The folder whose images are scored, also while a stored run is shown in its place."""
        return self._folders.folder

    @property
    def viewed(self) -> RunInfo | None:
        """The stored run that is shown in place of a folder."""
        return self._folders.viewed

    @property
    def notice(self) -> str:
        """What has to be said as long as it is so."""
        return self._folders.notice or self.profile.notice

    @property
    def source(self) -> str:
        """Where the rows come from: a folder, or a stored run."""
        return self._folders.source

    @property
    def models_missing(self) -> str:
        """Which models keep the asked metrics from being scored, in a few words; empty where none does."""
        return self.models.lacking(self.plan.metrics)

    @property
    def worker_pid(self) -> int | None:
        """The process number of the worker, or None where none runs."""
        return self._jobs.pid

    @property
    def storing(self) -> bool:
        """Whether a run is being filled or ended."""
        return self._jobs.storing

    @property
    def recalling(self) -> bool:
        """Whether the store is being asked what it knows of these images."""
        return self._folders.recalling

    def run_of(self, *paths: str) -> str | None:
        """The stored run that these images are shown with the scores of, where there is one."""
        return self.viewed.id if self.viewed is not None else self._jobs.run_of(*paths)

    def activity(self) -> Activity:
        """A snapshot of what the worker is doing."""
        return self._jobs.activity()

    def take_changed(self) -> list[int]:
        """The items whose rows have changed since the last call."""
        changed = self._rows.take_changed()
        self.judging.rows_changed(self.results.rows[item] for item in changed)
        return changed

    # -- the life of the application ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin: list the folder, look for the models, and start the worker where they are all here."""
        self.run(self._open())

    async def _open(self) -> None:
        await self._folders.open(self.launch.folder, self.launch.images)
        for notice in (*self.launch.notices, *self.memory.problems):
            self.post(Said(notice, "warning"))
        if self.memory.recalled:
            self.post(Said(f"as last time here: {', '.join(self.memory.recalled)}; p and r change them"))
        await self._look_for_models(score_after=self.launch.start_scoring)

    async def close(self) -> None:
        """End everything that was started; the run is stored and the worker is gone when this returns."""
        self.watching.stop()
        await self.models.close()
        await self._tasks.close()
        await self._jobs.close()
        await self.watching.close()
        await self.batch.close()
        await self.judging.close()
        await self.edits.close()
        await self.store.close()
        await self.memory.close()

    def tick(self) -> None:
        """Tell the screen what has changed since the last tick; called ten times a second."""
        self._jobs.take_in_turns()
        if self._rows.changed:
            self.post(ScoresChanged())
        if self._activity_changed:
            self._activity_changed = False
            self.post(ActivityChanged())

    # -- folders and stored runs -------------------------------------------------------------------------------------

    def open_folder(self, folder: Path) -> asyncio.Task[None]:
        """Make another folder's images the rows. A job that runs is cancelled; its later facts are dropped."""
        return self.run(self._folders.open(folder))

    def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were: list the folder again; their scores go with them."""
        if places:
            self.run(self._folders.moved(places))

    def open_run(self, run: Run) -> None:
        """Show a stored run: its images, what they were scored against, its weights. `leave_run` goes back."""
        self._folders.open_run(run)

    def leave_run(self) -> None:
        """Go back from a stored run to the folder, and to what was asked there."""
        self.run(self._folders.leave_run())

    # -- scoring -----------------------------------------------------------------------------------------------------

    def score(self, items: Iterable[int]) -> None:
        """Score these rows anew on every metric that is asked for."""
        self._scoring.score(sorted(items))

    def score_all(self) -> None:
        """Score every row anew."""
        self._scoring.score(range(len(self.results.rows)))

    def score_left(self) -> None:
        """Score what is not there yet or was computed against something else, on the metrics that need it."""
        self.run(self._score_left())

    async def _score_left(self) -> None:
        # What is left is known only when the store has told what is there.
        await self._folders.recalled()
        await self._scoring.score_left()

    def restart_worker(self) -> None:
        """Start the worker again and go on with what the job that was interrupted has left."""
        if not self._scoring.score_interrupted():
            self.run(self._jobs.ready(self.engine()))

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        self._jobs.cancel()

    def merge(self, event: Event, context: Context, brought: Mapping[int, Context | None]) -> None:
        """Hear a fact of the running job; the store has heard it before."""
        self._rows.merge(event, context, brought)

    # -- what the scores are made against ----------------------------------------------------------------------------

    def set_prompt(self, topic: str, prompt: str) -> None:
        """Judge against other texts; the values that were made against the old ones become stale."""
        self.memory.keep_texts(topic, prompt)
        self._set_context(dataclasses.replace(self.context, topic=topic, prompt=prompt))

    def prompts_changed(self) -> None:
        """Images have other prompts of their own; the values that were made against the old ones are stale."""
        self._adopt_plan()

    def set_reference(self, path: str) -> None:
        """Compare with this image."""
        self._set_context(dataclasses.replace(self.context, reference=path))

    def clear_reference(self) -> None:
        """Compare with no image: LPIPS is no longer asked for."""
        self._set_context(dataclasses.replace(self.context, reference=""))

    def set_weights(self, weights: Mapping[str, float], enabled: Iterable[str] | None = None) -> str:
        """Weigh the metrics otherwise; no model is touched. Returns why that cannot be, or an empty text."""
        before = self.enabled
        try:
            self.asked = self.asked.weighed(weights, enabled)
        except ValueError as error:
            return str(error)
        self._adopt_plan()
        if self.enabled != before:
            self.look_for_models()
        return ""

    def use_profile(self, profile: Profile) -> None:
        """Score with other models; scores made with the present ones come back when they do."""
        self.run(self._use_profile(profile))

    async def _use_profile(self, profile: Profile) -> None:
        await self._folders.use_profile(profile)
        await self._look_for_models()

    def _set_context(self, context: Context) -> None:
        if context != self.context:
            self.results.context = context
            if self.viewed is None:
                self.memory.judge_against(context)
            self._adopt_plan()

    def _adopt_plan(self) -> None:
        """Ask for the enabled metrics that have something to compare with, and say so."""
        self.score_by_plan()
        self.post(SetupChanged())

    def score_by_plan(self) -> None:
        """Weigh the rows by what is asked now, as far as there is something to compare with."""
        plan, self.problem = self.asked.plan(self.own_prompts.covering(self.context))
        if plan != self.plan:
            self.results.plan = plan
            self.run(self._rows.replan(plan))

    def remember(self, place: Place) -> None:
        """The user is there now in the folder; where a stored run is shown, that is nothing to come back to."""
        if self.viewed is None:
            self.memory.be_at(place)

    # -- models and the worker ---------------------------------------------------------------------------------------

    def look_for_models(self) -> None:
        """See again which of the profile's models are on this machine."""
        self.run(self._look_for_models())

    async def _look_for_models(self, score_after: bool = False) -> None:
        await self.models.inspect(self.profile, self.enabled)
        if self.models_missing:
            return
        if score_after and self.results.rows:
            self.score_left()
        else:
            await self._jobs.ready(self.engine())

    def fetch_models(self) -> None:
        """Fetch what is missing, in a process of its own."""
        self.run(self._fetch())

    async def _fetch(self) -> None:
        if not await self.models.fetch(self.profile) and self.models.problem:
            self.post(Said(self.models.problem, "error"))
        await self._look_for_models()

    def engine(self) -> EngineSettings:
        """What the worker is told of models and machine."""
        return self.launch.engine_settings(self.profile)

    # -- what jobs and store tell ------------------------------------------------------------------------------------

    def activity_changed(self) -> None:
        """The worker's state, the job's progress or the store's condition has changed."""
        self._activity_changed = True

    def worker_configured(self) -> None:
        """The worker knows the models, so it can count tokens."""
        self.post(SetupChanged())

    def say(self, said: Said) -> None:
        """Something for the user to read."""
        self.post(said)

    def _store_failed(self, error: AimError) -> None:
        hint = error.hint or "name another store with --store PATH"
        self.post(Said(f"not stored: {error.message} ({hint}); scoring goes on", "error"))

    # -- tasks -------------------------------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it beside everything else; an expected failure is said."""
        return self._tasks.run(work)

    def _work_failed(self, error: AimError) -> None:
        # A crash has been said by the state it left.
        if not self._jobs.crashed:
            self.post(Said(str(error), "error"))
