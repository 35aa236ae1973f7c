"""The supervisor of the worker process: starts it, exchanges messages with it, notices when it dies, and ends it.

Nothing here waits for a model on the event loop; reports are passed on as they arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aim_tui.core.heatmaps import MakeMap, Map
from aim_tui.core.scoring.events import Event, Phase, PhaseName
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.core.text import without_escapes
from aim_tui.errors import AimError
from aim_tui.ipc.framing import pieces, take_lines
from aim_tui.ipc.protocol import (
    PROTOCOL_VERSION,
    REPORTS,
    Cancel,
    Configure,
    CountTokens,
    EmbedTexts,
    Hello,
    JobEnded,
    MapMade,
    Message,
    ProtocolError,
    RequestFailed,
    TextsEmbedded,
    TokenCount,
    decode,
)
from aim_tui.ipc.worker_log import TAIL_LINES, how_it_ended, last_lines
from aim_tui.ipc.worker_state import Crash, Patience, WorkerGoneError, WorkerState
from aim_tui.isolation import PYTHON
from aim_tui.settings import paths
from aim_tui.settings.logs import new_log

WORKER_COMMAND = (*PYTHON, "-m", "aim_tui.worker")

# Some thirty reports, 2 ms: a key that is pressed meanwhile takes about ten turns of the loop to its paint.
_READ_AT_ONCE = 8 * 1024
# The longest valid line is a batch of captions; a longer one never ends.
_LONGEST_LINE = 16 * 1024 * 1024
_GARBAGE_ALLOWED = 20


class WorkerClient:
    """One worker process and the conversation with it.

    `on_report(job, report)` is called with every report of the current job, JobEnded included; late reports of other
    jobs are dropped. `on_state(state)` is called with every change of state. Both are called on the event loop.
    """

    def __init__(
        self,
        on_report: Callable[[int, Event | JobEnded], None],
        on_state: Callable[[WorkerState], None],
        *,
        command: Sequence[str] = WORKER_COMMAND,
        patience: Patience | None = None,
    ) -> None:
        self._on_report = on_report
        self._on_state = on_state
        self._command = tuple(command)
        self._patience = patience or Patience()
        self._numbers = itertools.count(1)
        self._starts = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._hello: asyncio.Future[Hello] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._garbage: deque[str] = deque(maxlen=TAIL_LINES)
        self._garbage_seen = 0
        self._stopping = False
        self._log: Path | None = None
        self.state = WorkerState.STOPPED
        self.job: int | None = None
        self.crash: Crash | None = None

    @property
    def pid(self) -> int | None:
        """The process number of the worker that runs, or None."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def alive(self) -> bool:
        """Whether there is a worker to talk to."""
        return self.state in (WorkerState.READY, WorkerState.LOADING, WorkerState.BUSY)

    async def start(self) -> None:
        """Start the worker and wait for its Hello; WorkerGoneError says why it did not come."""
        if self._process is not None:
            raise RuntimeError("the worker has been started already")
        self.crash, self._stopping = None, False
        self._garbage.clear()
        self._garbage_seen = 0
        self._set_state(WorkerState.STARTING)
        self._hello = asyncio.get_running_loop().create_future()
        try:
            self._process = await self._spawn()
        except OSError as error:
            self._crashed(f"the worker could not be started: {error.strerror or error}")
            raise self._gone() from error
        self._reader = asyncio.create_task(self._read(self._process), name="worker reader")
        try:
            hello = await asyncio.wait_for(asyncio.shield(self._hello), self._patience.hello)
        except TimeoutError:
            await self._end_with(f"the worker did not report for {self._patience.hello:g} s")
            raise self._gone() from None
        if hello.version != PROTOCOL_VERSION:
            await self._end_with(
                f"the worker has protocol {hello.version}, the application {PROTOCOL_VERSION}: "
                "two versions of aim-tui are mixed; reinstall it"
            )
            raise self._gone()
        self._set_state(WorkerState.READY)

    async def configure(self, settings: EngineSettings) -> None:
        """Set which models the following jobs use."""
        await self._send(Message(0, Configure(settings)))

    def new_number(self) -> int:
        """A number for a job that is about to be submitted, so that its first report is not taken for a late one."""
        return next(self._numbers)

    async def submit(self, number: int, job: Job) -> None:
        """Submit a job once the one before has ended; its number comes with every report about it."""
        # Two that wait may wake together.
        while not self._idle.is_set():
            await self._idle.wait()
        self._require_worker()
        self.job = number
        self._idle.clear()
        self._set_state(WorkerState.BUSY)
        await self._send(Message(number, job))

    async def cancel(self, job: int) -> None:
        """Request the end of a job; its JobEnded still comes. Does nothing if it has ended already."""
        if job == self.job and self.alive:
            await self._send(Message(job, Cancel()))

    async def count_tokens(self, text: str) -> TokenCount:
        """How the configured CLIP tokenizes a text; answered while a job runs."""
        try:
            count: TokenCount = await asyncio.wait_for(self._ask(CountTokens(text)), self._patience.answer)
        except TimeoutError:
            raise WorkerGoneError("the worker did not count the prompt's tokens") from None
        return count

    async def make_map(self, request: MakeMap) -> Map:
        """A map of an image; AimError says why there is none.

        Waits as long as a job or the loading of a model takes; cancelling the wait cancels the request.
        """
        made: Map = await self._ask(request)
        return made

    async def embed_texts(self, texts: Sequence[str]) -> TextsEmbedded:
        """The CLIP embeddings of texts; AimError says why there are none. Waits as `make_map` does."""
        embedded: TextsEmbedded = await self._ask(EmbedTexts(list(texts)))
        return embedded

    async def _ask(self, request: CountTokens | MakeMap | EmbedTexts) -> Any:
        self._require_worker()
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await self._send(Message(number, request))
            return await answer
        except asyncio.CancelledError:
            if self.alive:
                with contextlib.suppress(WorkerGoneError):
                    await self._send(Message(number, Cancel()))
            raise
        finally:
            self._answers.pop(number, None)

    async def stop(self) -> None:
        """End the worker: close its input, wait, then SIGTERM, then SIGKILL to its whole group."""
        process, self._stopping = self._process, True
        if process is not None:
            await self._end(process)
            if self._reader is not None:
                await asyncio.gather(self._reader, return_exceptions=True)
        self._forget()
        if self.state is not WorkerState.CRASHED:
            self._set_state(WorkerState.STOPPED)

    # -- the process ---------------------------------------------------------------------------------------------

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._log, stderr = new_log("worker", f"{os.getpid()}-{next(self._starts)}")
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        finally:
            os.close(stderr)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        for wait, signal_number in ((self._patience.close, signal.SIGTERM), (self._patience.terminate, signal.SIGKILL)):
            try:
                await asyncio.wait_for(process.wait(), wait)
                break
            except TimeoutError:
                _signal_group(process.pid, signal_number)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._patience.terminate)
        # Children of the worker's (decoders, compilers) share its group and have no reason to outlive it.
        _signal_group(process.pid, signal.SIGKILL)

    async def _end_with(self, reason: str) -> None:
        """End a worker that cannot be used, and report the reason rather than how it then ended."""
        process, self._stopping = self._process, True
        if process is not None:
            _signal_group(process.pid, signal.SIGTERM)
            await self._end(process)
            if self._reader is not None:
                await asyncio.gather(self._reader, return_exceptions=True)
        self._crashed(reason, process.returncode if process else None)

    # -- its output ----------------------------------------------------------------------------------------------

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Read reports until the output ends, then find out why it did."""
        assert process.stdout is not None
        pending = bytearray()
        while chunk := await process.stdout.read(_READ_AT_ONCE):
            pending += chunk
            if not self._stopping:
                for line in take_lines(pending):
                    self._handle(line)
                # Reading does not wait while there is something to read, and a worker may never pause.
                await asyncio.sleep(0)
            if not self._stopping and (len(pending) > _LONGEST_LINE or self._garbage_seen > _GARBAGE_ALLOWED):
                seen = self._garbage[0] if self._garbage else bytes(pending[:80]).decode("ascii", "replace")
                # Ended from a task of its own while reading goes on: a process whose output nobody reads never
                # counts as ended for asyncio.
                self._ending = asyncio.create_task(
                    self._end_with(f"the worker does not speak the protocol; its output: {seen}")
                )
                self._stopping = True
            if self._stopping:
                pending.clear()
        if self._stopping:
            return
        # A worker without output is of no use even if it lives on.
        try:
            code = await asyncio.wait_for(process.wait(), self._patience.terminate)
        except TimeoutError:
            _signal_group(process.pid, signal.SIGKILL)
            code = await process.wait()
        if not self._stopping:
            self._crashed(how_it_ended(code), code)

    def _handle(self, line: bytes) -> None:
        if self._garbage_seen > _GARBAGE_ALLOWED:
            return
        try:
            message = decode(line, REPORTS)
        except ProtocolError:
            # A stray line was printed by a library; it is only kept for the crash report.
            self._garbage_seen += 1
            self._garbage.append(without_escapes(line.decode("utf-8", "replace"))[:200])
            return
        match message.body:
            case Hello() as hello:
                if self._hello is not None and not self._hello.done():
                    self._hello.set_result(hello)
            case TokenCount() | MapMade() | TextsEmbedded() | RequestFailed() as answer:
                waiting = self._answers.get(message.job)
                if waiting is None or waiting.done():
                    return
                if isinstance(answer, RequestFailed):
                    waiting.set_exception(AimError(answer.error, answer.hint))
                else:
                    waiting.set_result(answer.map if isinstance(answer, MapMade) else answer)
            case report if message.job == self.job:
                self._report(message.job, report)

    def _report(self, job: int, report: Event | JobEnded) -> None:
        if isinstance(report, JobEnded):
            self.job = None
            self._set_state(WorkerState.READY)
            self._on_report(job, report)
            self._idle.set()
            return
        if isinstance(report, Phase):
            loading = report.name is not PhaseName.SCORING
            self._set_state(WorkerState.LOADING if loading else WorkerState.BUSY)
        self._on_report(job, report)

    # -- its input -----------------------------------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        process = self._require_worker()
        assert process.stdin is not None
        # The lock keeps messages whole and in order; it is fair, so a Cancel cannot overtake its Job.
        async with self._writing:
            try:
                for piece in pieces(message):
                    process.stdin.write(piece)
                    await process.stdin.drain()
                    await asyncio.sleep(0)
            except (BrokenPipeError, ConnectionResetError):
                # The reader learns why.
                raise self._gone() from None

    def _require_worker(self) -> asyncio.subprocess.Process:
        if self._process is None or not self.alive:
            raise self._gone()
        return self._process

    # -- state ---------------------------------------------------------------------------------------------------

    def _set_state(self, state: WorkerState) -> None:
        if state is not self.state:
            self.state = state
            self._on_state(state)

    def _crashed(self, reason: str, exit_code: int | None = None) -> None:
        log = self._log or paths.state_dir()
        tail = "\n".join([*self._garbage, *last_lines(log)][-TAIL_LINES:])
        hint = "often by the system, when memory runs out" if exit_code == -signal.SIGKILL else ""
        self.crash = Crash(reason, exit_code, tail, log, hint)
        self._forget()
        self._set_state(WorkerState.CRASHED)

    def _forget(self) -> None:
        self._process = None
        self.job = None
        self._idle.set()
        for waiting in (self._hello, *self._answers.values()):
            if waiting is not None and not waiting.done():
                waiting.set_exception(self._gone())
                # A future that nobody awaits any more must not be reported as an error.
                waiting.exception()
        self._hello = None

    def _gone(self) -> WorkerGoneError:
        if self.crash is not None:
            return WorkerGoneError(self.crash.reason, "restart it to continue; every score is kept")
        return WorkerGoneError("the worker is not running")


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
