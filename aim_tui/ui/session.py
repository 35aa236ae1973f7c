"""The controller: which images, scored against what, by whom. Keys come here as verbs, facts leave as messages.

Verbs return at once; what comes of them is told by the messages of `ui.messages`, handed to `post`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.results import Results
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.inputs.listing import FolderListing, list_folder
from aim_tui.ipc.client import WORKER_COMMAND, Patience
from aim_tui.ui.agreement import AgreementDesk
from aim_tui.ui.asked import Asked
from aim_tui.ui.batch import BatchDesk
from aim_tui.ui.edits import EditsDesk
from aim_tui.ui.jobs import Jobs
from aim_tui.ui.judging import JudgingDesk
from aim_tui.ui.maps import MapDesk
from aim_tui.ui.memory import Memory, Place
from aim_tui.ui.messages import (
    ActivityChanged,
    FolderOpened,
    ModelsChanged,
    Said,
    ScoresChanged,
    SetupChanged,
    TokensCounted,
)
from aim_tui.ui.models import ModelDesk
from aim_tui.ui.rows import Rows
from aim_tui.ui.scoring import ScoringDesk
from aim_tui.ui.searching import SearchDesk
from aim_tui.ui.stored import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from textual.message import Message

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.core.jobs import EngineSettings
    from aim_tui.core.profiles import Profile
    from aim_tui.core.scoring import ScoringPlan
    from aim_tui.store.records import Run, RunInfo
    from aim_tui.ui.activity import Activity, RunningJob
    from aim_tui.ui.launch import Launch

#: How often the screen hears of what has changed.
TICK_SECONDS = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class _Before:
    """What was on the screen before a stored run was opened."""

    listing: FolderListing
    asked: Asked
    context: Context


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
        self._post = post
        self.memory = Memory(launch.state, launch.state_name, lambda text: self._post(Said(text, "warning")))
        launch = dataclasses.replace(launch, context=self.memory.begin(str(launch.folder), launch.context))
        self.launch = launch
        self._jobs = Jobs(self, worker_command=worker_command, patience=patience, clock=clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()
        self._recalling: asyncio.Task[None] | None = None
        self._taking: asyncio.Handle | None = None
        self._activity_changed = False
        self._before: _Before | None = None
        self.viewed: RunInfo | None = None
        """The stored run that is shown in place of a folder."""
        weights = {**launch.profile.weights, **(launch.weights or {})}
        self.asked = Asked.of(launch.profile, launch.metrics or launch.profile.metrics, weights)
        plan, self.problem = self.asked.plan(launch.context)
        """Why nothing can be scored as things are set; empty where something can."""
        self._rows = Rows(FolderListing(launch.folder), Results(plan, launch.context))
        self._scoring = ScoringDesk(self, self._jobs, self._rows)
        self.models = ModelDesk(lambda: self._post(ModelsChanged()))
        self.maps = MapDesk(self._jobs, lambda: self.context, self.engine)
        self.store = Store(launch.store, self._store_failed, self.activity_changed)
        self.searching = SearchDesk(self._jobs, self.store, self.engine)
        self.batch = BatchDesk()
        self.judging = JudgingDesk(self.store, launch.rater, self._post, self.run_of)
        self.edits = EditsDesk(self.store, self._jobs, launch.rater, self._post, lambda: self.profile, self.engine)
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
        return self.asked.not_asked(self.context)

    @property
    def folder(self) -> str:
        """The folder whose images are scored, also while a stored run is shown in its place."""
        return str((self._before.listing if self._before else self.listing).folder)

    @property
    def notice(self) -> str:
        """What has to be said as long as it is so."""
        if self.viewed is None:
            return self.profile.notice
        begun = self.viewed.started.astimezone().strftime("%Y-%m-%d %H:%M")
        return f"stored run of {begun}, {self.viewed.state}; esc goes back to the folder"

    @property
    def source(self) -> str:
        """Where the rows come from: a folder, or a stored run."""
        return str(self.listing.folder) if self.viewed is None else f"run {self.viewed.id}"

    @property
    def models_missing(self) -> str:
        """Which models keep the asked metrics from being scored, in a few words; empty where none does."""
        wanted = set(self.plan.metrics)
        missing = [state for state in self.models.missing if wanted.intersection(state.needed_by)]
        if self.models.fetching is not None:
            return f"fetching models: {self.models.fetching.share}"
        if not missing:
            return ""
        word = "model is" if len(missing) == 1 else "models are"
        return f"{len(missing)} {word} not on this machine"

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
        return self._recalling is not None and not self._recalling.done()

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
        await self._open_folder(self.launch.folder, self.launch.images)
        for notice in (*self.launch.notices, *self.memory.problems):
            self._post(Said(notice, "warning"))
        if self.memory.recalled:
            self._post(Said(f"as last time here: {', '.join(self.memory.recalled)}; p and r change them"))
        await self._look_for_models(score_after=self.launch.start_scoring)

    async def close(self) -> None:
        """End everything that was started; the run is stored and the worker is gone when this returns."""
        await self.models.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._jobs.close()
        await self.batch.close()
        await self.judging.close()
        await self.edits.close()
        await self.store.close()
        await self.memory.close()

    def tick(self) -> None:
        """Tell the screen what has changed since the last tick; called ten times a second."""
        if self._taking is None:
            self._take()
        if self._rows.changed:
            self._post(ScoresChanged())
        if self._activity_changed:
            self._activity_changed = False
            self._post(ActivityChanged())

    def _take(self) -> None:
        # What is left comes after one round of the loop, where keys and paints wait.
        self._taking = asyncio.get_running_loop().call_soon(self._take) if self._jobs.take() else None

    # -- folders and stored runs -------------------------------------------------------------------------------------

    def open_folder(self, folder: Path) -> asyncio.Task[None]:
        """Make another folder's images the rows. A job that runs is cancelled; its later facts are dropped."""
        return self.run(self._open_folder(folder, None))

    def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were: list the folder again; their scores go with them."""
        if places:
            named = self.launch.images is not None and self.listing.folder == self.launch.folder
            images = tuple(places.get(path, path) for path in self.listing.images) if named else None
            self._rows.moved(places, self.profile)
            self.run(self._open_folder(self.listing.folder, images))

    def open_run(self, run: Run) -> None:
        """Show a stored run: its images, what they were scored against, its weights. `leave_run` goes back."""
        request, stored = run.request, run.results
        if self._before is None:
            self._rows.remember(self.profile)
            self._before = _Before(self.listing, self.asked, self.context)
        self._jobs.abandon()
        self.viewed = run.info
        self.asked = Asked(request.profile, request.plan.metrics, {**request.profile.weights, **request.plan.weights})
        self.problem = ""
        listing = FolderListing(Path(run.info.folder), [], [row.path for row in stored.rows])
        self._rows.show(listing, stored)
        self.judging.open(stored.rows)
        self._post(FolderOpened(listing))

    def leave_run(self) -> None:
        """Go back from a stored run to the folder, and to what was asked there."""
        if self._before is not None:
            self.run(self._leave_run(self._before))

    async def _leave_run(self, before: _Before) -> None:
        async with self._opening:
            await self._rebuild(before.listing, before.asked)

    async def _open_folder(self, folder: Path, images: tuple[str, ...] | None) -> None:
        async with self._opening:
            listing = await asyncio.to_thread(list_folder, folder)
            if images is not None:
                listing = dataclasses.replace(listing, images=list(images), problem=None)
            elif listing.problem and folder != self.listing.folder:
                self._post(Said(f"{printable(str(folder))}: {listing.problem}", "error"))
                return
            # Of another folder is asked what was asked before a stored run was opened.
            await self._rebuild(listing, self._before.asked if self._before else self.asked)

    async def _rebuild(self, listing: FolderListing, asked: Asked) -> None:
        """Rows for these images under this profile, with what is known of them already."""
        rows = self._rows
        self._remember()
        fresh = await rows.prepare(listing.images, asked.profile)
        # From here to the end nothing waits, so no key and no fact can fall between old and new rows. What arrived
        # while the new ones were made is taken along by its row, which they share.
        self._jobs.abandon()
        self._remember()
        if asked.profile == self.profile:
            fresh.models, fresh.prompt = self.results.models, self.results.prompt
        fresh.context = self._before.context if self._before else self.context
        self._before = self.viewed = None
        self.asked = asked
        rows.show(listing, fresh)
        self.memory.enter(str(listing.folder))
        self._score_by_plan()
        self.judging.open(fresh.rows)
        self._post(FolderOpened(listing))
        if self.store.path is not None and listing.images:
            self._recalling = self.run(rows.recall(self.store, self.profile, self.engine()))

    def _remember(self) -> None:
        # What a stored run holds is not taken for what would come out now.
        if self.viewed is None:
            self._rows.remember(self.profile)

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
        if self._recalling is not None and self.recalling:
            # What is left is known only when the store has told what is there.
            await asyncio.wait([self._recalling])
        await self._scoring.score_left()

    def restart_worker(self) -> None:
        """Start the worker again and go on with what the job that was interrupted has left."""
        if not self._scoring.score_interrupted():
            self.run(self._ready_worker())

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        self._jobs.cancel()

    def merge(self, event: Event, context: Context) -> None:
        """Hear a fact of the running job; the store has heard it before."""
        self._rows.merge(event, context)

    # -- what the scores are made against ----------------------------------------------------------------------------

    def set_prompt(self, topic: str, prompt: str) -> None:
        """Judge against other texts; the values that were made against the old ones become stale."""
        self.memory.keep_texts(topic, prompt)
        self._set_context(dataclasses.replace(self.context, topic=topic, prompt=prompt))

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
        async with self._opening:
            await self._rebuild(self.listing, self.asked.under(profile))
        await self._look_for_models()

    def _set_context(self, context: Context) -> None:
        if context != self.context:
            self.results.context = context
            if self.viewed is None:
                self.memory.judge_against(context)
            self._adopt_plan()

    def _adopt_plan(self) -> None:
        """Ask for the enabled metrics that have something to compare with, and say so."""
        self._score_by_plan()
        self._post(SetupChanged())

    def _score_by_plan(self) -> None:
        plan, self.problem = self.asked.plan(self.context)
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
            await self._ready_worker()

    def fetch_models(self) -> None:
        """Fetch what is missing, in a process of its own."""
        self.run(self._fetch())

    async def _fetch(self) -> None:
        if not await self.models.fetch(self.profile) and self.models.problem:
            self._post(Said(self.models.problem, "error"))
        await self._look_for_models()

    def count_tokens(self, text: str) -> None:
        """Ask how CLIP sees a prompt; TokensCounted answers."""
        self.run(self._count_tokens(text))

    async def _count_tokens(self, text: str) -> None:
        if "clip" not in self.enabled or not self._jobs.alive:
            self._post(TokensCounted(text, None))
            return
        try:
            self._post(TokensCounted(text, await self._jobs.count_tokens(text)))
        except AimError as error:
            self._post(TokensCounted(text, None, error.message))

    async def _ready_worker(self) -> None:
        await self._jobs.ready(self.engine())

    def engine(self) -> EngineSettings:
        """What the worker is told of models and machine."""
        return self.launch.engine_settings(self.profile)

    # -- what jobs and store tell ------------------------------------------------------------------------------------

    def activity_changed(self) -> None:
        """The worker's state, the job's progress or the store's condition has changed."""
        self._activity_changed = True

    def worker_configured(self) -> None:
        """The worker knows the models, so it can count tokens."""
        self._post(SetupChanged())

    def model_failed(self) -> None:
        """A model is not what it seemed to be."""
        self.look_for_models()

    def say(self, said: Said) -> None:
        """Something for the user to read."""
        self._post(said)

    def _store_failed(self, error: AimError) -> None:
        hint = error.hint or "name another store with --store PATH"
        self._post(Said(f"not stored: {error.message} ({hint}); scoring goes on", "error"))

    # -- tasks -------------------------------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it beside everything else; an expected failure is said."""
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except AimError as error:
            # A crash has been said by the state it left.
            if not self._jobs.crashed:
                self._post(Said(str(error), "error"))
