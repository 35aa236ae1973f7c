"""The worker process: requests on stdin, reports on what was stdout, everything else on stderr.

Three threads, so that only what needs a model waits for one: the main thread runs jobs, maps and texts, one reads
stdin, one counts tokens. The process ends when stdin closes, whatever it is doing; nothing else works for every way in
which the application can die.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from aim_tui.core.heatmaps import MakeMap
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import Phase, PhaseName
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.runtime import go_offline
from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub.inventory import locate
from aim_tui.ipc.protocol import (
    PROTOCOL_VERSION,
    REQUESTS,
    Cancel,
    Configure,
    CountTokens,
    EmbedTexts,
    Hello,
    JobEnded,
    MapMade,
    Message,
    ProtocolError,
    Report,
    RequestFailed,
    TextsEmbedded,
    decode,
    encode,
)
from aim_tui.worker.tokens import TokenCounter

if TYPE_CHECKING:
    from aim_tui.engine.engine import Engine

log = logging.getLogger(__name__)

#: What the main thread does.
Work = Configure | Job | MakeMap | EmbedTexts

_NICENESS = 5


def main() -> NoReturn:
    """Serve until stdin closes."""
    faulthandler.enable()
    # The application handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    go_offline()
    requests, reports = _take_streams()
    worker = Worker(Reports(reports))
    worker.send(0, Hello(PROTOCOL_VERSION, os.getpid()))
    threading.Thread(target=_listen, args=(requests, worker), name="requests", daemon=True).start()
    threading.Thread(target=worker.count_tokens, name="tokens", daemon=True).start()
    worker.run_jobs()


def _take_streams() -> tuple[int, int]:
    """Descriptors for requests and reports; libraries read from /dev/null and print to stderr from now on."""
    requests, reports = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests, reports


def _listen(requests: int, worker: Worker) -> None:
    """Pass each request to the worker, and end the process with the stream."""
    try:
        with open(requests, "rb") as stream:
            for line in stream:
                try:
                    worker.take(decode(line, REQUESTS))
                except ProtocolError as error:
                    log.error("%s", error)
    finally:
        # The main thread may be computing, which only an exit of the whole process ends.
        os._exit(0)


class Reports:
    """Writes messages whole, whichever thread they come from."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, message: Message) -> None:
        """Write one line; the process ends if nobody is left to read it."""
        rest = memoryview(encode(message))
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError:
                os._exit(0)


