"""Reading ahead of the models: files are decoded and prepared in threads, in order, within bounds of memory."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import torch

from aim_tui.core.outcomes import Failed
from aim_tui.engine.metrics.base import UnsuitableError
from aim_tui.engine.out_of_memory import brief
from aim_tui.inputs.images import ImageError, LoadedImage, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from aim_tui.core.scoring.events import ImageFacts, Item
    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.engine.metrics.base import Metric

Input = TypeVar("Input")

_NAME = "read-ahead"
#: What is being read when nobody wants it any more may take so long to end; a file that hangs may take for ever.
_LEAVING_SECONDS = 2.0


def readers_left() -> bool:
    """Whether a thread still reads a file that it cannot be called back from.

    An interpreter that ends meanwhile ends that thread in the middle of C++, which aborts the process.
    """
    return any(thread.name == _NAME for thread in threading.enumerate())


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that gave no image, and why."""

    item: int
    reason: str
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Readable:
    """A decoded image as each metric wants it, or why a metric cannot take it."""

    item: int
    facts: ImageFacts
    prepared: Mapping[str, torch.Tensor | Failed]

    @property
    def nbytes(self) -> int:
        """Bytes that are held; metrics that want the full-size pixels share them."""
        tensors = {value.data_ptr(): value.nbytes for value in self.prepared.values() if not isinstance(value, Failed)}
        return sum(tensors.values())


def to_tensor(image: LoadedImage) -> torch.Tensor:
    """The pixels as uint8 (height, width, 3)."""
    return torch.from_numpy(np.array(image.pixels))


def read_item(item: Item, metrics: Mapping[str, Metric], policy: ReadingPolicy) -> Readable | Unreadable:
    """Decode a file once and prepare it for every metric; what goes wrong is part of the result."""
    try:
        image = read_image(item.path, policy)
        pixels = to_tensor(image)
    except ImageError as error:
        return Unreadable(item.id, str(error))
    except MemoryError:
        return Unreadable(item.id, "not enough memory to decode it")
    prepared: dict[str, torch.Tensor | Failed] = {}
    alike: dict[str, torch.Tensor | Failed] = {}
    for name, metric in metrics.items():
        way = metric.prepares_as
        prepared[name] = alike[way] if way in alike else _prepare(metric, pixels)
        if way is not None:
            alike[way] = prepared[name]
    return Readable(item.id, image.facts, prepared)


def _prepare(metric: Metric, pixels: torch.Tensor) -> torch.Tensor | Failed:
    try:
        return metric.prepare(pixels)
    except UnsuitableError as error:
        return Failed(str(error))
    except Exception as error:  # a metric's own failure must not take the other metrics' values with it
        return Failed(f"cannot be prepared: {brief(error)}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many threads read, how many results and bytes of results may wait, and how many seconds one may take."""

    threads: int
    items: int
    nbytes: int
    seconds: float = 3600.0


class ReadAhead(Generic[Input]):
    """Iterates over `work(input)` in the order of the inputs while threads are already working on the next ones.

    A result that is larger than all before it can overrun `nbytes` once for each thread. What `work` raises is
    raised to the consumer in its place. An input that takes longer than `seconds` becomes what `late` says of it,
    and another thread goes on. Nothing can stop the thread that is late: it ends by itself, or with the process.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        work: Callable[[Input], Readable | Unreadable],
        bounds: Bounds,
        late: Callable[[Input], Unreadable] | None = None,
    ) -> None:
        self._inputs = inputs
        self._work = work
        self._late = late
        self._begun: dict[int, float] = {}
        self._given_up: set[int] = set()
        self._bounds = bounds
        self._changed = threading.Condition()
        self._next = 0
        self._working = 0
        self._done: dict[int, Readable | Unreadable | BaseException] = {}
        self._held = 0
        self._largest = 0
        self._closed = False

    def __iter__(self) -> Generator[Readable | Unreadable, None, None]:
        threads = min(self._bounds.threads, len(self._inputs))
        for _ in range(threads):
            self._start()
        try:
            for index in range(len(self._inputs)):
                yield self._take(index)
        finally:
            with self._changed:
                self._closed = True
                self._done.clear()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._working == 0, _LEAVING_SECONDS)

    @property
    def waiting(self) -> int:
        """Results that are read, or being read, and not taken."""
        with self._changed:
            return len(self._done) + self._working

    def _start(self) -> None:
        threading.Thread(target=self._run, name=_NAME, daemon=True).start()

    def _take(self, index: int) -> Readable | Unreadable:
        with self._changed:
            while index not in self._done:
                left = self._begun.get(index, math.inf) + self._bounds.seconds - time.monotonic()
                if left <= 0 and self._late is not None:
                    self._given_up.add(index)
                    self._working -= 1
                    self._start()
                    return self._late(self._inputs[index])
                self._changed.wait(left if 0 < left < math.inf else None)
            result = self._done.pop(index)
            self._begun.pop(index, None)
            if isinstance(result, BaseException):
                raise result
            self._held -= result.nbytes
            self._changed.notify_all()
        return result

    def _run(self) -> None:
        # Readers work side by side already: a team of OpenMP threads for each would only fight over the cores.
        torch.set_num_threads(1)
        while (index := self._claim()) is not None:
            try:
                result: Readable | Unreadable | BaseException = self._work(self._inputs[index])
            except BaseException as error:  # noqa: BLE001 - handed to the consumer, whatever it is
                result = error
            with self._changed:
                if index in self._given_up:
                    # The consumer has gone on, and another thread works in the place of this one.
                    return
                self._working -= 1
                if not self._closed:
                    self._keep(index, result)
                self._changed.notify_all()

    def _keep(self, index: int, result: Readable | Unreadable | BaseException) -> None:
        self._done[index] = result
        if not isinstance(result, BaseException):
            self._held += result.nbytes
            self._largest = max(self._largest, result.nbytes)

    def _claim(self) -> int | None:
        """The index of the next input once there is room for its result, or None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._next >= len(self._inputs) or self._has_room())
            if self._closed or self._next >= len(self._inputs):
                return None
            self._begun[self._next] = time.monotonic()
            self._changed.notify_all()
            self._next += 1
            self._working += 1
            return self._next - 1

    def _has_room(self) -> bool:
        waiting = len(self._done) + self._working
        if waiting == 0:
            # Whatever its size, one image at a time always goes through.
            return True
        expected = self._held + (self._working + 1) * self._largest
        return waiting < self._bounds.items and expected <= self._bounds.nbytes
