"""Runs the worker and the one job that it does at a time; survives its crash."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from aim_tui.core.heatmaps import MakeMap, Map
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, Item
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.ipc.client import WorkerClient
from aim_tui.ipc.protocol import JobEnded, TextsEmbedded, TokenCount
from aim_tui.ipc.worker_state import Patience, WorkerState
from aim_tui.ui.concurrency import in_row_thread, with_pauses
from aim_tui.ui.session.activity import Activity, RunningJob
from aim_tui.ui.session.messages import SetupChanged

if TYPE_CHECKING:
    from aim_tui.ui.session.workspace import Workspace

# A store that does not answer keeps nobody who quits for longer.
_END_SECONDS = 4.0
# What a key waits for at most: events come faster than they can be merged where everything was computed before.
_SLICE_SECONDS = 0.005


class JobRecord(Protocol):
    """Stores the events of a job."""

    @property
    def kept(self) -> float:
        """How many of the job's events may be shown."""

    @property
    def id(self) -> str | None:
        """The run in the store, once it has begun."""

    def holds(self, *paths: str) -> bool:
        """Whether these images of the folder are all of this run."""

    def write(self, event: Event) -> None:
        """Write an event."""

    async def end(self, state: str) -> None:
        """End in this state."""


class Jobs:
    """Jobs go in, events come out into the rows of the workspace, and into the store before."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        worker_command: Sequence[str],
        patience: Patience | None,
        clock: Callable[[], float],
        model_missing: Callable[[], None],
    ) -> None:
        """`model_missing` is called when a job failed because a model cannot be loaded."""
        self._workspace = workspace
        self._model_missing = model_missing
        self._clock = clock
        self._client = WorkerClient(self._on_report, self._on_state, command=worker_command, patience=patience)
        self._starting = asyncio.Lock()
        self._configured: EngineSettings | None = None
        self._record: JobRecord | None = None
        self._last: JobRecord | None = None
        self._events: deque[Event | JobEnded] = deque()
        self._taken = 0
        self._taking: asyncio.Handle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self.interrupted: RunningJob | None = None
        """The job that the worker died with."""

    @property
    def running(self) -> RunningJob | None:
        """The job that runs, or None."""
        return self._workspace.running

    @property
    def alive(self) -> bool:
        """Whether there is a worker to talk to."""
        return self._client.alive

    @property
    def pid(self) -> int | None:
        """The process number of the worker, or None where none runs."""
        return self._client.pid

    @property
    def crashed(self) -> bool:
        """Whether the worker has died and was not started again."""
        return self._client.state is WorkerState.CRASHED

    @property
    def storing(self) -> bool:
        """Whether a run is being filled or ended."""
        return self._record is not None or bool(self._endings)

    def run_of(self, *paths: str) -> str | None:
        """The stored run of the last job, where its rows are there still and these images are among them."""
        return self._last.id if self._last is not None and self._last.holds(*paths) else None

    def activity(self) -> Activity:
        """A snapshot."""
        left = self.interrupted.left if self.interrupted is not None else 0
        return Activity.of(self._client.state, self.running, self._client.crash, left, self._clock())

    def start(
        self,
        job: Job,
        items: Iterable[Item],
        count: int,
        record: JobRecord,
        settings: EngineSettings,
        on_event: Callable[[Event], None] | None = None,
        quiet: bool = False,
    ) -> None:
        """Begin a job, none must be running; these items are put into it before the worker gets it.

        `on_event` takes the events in the place of the rows. A `quiet` one that went well ends without a notification.
        """
        self.interrupted = None
        running = RunningJob(self._client.new_number(), job, count, quiet, on_event=on_event)
        self._workspace.running = running
        self._record = self._last = record
        self._events.clear()
        self._taken = 0
        self._workspace.activity_changed()
        self._workspace.tasks.run(self._start(running, items, settings))

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        if self.running is not None and not self.running.cancelling:
            self.running.cancelling = True
            self._workspace.activity_changed()
            self._workspace.tasks.run(self._client.cancel(self.running.number))

    def abandon(self) -> None:
        """Forget the job: its rows are about to go."""
        self.cancel()
        self.take(everything=True)
        self._workspace.running = self._last = None
        self.interrupted = None
        self._end_record("cancelled")

    async def ready(self, settings: EngineSettings) -> None:
        """A worker that runs and knows the models."""
        async with self._starting:
            if not self._client.alive:
                self._configured = None
                await self._client.start()
            if self._configured != settings:
                await self._client.configure(settings)
                self._configured = settings
                self._workspace.post(SetupChanged())

    async def count_tokens(self, text: str) -> TokenCount:
        """How the configured CLIP tokenizes a text."""
        return await self._client.count_tokens(text)

    async def embed_texts(self, texts: Sequence[str]) -> TextsEmbedded:
        """What CLIP makes of texts; while a job runs it waits its turn."""
        return await self._client.embed_texts(texts)

    async def make_map(self, request: MakeMap) -> Map:
        """A map of an image; while a job runs it waits its turn."""
        return await self._client.make_map(request)

    async def close(self) -> None:
        """End the worker, and the run with what it has; both at once."""
        self.take(everything=True)
        self._workspace.running = None
        self._end_record("cancelled")
        endings = list(self._endings)
        stopping = asyncio.create_task(self._client.stop())
        if endings:
            _, late = await asyncio.wait(endings, timeout=_END_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await stopping

    async def _start(self, running: RunningJob, items: Iterable[Item], settings: EngineSettings) -> None:
        try:
            async for item in with_pauses(items):
                running.add(item)
            # Before the worker reads them: what is replaced later looks like another file then.
            await in_row_thread(running.identify)
            await self.ready(settings)
            # Cancelled, or the worker has died of something else, while it got ready.
            if running.cancelling or self.running is not running:
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
        if self.running is running:
            self._workspace.running = self._record = None
            self._workspace.activity_changed()

    def _end_record(self, state: str) -> None:
        record, self._record = self._record, None
        if record is not None:
            # Not among the tasks that are cancelled when the application closes: this is what they close for.
            task = asyncio.create_task(record.end(state))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

    def _on_state(self, state: WorkerState) -> None:
        self._workspace.activity_changed()
        if state is WorkerState.CRASHED:
            self.take(everything=True)
            if self.running is not None:
                self.interrupted, self._workspace.running = self.running, None
            # The run can go on: what was scored is there, and a restart finds it.
            self._end_record("failed")
            crash = self._client.crash
            reason = crash.reason if crash else "the worker is gone"
            self._workspace.notify(f"{reason}; every score is kept", "error")

    def take_in_turns(self) -> None:
        """Merge the events that are in the store by now; what is left comes after keys and paints that wait."""
        if self._taking is None:
            self._take_some()

    def _take_some(self) -> None:
        self._taking = asyncio.get_running_loop().call_soon(self._take_some) if self.take() else None

    def take(self, *, everything: bool = False) -> bool:
        """Merge the events that are in the store by now, or all; some of them, for as long as a key can wait.

        Returns whether there are more that could be merged.
        """
        until = math.inf if everything else time.perf_counter() + _SLICE_SECONDS
        while self._events and (running := self.running) is not None:
            kept = self._record.kept if self._record is not None else math.inf
            event = self._events[0]
            if isinstance(event, JobEnded):
                # Behind the last event, so that nothing of the job is missing when it has ended.
                self._events.popleft()
                self._ended(running, event)
            elif not everything and self._taken >= kept:
                return False
            elif time.perf_counter() > until:
                return True
            else:
                self._events.popleft()
                self._taken += 1
                self._take(running, event)
        return False

    def _on_report(self, job: int, report: Event | JobEnded) -> None:
        if self.running is None or self.running.number != job:
            return
        # The store has it before the screen does.
        if self._record is not None and not isinstance(report, JobEnded):
            self._record.write(report)
        self._events.append(report)

    def _take(self, running: RunningJob, event: Event) -> None:
        running.apply(event, self._clock())
        self._learn(running, event)
        if running.on_event is not None:
            running.on_event(event)
        else:
            self._workspace.merge(event, running.job.context, running.item_contexts)
        self._workspace.activity_changed()
        if running.notice:
            self._workspace.notify(running.take_notice(), "warning")

    def _learn(self, running: RunningJob, event: Event) -> None:
        """Remember which content a file had that looked as it did when the job began."""
        if isinstance(event, (ImageRead, ImageFailed)):
            facts = (event.facts, event.source) if isinstance(event, ImageRead) else (None, None)
            for path, read in zip(running.files(event.item), facts, strict=True):
                sha256 = read.sha256 if read is not None else None
                self._workspace.contents.learn(path, running.identities.get(path), sha256)

    def _ended(self, running: RunningJob, ended: JobEnded) -> None:
        self._workspace.running = None
        self._workspace.activity_changed()
        self._end_record(ended.state)
        self._notify_end(running, ended)

    def _notify_end(self, running: RunningJob, ended: JobEnded) -> None:
        done, failed = running.progress.done, running.progress.failed
        failures = f", {failed} with failures (f filters them)" if failed else ""
        match ended.state:
            case "done" if running.job.items and (failed or not running.quiet):
                self._workspace.notify(f"scored {done}{failures}", "warning" if failed else "information")
            case "cancelled":
                self._workspace.notify(f"cancelled: {done} of {running.progress.total} were scored and are kept")
            case "failed":
                hint = f"; {ended.hint}" if ended.hint else ""
                self._workspace.notify(f"{ended.error}{hint}", "error")
                if ended.model:
                    self._model_missing()