class Worker:
    """Takes requests from one thread; runs jobs and makes maps in another, counts tokens in a third."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._work: SimpleQueue[tuple[int, Work]] = SimpleQueue()
        self._put_off: deque[tuple[int, Work]] = deque()
        self._texts: SimpleQueue[tuple[int, Configure | CountTokens]] = SimpleQueue()
        self._cancelled: set[int] = set()
        self._engine: Engine | None = None

    def send(self, job: int, report: Report) -> None:
        """Report something about a job or another request."""
        self._reports.write(Message(job, report))

    def take(self, message: Message) -> None:
        """Queue a request for the thread that handles it; returns at once."""
        match message.body:
            case Cancel():
                self._cancelled.add(message.job)
            case CountTokens() as request:
                self._texts.put((message.job, request))
            case Configure() as configure:
                self._work.put((message.job, configure))
                self._texts.put((message.job, configure))
            case Job() | MakeMap() | EmbedTexts() as work:
                self._work.put((message.job, work))

    def run_jobs(self) -> NoReturn:
        """Handle settings, jobs, maps and texts in the order in which they came, forever."""
        while True:
            number, request = self._put_off.popleft() if self._put_off else self._work.get()
            match request:
                case Configure(settings):
                    self._configure(number, settings)
                case MakeMap() | EmbedTexts():
                    self._answer(number, request)
                case Job():
                    self.send(number, self._run(number, request))
                    self._cancelled.discard(number)

    def _configure(self, number: int, settings: EngineSettings) -> None:
        if self._engine is not None:
            self._engine.configure(settings)
            return
        # torch takes seconds to import: before the first job, not in it.
        self.send(number, Phase(PhaseName.STARTING, "model libraries"))
        from aim_tui.engine.engine import Engine

        self._engine = Engine(settings)

    def _run(self, number: int, job: Job) -> JobEnded:
        if self._engine is None:
            return JobEnded("failed", "the worker got a job before its settings")
        loading = ""
        try:
            for event in self._engine.run(job, lambda: number in self._cancelled):
                if isinstance(event, Phase):
                    loading = event.detail if event.name is PhaseName.LOADING else ""
                self.send(number, event)
                self._answer_between()
        except ModelUnavailableError as error:
            return JobEnded("failed", error.message, error.hint, loading)
        except AimError as error:
            return JobEnded("failed", error.message, error.hint)
        except Exception as error:
            log.exception("job %d failed", number)
            return JobEnded("failed", f"the engine failed ({type(error).__name__}: {error})", "see the worker's log")
        return JobEnded("cancelled" if number in self._cancelled else "done")

    def _answer_between(self) -> None:
        """Answer the requests that came while a job runs, up to the first that must wait for its end.

        A request waits if it needs a model that the job has not loaded: loading one here would not be reported.
        """
        while not self._work.empty():
            self._put_off.append(self._work.get())
        while self._put_off:
            number, request = self._put_off[0]
            match request:
                case MakeMap(_, method) if self._engine is not None and self._engine.can_map(method):
                    pass
                case EmbedTexts() if self._engine is not None and self._engine.can_embed(Role.CLIP):
                    pass
                case _:
                    return
            self._put_off.popleft()
            self._answer(number, request)

    def _answer(self, number: int, request: MakeMap | EmbedTexts) -> None:
        if number in self._cancelled:
            self._cancelled.discard(number)
        else:
            self.send(number, self._result(number, request))

    def _result(self, number: int, request: MakeMap | EmbedTexts) -> MapMade | TextsEmbedded | RequestFailed:
        if self._engine is None:
            return RequestFailed("the worker got a request before its settings")
        try:
            return MapMade(self._engine.make_map(request)) if isinstance(request, MakeMap) else self._embed(request)
        except AimError as error:
            return RequestFailed(error.message, error.hint)
        except Exception as error:
            from aim_tui.engine.out_of_memory import is_out_of_memory, release_memory

            what = "map" if isinstance(request, MakeMap) else "text embedding"
            if not is_out_of_memory(error):
                log.exception("%s %d failed", what, number)
                return RequestFailed(f"the {what} failed ({type(error).__name__}: {error})", "see the worker's log")
        # After the handler, whose traceback holds the memory of the failed pass.
        release_memory()
        return RequestFailed(f"not enough memory for this {what}", "close other programs, or use --device cpu")

    def _embed(self, request: EmbedTexts) -> TextsEmbedded | RequestFailed:
        assert self._engine is not None  # checked by _result
        book = self._engine.embed_texts(Role.CLIP, request.texts)
        vectors = []
        for text in request.texts:
            vector = book.get(text)
            if isinstance(vector, Failed):
                return RequestFailed(vector.reason)
            vectors.append(vector.tolist())
        space = self._engine.space(Role.CLIP)
        if space is None:
            return RequestFailed("without a store no image embeddings are kept", "start with --store PATH")
        cut = [text for text in request.texts if text in book.cut]
        return TextsEmbedded(vectors, space.fingerprint, space.recipe, cut)

    def count_tokens(self) -> None:
        """Answer token requests, forever; one that cannot be answered is logged."""
        counter = None
        settings: EngineSettings | None = None
        while True:
            number, request = self._texts.get()
            if isinstance(request, Configure):
                counter, settings = None, request.settings
                continue
            try:
                if counter is None:
                    counter = _counter(settings)
                self.send(number, counter.count(request.text))
            except Exception as error:  # a counter that fails must not take the worker with it
                log.error("tokens cannot be counted: %s", error)


def _counter(settings: EngineSettings | None) -> TokenCounter:
    if settings is None or Role.CLIP not in settings.models:
        raise ModelUnavailableError("no CLIP model is configured")
    return TokenCounter(locate(Role.CLIP, settings.models[Role.CLIP]).path)
