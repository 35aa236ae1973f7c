"""Reading ahead of the models: files are decoded and prepared in threads, in order, within bounds of memory."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import torch

from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import ImageFacts, Item
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.engine.metrics.base import REFERENCE, SOURCE, UnsuitableError
from aim_tui.engine.metrics.package_thread import HUNG
from aim_tui.engine.out_of_memory import brief
from aim_tui.engine.plan import ItemPlan
from aim_tui.inputs.images import ImageError, LoadedImage, read_image
from aim_tui.store.files import Stat

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Extractor, FeatureView, Prepared

    Pixels = tuple[ImageFacts, torch.Tensor]

Input = TypeVar("Input")

# Files that several items share and that stay decoded: rows with one source or reference stand near each other.
_HELD = 4
_NAME = "read-ahead"
#: Seconds to wait at the end for files that are still being read; a file that hangs may take for ever.
_LEAVING_SECONDS = 2.0


def readers_left() -> bool:
    """Whether a thread still reads a file, or runs a metric of another package, that it cannot be called back from.

    An interpreter that ends meanwhile ends that thread in the middle of C++, which aborts the process.
    """
    return any(thread.name in (_NAME, HUNG) for thread in threading.enumerate())


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item with a file that gave no image, and why."""

    item: int
    reason: str
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Readable:
    """The decoded files of an item as each view wants them, or why a view cannot take them."""

    item: int
    facts: Mapping[str, ImageFacts]
    """By side."""
    prepared: Mapping[FeatureView, Prepared | Failed]
    nbytes: int
    """Bytes that are held; views that want the same pixels share them."""


def to_tensor(image: LoadedImage) -> torch.Tensor:
    """The pixels as uint8 (height, width, 3)."""
    return torch.from_numpy(np.array(image.pixels))


def bytes_of(prepared: Prepared | Failed) -> int:
    """Bytes of what is prepared, of two images those of the scored one: the other is usually shared."""
    if isinstance(prepared, Failed):
        return 0
    return prepared.nbytes if isinstance(prepared, torch.Tensor) else prepared[-1].nbytes


class Reader:
    """Reads the files of items by a policy, and prepares them for extractors. Safe in several threads."""

    def __init__(self, policy: ReadingPolicy, extractors: Mapping[str, Extractor]) -> None:
        self._policy = policy
        self._extractors = extractors
        self._shared: Set[str] = frozenset()
        self._held: OrderedDict[tuple[str, Stat], Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def share(self, paths: Set[str]) -> None:
        """Decode these files once, as far as items that share one stand near each other."""
        self._shared = paths

    def read(self, item: Item, plan: ItemPlan, views: Iterable[FeatureView]) -> Readable | Unreadable:
        """Decode the files of an item and prepare them for some views; what goes wrong is part of the result."""
        pixels: dict[str, torch.Tensor] = {}
        facts: dict[str, ImageFacts] = {}
        broken: dict[str, str] = {}
        for side, path in plan.files(item).items():
            try:
                facts[side], pixels[side] = self._decoded(path)
            except (ImageError, MemoryError) as error:
                reason = _reason(plan, side, path, error)
                # Without its reference an image still has what other metrics see of it.
                if side != REFERENCE:
                    return Unreadable(item.id, reason)
                broken[side] = reason
        prepared: dict[FeatureView, Prepared | Failed] = {}
        alike: dict[tuple[str, tuple[str, ...]], Prepared | Failed] = {}
        for view in views:
            prepared[view] = self._prepared(view, pixels, broken, alike)
        held = {
            tensor.data_ptr(): tensor.nbytes
            for value in prepared.values()
            if not isinstance(value, Failed)
            for tensor in ((value,) if isinstance(value, torch.Tensor) else value[-1:])
        }
        return Readable(item.id, facts, prepared, sum(held.values()))

    def hold(self, path: str, image: LoadedImage) -> None:
        """Hold a file that every item is compared with."""
        self._shared = {path}
        if (stat := Stat.of(path)) is not None and stat.size == image.facts.bytes:
            self._held[path, stat] = image.facts, to_tensor(image)

    def _prepared(
        self,
        view: FeatureView,
        pixels: Mapping[str, torch.Tensor],
        broken: Mapping[str, str],
        alike: dict[tuple[str, tuple[str, ...]], Prepared | Failed],
    ) -> Prepared | Failed:
        for side in view.sides:
            if side in broken:
                return Failed(broken[side])
        extractor = self._extractors[view.extractor]
        way = extractor.prepares_as
        if way is not None and (way, view.sides) in alike:
            return alike[way, view.sides]
        found: Prepared | Failed
        try:
            found = extractor.prepare(*(pixels[side] for side in view.sides))
        except UnsuitableError as error:
            found = Failed(str(error))
        except BaseException as error:  # one view's failure must not take the others with it
            found = Failed(f"cannot be prepared: {brief(error)}")
        if way is not None:
            alike[way, view.sides] = found
        return found

    def _decoded(self, path: str) -> Pixels:
        stat = Stat.of(path) if path in self._shared else None
        if stat is not None:
            with self._lock:
                if (path, stat) in self._held:
                    self._held.move_to_end((path, stat))
                    return self._held[path, stat]
        image = read_image(path, self._policy)
        found = image.facts, to_tensor(image)
        if stat is not None and stat.size == image.facts.bytes:
            with self._lock:
                self._held[path, stat] = found
                if len(self._held) > _HELD:
                    self._held.popitem(last=False)
        return found


def _reason(plan: ItemPlan, side: str, path: str, error: ImageError | MemoryError) -> str:
    text = "not enough memory to decode it" if isinstance(error, MemoryError) else str(error)
    if side == REFERENCE:
        return f"reference {path}: {text}"
    if SOURCE not in plan.sides:
        return text
    return f"{'source' if side == SOURCE else 'target'} image {path}: {text}"


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
    raised to the consumer in its place. An input that takes longer than `seconds` becomes the result of `late`,
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
        self._abandoned: set[int] = set()
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
                    self._abandoned.add(index)
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
            except BaseException as error:
                result = error
            with self._changed:
                if index in self._abandoned:
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
