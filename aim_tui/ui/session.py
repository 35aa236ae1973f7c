"""The controller: what is scored, against what, by whom. The only module that knows the worker's client.

Verbs return at once; what comes of them is told by the messages of `ui.messages`, handed to `post`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, Any

from aim_tui.core.events import Item
from aim_tui.core.jobs import Job
from aim_tui.core.metrics import METRICS, in_order
from aim_tui.core.results import Results, Row
from aim_tui.core.scoring import ScoringPlan, score
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.inputs.listing import FolderListing, list_folder
from aim_tui.ipc.client import WORKER_COMMAND, Patience, WorkerClient, WorkerState
from aim_tui.ipc.protocol import JobEnded
from aim_tui.ui.activity import Activity, RunningJob
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

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from textual.message import Message

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.core.profiles import Profile
    from aim_tui.ui.launch import Launch

#: How often the screen hears of what has changed.
TICK_SECONDS = 0.1
# Rows that are scored anew between two looks at the keyboard: about 10 ms.
_REPLAN_AT_ONCE = 1000


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
        self.launch = launch
        self._post = post
        self._clock = clock
        self._client = WorkerClient(self._on_report, self._on_state, command=worker_command, patience=patience)
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._configured: Profile | None = None
        self._replanning = 0
        self._changed: set[int] = set()
        self._activity_changed = False
        self._running: RunningJob | None = None
        self._interrupted: list[int] = []
        # Rows of folders and profiles that were left, so that coming back finds their scores.
        self._known: dict[tuple[str, str], Row] = {}
        self.listing = FolderListing(launch.folder)
        self.profile = launch.profile
        self.enabled: tuple[str, ...] = launch.metrics or launch.profile.metrics
        self.weights: dict[str, float] = {**launch.profile.weights, **(launch.weights or {})}
        plan, self.problem = self._wanted_plan(launch.context)
        """Why nothing can be scored as things are set; empty where something can."""
        self.results = Results(plan, launch.context)
        self.models = ModelDesk(lambda: self._post(ModelsChanged()))

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Topic, prompt and reference as they are now."""
        return self.results.context

    @property
    def plan(self) -> ScoringPlan:
        """The metrics that are asked for now, with weights and rules."""
        return self.results.plan

    @property
    def running(self) -> RunningJob | None:
        """The job that runs, or None."""
        return self._running

    @property
    def not_asked(self) -> dict[str, str]:
        """The metrics that leave the final score, each with the reason."""
        missing = self.context.missing_for(self.enabled)
        off = {metric: "switched off" for metric in METRICS if metric not in self.enabled}
        return {metric: reason for metric in METRICS if (reason := off.get(metric) or missing.get(metric))}

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
        return self._client.pid

    def activity(self) -> Activity:
        """A snapshot of what the worker is doing."""
        left = len(self._left_of_interrupted()) if self._client.crash else 0
        return Activity.of(self._client.state, self._running, self._client.crash, left, self._clock())

    def take_changed(self) -> list[int]:
        """The items whose rows have changed since the last call."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    # -- the life of the application ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin: list the folder, look for the models, and start the worker where they are all here."""
        self._run(self._open())

    async def _open(self) -> None:
        await self._open_folder(self.launch.folder, self.launch.images)
        for notice in self.launch.notices:
            self._post(Said(notice, "warning"))
        await self._look_for_models(score_after=self.launch.start_scoring)

    async def close(self) -> None:
        """End everything that was started; the worker is gone when this returns."""
        await self.models.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.stop()

    def tick(self) -> None:
        """Tell the screen what has changed since the last tick; called ten times a second."""
        if self._changed:
            self._post(ScoresChanged())
        if self._activity_changed:
            self._activity_changed = False
            self._post(ActivityChanged())

    # -- folders -----------------------------------------------------------------------------------------------------

    def open_folder(self, folder: Path) -> None:
        """Make another folder's images the rows. A job that runs is cancelled; its later facts are dropped."""
        self._run(self._open_folder(folder, None))

    async def _open_folder(self, folder: Path, images: tuple[str, ...] | None) -> None:
        async with self._opening:
            listing = await asyncio.to_thread(list_folder, folder)
            if images is not None:
                listing = dataclasses.replace(listing, images=list(images), problem=None)
            elif listing.problem and folder != self.listing.folder:
                self._post(Said(f"{printable(str(folder))}: {listing.problem}", "error"))
                return
            await self._rebuild(listing, self.profile)

    async def _rebuild(self, listing: FolderListing, profile: Profile) -> None:
        """Rows for these images under this profile, with what is known of them already."""
        old, name, paths = self.results, profile.name, listing.images
        self._remember()
        fresh = Results(old.plan, old.context)
        if profile == self.profile:
            fresh.models, fresh.prompt = old.models, old.prompt
        await asyncio.to_thread(_fill, fresh, paths, {path: self._known.get((name, path)) for path in paths})
        # From here to the end nothing waits, so no key and no fact can fall between old and new rows. What arrived
        # while the new ones were made is taken along by its row, which they share.
        self._abandon_job()
        self._remember()
        fresh.context = self.results.context
        self.listing, self.profile, self.results = listing, profile, fresh
        self._changed.clear()
        self._score_by_plan()
        self._post(FolderOpened(listing))

    def _remember(self) -> None:
        self._known.update({(self.profile.name, row.path): row for row in self.results.rows if row.raws})

    # -- scoring -----------------------------------------------------------------------------------------------------

    def score(self, items: Iterable[int]) -> None:
        """Score these rows anew on every metric that is asked for."""
        self._submit(sorted(items), self.plan.metrics)

    def score_all(self) -> None:
        """Score every row anew."""
        self.score(range(len(self.results.rows)))

    def score_left(self) -> None:
        """Score what is not there yet or was computed against something else, on the metrics that need it."""
        rows = self.results.left(self.context)
        if not rows and self.results.rows and not self.problem:
            self._post(Said("everything is scored; S scores all of it anew"))
            return
        self._submit([row.item for row in rows], self._metrics_left(rows))

    def restart_worker(self) -> None:
        """Start the worker again and go on with what the job that was interrupted has left."""
        rows = self._left_of_interrupted()
        self._interrupted = []
        if rows:
            self._submit([row.item for row in rows], self._metrics_left(rows))
        else:
            self._run(self._ready_worker())

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        if self._running is not None and not self._running.cancelling:
            self._running.cancelling = True
            self._activity_changed = True
            self._run(self._client.cancel(self._running.number))

    def _metrics_left(self, rows: Sequence[Row]) -> tuple[str, ...]:
        return tuple(
            metric
            for metric in self.plan.metrics
            if any(metric not in row.raws or row.stale(metric, self.context) for row in rows)
        )

    def _left_of_interrupted(self) -> list[Row]:
        wanted = set(self._interrupted)
        return [row for row in self.results.left(self.context) if row.item in wanted] if wanted else []

    def _submit(self, items: list[int], metrics: tuple[str, ...]) -> None:
        if self._running is not None:
            self._post(Said("a job runs already; x cancels it", "warning"))
        elif self.problem:
            self._post(Said(self.problem, "warning"))
        elif self.models_missing:
            self._post(Said(f"{self.models_missing}; M shows what can be done", "warning"))
        elif not items:
            self._post(Said("there are no images here to score", "warning"))
        else:
            rows = self.results.rows
            job = Job(metrics, self.context, [Item(item, rows[item].path) for item in items])
            self._running = RunningJob(self._client.new_number(), job)
            self._activity_changed = True
            self._run(self._start_job(self._running))

    async def _start_job(self, running: RunningJob) -> None:
        try:
            await self._ready_worker()
            if running.cancelling:
                self._drop(running)
                return
            await self._client.submit(running.number, running.job)
            # It may have been cancelled while it was handed over.
            if running.cancelling:
                await self._client.cancel(running.number)
        except BaseException:
            self._drop(running)
            raise

    def _drop(self, running: RunningJob) -> None:
        if self._running is running:
            self._running = None
            self._activity_changed = True

    def _abandon_job(self) -> None:
        """Forget the job: its rows are about to go."""
        self.cancel()
        self._running = None
        self._interrupted = []

    # -- what the scores are made against ----------------------------------------------------------------------------

    def set_prompt(self, topic: str, prompt: str) -> None:
        """Judge against other texts; the values that were made against the old ones become stale."""
        self._set_context(dataclasses.replace(self.context, topic=topic, prompt=prompt))

    def set_reference(self, path: str) -> None:
        """Compare with this image."""
        self._set_context(dataclasses.replace(self.context, reference=path))

    def clear_reference(self) -> None:
        """Compare with no image: LPIPS is no longer asked for."""
        self._set_context(dataclasses.replace(self.context, reference=""))

    def set_weights(self, weights: Mapping[str, float], enabled: Iterable[str] | None = None) -> str:
        """Weigh the metrics otherwise; no model is touched. Returns why that cannot be, or an empty text."""
        metrics = in_order(self.enabled if enabled is None else enabled)
        try:
            ScoringPlan(metrics, weights, self.profile.rules)
        except ValueError as error:
            return str(error)
        switched, self.enabled = metrics != self.enabled, metrics
        self.weights = dict(weights)
        self._adopt_plan()
        if switched:
            self.look_for_models()
        return ""

    def toggle_metric(self, metric: str) -> str:
        """Switch a metric on or off; returns why that cannot be, or an empty text."""
        enabled = set(self.enabled) ^ {metric}
        return self.set_weights(self.weights, enabled)

    def use_profile(self, profile: Profile) -> None:
        """Score with other models; scores made with the present ones come back when they do."""
        self._run(self._use_profile(profile))

    async def _use_profile(self, profile: Profile) -> None:
        async with self._opening:
            self.enabled = tuple(metric for metric in self.enabled if metric in profile.metrics) or profile.metrics
            self.weights = dict(profile.weights)
            await self._rebuild(self.listing, profile)
        await self._look_for_models()

    def _set_context(self, context: Context) -> None:
        if context != self.context:
            self.results.context = context
            self._adopt_plan()

    def _adopt_plan(self) -> None:
        """Ask for the enabled metrics that have something to compare with, and say so."""
        self._score_by_plan()
        self._post(SetupChanged())

    def _score_by_plan(self) -> None:
        plan, self.problem = self._wanted_plan(self.context)
        if plan != self.plan:
            self.results.plan = plan
            self._run(self._replan(self.results))

    def _wanted_plan(self, context: Context) -> tuple[ScoringPlan, str]:
        """The plan for a context, and why nothing can be scored by it (the plan then is of all enabled metrics)."""
        missing = context.missing_for(self.enabled)
        asked = tuple(metric for metric in self.enabled if metric not in missing)
        everything = ScoringPlan(self.enabled, self.weights, self.profile.rules)
        if not asked:
            return everything, f"nothing can be scored: {', '.join(dict.fromkeys(missing.values()))}"
        try:
            return ScoringPlan(asked, self.weights, self.profile.rules), ""
        except ValueError as error:
            return everything, str(error)

    async def _replan(self, results: Results) -> None:
        """As Results.replan, with pauses: 100,000 rows take a second."""
        self._replanning += 1
        turn, plan = self._replanning, results.plan
        for start in range(0, len(results.rows), _REPLAN_AT_ONCE):
            for row in results.rows[start : start + _REPLAN_AT_ONCE]:
                if row.raws:
                    row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, plan)
                    self._changed.add(row.item)
            await asyncio.sleep(0)
            if turn != self._replanning or results is not self.results:
                return

    # -- models and the worker ---------------------------------------------------------------------------------------

    def look_for_models(self) -> None:
        """See again which of the profile's models are on this machine."""
        self._run(self._look_for_models())

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
        self._run(self._fetch())

    async def _fetch(self) -> None:
        await self.models.fetch(self.profile)
        await self._look_for_models()

    def count_tokens(self, text: str) -> None:
        """Ask how CLIP sees a prompt; TokensCounted answers."""
        self._run(self._count_tokens(text))

    async def _count_tokens(self, text: str) -> None:
        if "clip" not in self.enabled or not self._client.alive:
            self._post(TokensCounted(text, None))
            return
        try:
            self._post(TokensCounted(text, await self._client.count_tokens(text)))
        except AimError as error:
            self._post(TokensCounted(text, None, error.message))

    async def _ready_worker(self) -> None:
        """A worker that runs and knows the profile's models."""
        async with self._starting:
            if not self._client.alive:
                self._configured = None
                await self._client.start()
            if self._configured != self.profile:
                await self._client.configure(self.launch.engine_settings(self.profile))
                self._configured = self.profile
                self._post(SetupChanged())

    def _on_state(self, state: WorkerState) -> None:
        self._activity_changed = True
        if state is WorkerState.CRASHED:
            if self._running is not None:
                self._interrupted = [item.id for item in self._running.job.items]
                self._running = None
            crash = self._client.crash
            self._post(Said(f"{crash.reason if crash else 'the worker is gone'}; every score is kept", "error"))

    def _on_report(self, job: int, report: Event | JobEnded) -> None:
        running = self._running
        if running is None or running.number != job:
            return
        self._activity_changed = True
        if isinstance(report, JobEnded):
            self._running = None
            self._say_how_it_ended(running, report)
            return
        running.hear(report, self._clock())
        self._changed.update(row.item for row in self.results.apply(report, running.job.context))
        if running.notice:
            self._post(Said(running.take_notice(), "warning"))

    def _say_how_it_ended(self, running: RunningJob, ended: JobEnded) -> None:
        done, failed = running.progress.done, running.progress.failed
        failures = f", {failed} with failures (f filters them)" if failed else ""
        match ended.state:
            case "done" if running.job.items:
                self._post(Said(f"scored {done}{failures}", "warning" if failed else "information"))
            case "cancelled":
                self._post(Said(f"cancelled: {done} of {running.progress.total} were scored and are kept"))
            case "failed":
                hint = f"; {ended.hint}" if ended.hint else ""
                self._post(Said(f"{ended.error}{hint}", "error"))
                if ended.model:
                    self.look_for_models()

    # -- tasks -------------------------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside everything else; an expected failure is said."""
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except AimError as error:
            # A crash has been said by the state it left.
            if self._client.state is not WorkerState.CRASHED:
                self._post(Said(str(error), "error"))


def _fill(results: Results, paths: Sequence[str], known: Mapping[str, Row | None]) -> None:
    """Rows for these images, with what is known of them; runs in a thread."""
    results.add(Item(number, path) for number, path in enumerate(paths))
    for row in results.rows:
        before = known[row.path]
        if before is not None:
            row.facts, row.caption, row.error, row.raws = before.facts, before.caption, before.error, before.raws
    results.replan(results.plan)
