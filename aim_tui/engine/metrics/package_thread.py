"""Time limits for metrics of other packages: one that hangs fails, and the others go on."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import torch

from aim_tui.errors import AimError

Result = TypeVar("Result")

#: The name of a thread that will never be heard of again.
HUNG = "package-hangs"


class PackageHangsError(AimError):
    """A metric of another package did not answer in time."""


class PackageThread:
    """Calls the code of one metric in a thread of its own, and waits so many seconds for each call.

    Nothing can stop a call that hangs: its thread ends with the process, and the metric is not called again.
    """

    def __init__(self, metric: str, seconds: float) -> None:
        self._metric = metric
        self._seconds = seconds
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._hangs = False

    def call(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, or raises; PackageHangsError where it takes too long, or one before it did."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(torch.get_num_threads(),), daemon=True)
            self._thread.start()
        if not self._hangs:
            self._calls.put(work)
            # The queue is empty, or the interpreter is interrupted, which is the caller's.
            with contextlib.suppress(queue.Empty):
                result, error = self._answers.get(timeout=self._seconds)
                if error is not None:
                    raise error
                return cast(Result, result)
            self._hangs, self._thread.name = True, HUNG
        raise PackageHangsError(
            f"did not end within {self._seconds:g} seconds (plugin_seconds); it is not called again until a restart"
        )

    def _run(self, threads: int) -> None:
        # Each thread has a number of its own.
        torch.set_num_threads(threads)
        while True:
            work = self._calls.get()
            try:
                answer: tuple[object, BaseException | None] = (work(), None)
            except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
                answer = (None, error)
            self._answers.put(answer)
            # What it holds is not to live until the next call.
            del work, answer


@dataclass(frozen=True, slots=True)
class PackageThreads:
    """The threads of those metrics and extractors of a job that other packages compute, by name."""

    metrics: Mapping[str, PackageThread]
    extractors: Mapping[str, PackageThread]


def called(thread: PackageThread | None, work: Callable[[], Result]) -> Result:
    """What `work` returns: in the thread of its package, or here where it is our own."""
    return work() if thread is None else thread.call(work)
