"""The worker and the one job that it does at a time: started, cancelled, survived."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from aim_tui.ipc.client import WorkerClient, WorkerState
from aim_tui.ipc.protocol import JobEnded
from aim_tui.ui.concurrency import with_pauses
from aim_tui.ui.session.activity import Activity, RunningJob
from aim_tui.ui.session.messages import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from typing import Any

    from aim_tui.core.heatmaps import MakeMap, Map
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event, Item
    from aim_tui.core.scoring.jobs import EngineSettings, Job
    from aim_tui.ipc.client import Patience
    from aim_tui.ipc.protocol import TextsEmbedded, TokenCount

# A store that does not answer keeps nobody who quits for longer.
_END_SECONDS = 4.0
# What a key waits for at most: facts come faster than they can be merged where everything was computed before.
_SLICE_SECONDS = 0.005


class Listener(Protocol):
    """Who hears what becomes of jobs."""

    def merge(self, event: Event, context: Context, brought: Mapping[int, Context | None]) -> None:
        """A fact of the running job, which was made against `context` and what its items brought."""

    def activity_changed(self) -> None:
        """The worker's state or the job's progress has changed."""

    def worker_configured(self) -> None:
        """The worker knows the models now."""

    def look_for_models(self) -> None:
        """A job ended because a model cannot be had."""

    def say(self, said: Said) -> None:
        """Something for the user to read."""

    def run(self, work: Coroutine[Any, Any, None]) -> object:
        """Do it beside everything else; an expected failure is said."""


class Record(Protocol):
    """What keeps the facts of a job."""

    @property
    def kept(self) -> float:
        """How many of the job's facts may be shown."""

    @property
    def id(self) -> str | None:
        """The run in the store, once it has begun."""

    def holds(self, *paths: str) -> bool:
        """Whether these images of the folder are all of this run."""

    def write(self, event: Event) -> None:
        """Take a fact."""

    async def end(self, state: str) -> None:
        """Say how it ended."""


class Jobs:
    """Jobs go in, facts come out to the listener, and to the store before."""

    def __init__(
        self,
        listener: Listener,
        *,
        worker_command: Sequence[str],
        patience: Patience | None,
        clock: Callable[[], float],
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._client = WorkerClient(self._on_report, self._on_state, command=worker_command, patience=patience)
        self._starting = asyncio.Lock()
        self._configured: EngineSettings | None = None
        self._record: Record | None = None
        self._last: Record | None = None
        self._heard: deque[Event | JobEnded] = deque()
        self._taken = 0
        self._taking: asyncio.Handle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self.running: RunningJob | None = None
        self.interrupted: RunningJob | None = None
        """The job that the worker died with."""

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
        record: Record,
        settings: EngineSettings,
        hear: Callable[[Event], None] | None = None,
        quiet: bool = False,
    ) -> None:
        """Begin a job, none must be running; these items are put into it before the worker gets it.

        `hear` hears the facts in the listener's place. Of a `quiet` one nobody is told that all went well.
        """
        self.interrupted = None
        self.running, self._record = RunningJob(self._client.new_number(), job, count, quiet, hear_facts=hear), record
        self._last = record
        self._heard.clear()
        self._taken = 0
        self._listener.activity_changed()
        self._listener.run(self._start(self.running, items, settings))

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        if self.running is not None and not self.running.cancelling:
            self.running.cancelling = True
            self._listener.activity_changed()
            self._listener.run(self._client.cancel(self.running.number))

    def abandon(self) -> None:
        """Forget the job: its rows are about to go."""
        self.cancel()
        self.take(everything=True)
        self.running = self._last = None
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
                self._listener.worker_configured()

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
        self.running = None
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
            self.running = self._record = None
            self._listener.activity_changed()

    def _end_record(self, state: str) -> None:
        record, self._record = self._record, None
        if record is not None:
            # Not among the tasks that are cancelled when the application closes: this is what they close for.
            task = asyncio.create_task(record.end(state))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

    def _on_state(self, state: WorkerState) -> None:
        self._listener.activity_changed()
        if state is WorkerState.CRASHED:
            self.take(everything=True)
            if self.running is not None:
                self.interrupted, self.running = self.running, None
            # The run can go on: what was scored is there, and a restart finds it.
            self._end_record("failed")
            crash = self._client.crash
            reason = crash.reason if crash else "the worker is gone"
            self._listener.say(Said(f"{reason}; every score is kept", "error"))

    def take_in_turns(self) -> None:
        """Let the listener have what is in the store by now; what is left comes after keys and paints that wait."""
        if self._taking is None:
            self._take_some()

    def _take_some(self) -> None:
        self._taking = asyncio.get_running_loop().call_soon(self._take_some) if self.take() else None

    def take(self, *, everything: bool = False) -> bool:
        """Let the listener have what is in the store by now, or everything; some of it, for as long as a key can wait.

        Returns whether there is more that it could have.
        """
        until = math.inf if everything else time.perf_counter() + _SLICE_SECONDS
        while self._heard and self.running is not None:
            kept = self._record.kept if self._record is not None else math.inf
            heard = self._heard[0]
            if isinstance(heard, JobEnded):
                # Behind the last fact, so that nothing of the job is missing when it has ended.
                self._heard.popleft()
                self._ended(self.running, heard)
            elif not everything and self._taken >= kept:
                return False
            elif time.perf_counter() > until:
                return True
            else:
                self._heard.popleft()
                self._taken += 1
                self._take(self.running, heard)
        return False

    def _on_report(self, job: int, report: Event | JobEnded) -> None:
        if self.running is None or self.running.number != job:
            return
        # The store hears it before the screen does.
        if self._record is not None and not isinstance(report, JobEnded):
            self._record.write(report)
        self._heard.append(report)

    def _take(self, running: RunningJob, fact: Event) -> None:
        running.hear(fact, self._clock())
        if running.hear_facts is not None:
            running.hear_facts(fact)
        else:
            self._listener.merge(fact, running.job.context, running.brought)
        self._listener.activity_changed()
        if running.notice:
            self._listener.say(Said(running.take_notice(), "warning"))

    def _ended(self, running: RunningJob, ended: JobEnded) -> None:
        self.running = None
        self._listener.activity_changed()
        self._end_record(ended.state)
        self._say_how_it_ended(running, ended)

    def _say_how_it_ended(self, running: RunningJob, ended: JobEnded) -> None:
        done, failed = running.progress.done, running.progress.failed
        failures = f", {failed} with failures (f filters them)" if failed else ""
        match ended.state:
            case "done" if running.job.items and (failed or not running.quiet):
                self._listener.say(Said(f"scored {done}{failures}", "warning" if failed else "information"))
            case "cancelled":
                self._listener.say(Said(f"cancelled: {done} of {running.progress.total} were scored and are kept"))
            case "failed":
                hint = f"; {ended.hint}" if ended.hint else ""
                self._listener.say(Said(f"{ended.error}{hint}", "error"))
                if ended.model:
                    self._listener.look_for_models()
