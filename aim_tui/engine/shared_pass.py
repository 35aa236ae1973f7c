"""One job's pass over its images: what is kept goes straight to the batches, the rest is read, prepared and looked at.

Both meet in one batcher a metric, so that rows come in the order of the items whatever was kept of them.
"""

from __future__ import annotations

from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead
from aim_tui.engine.batching import Batcher
from aim_tui.engine.reading import Bounds, ReadAhead, Unreadable, read_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aim_tui.core.scoring.events import Item
    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.cache_lookup import Window
    from aim_tui.engine.metrics.base import Metric
    from aim_tui.engine.reading import Readable

#: Bytes of decoded and prepared images that may wait for the models, and for one metric's batch to fill.
READ_AHEAD_BYTES = 256 << 20
BATCH_BYTES = 128 << 20


class Scoring:
    """Scores window after window. `metrics` need their models for what a window lacks, and for that alone."""

    def __init__(
        self,
        metrics: Mapping[str, Metric],
        cache: Cache | None,
        policy: ReadingPolicy,
        threads: int,
        cancelled: Callable[[], bool],
    ) -> None:
        self._metrics = metrics
        self._cache = cache
        self._policy = policy
        self._threads = threads
        self._cancelled = cancelled
        self._batchers = {name: Batcher(name, metric, 1, BATCH_BYTES) for name, metric in metrics.items()}
        self._sized: set[str] = set()

    def size_batches(self, metric: str, size: int) -> None:
        """Set how many images of a metric a batch starts with, once that can be told."""
        if metric not in self._sized:
            self._sized.add(metric)
            self._batchers[metric].batch_size = size

    def score(self, window: Window, load_all: Callable[[], Iterator[Event]]) -> Iterator[Event]:
        """Score the items of a window, up to what waits for its batch to fill.

        `load_all` loads what models are not there; it is called for a file that changed since it was looked up.
        """
        complete = window.complete(tuple(self._metrics))
        lacking = [number for number, done in enumerate(complete) if not done]
        ahead = 2 * max(batcher.batch_size for batcher in self._batchers.values())
        reader = ReadAhead(
            lacking,
            lambda number: self._read(window, number),
            Bounds(self._threads, ahead, READ_AHEAD_BYTES, self._policy.max_seconds),
            lambda number: self._too_slow(window.items[number]),
        )
        with closing(iter(reader)) as images:
            for done, numbers in groupby(range(len(complete)), key=complete.__getitem__):
                if self._cancelled():
                    return
                if done:
                    yield from self._hand_on(window, list(numbers))
                    continue
                for number in numbers:
                    image = next(images)
                    if self._cancelled():
                        return
                    yield from self._take(window, number, image, load_all)
                    # While a batch is computed this would keep a full-size image alive for nothing.
                    del image
                    yield from self._flush(batcher for batcher in self._batchers.values() if batcher.full)

    def end(self) -> Iterator[Event]:
        """Score what still waits."""
        if not self._cancelled():
            yield from self._flush(self._batchers.values())

    def _read(self, window: Window, number: int) -> Readable | Unreadable:
        """Read an item and prepare it for the metrics that have no feature of it."""
        lacking = {name: metric for name, metric in self._metrics.items() if _feature(window, name, number) is None}
        return read_item(window.items[number], lacking, self._policy)

    def _too_slow(self, item: Item) -> Unreadable:
        return Unreadable(item.id, f"took longer than the limit of {self._policy.max_seconds:g} s to read")

    def _hand_on(self, window: Window, numbers: Sequence[int]) -> Iterator[Event]:
        """Items of which everything is kept, next to each other."""
        begin, end = numbers[0], numbers[-1] + 1
        items = [item.id for item in window.items[begin:end]]
        for item, facts in zip(items, window.facts[begin:end], strict=True):
            if facts is not None:
                yield ImageRead(item, facts)
        for name, batcher in self._batchers.items():
            yield from batcher.add_kept(items, window.features[name][begin:end])
        yield from self._flush(batcher for batcher in self._batchers.values() if batcher.full)

    def _take(
        self, window: Window, number: int, image: Readable | Unreadable, load_all: Callable[[], Iterator[Event]]
    ) -> Iterator[Event]:
        kept = {name: _feature(window, name, number) for name in self._metrics}
        if not isinstance(image, Unreadable) and window.sha256s[number] not in (None, image.facts.sha256):
            # The file is another one now, and what is kept belongs to the one before.
            yield from load_all()
            kept = dict.fromkeys(kept)
            image = read_item(window.items[number], self._metrics, self._policy)
        if isinstance(image, Unreadable):
            yield ImageFailed(image.item, image.reason)
            return
        yield ImageRead(image.item, image.facts)
        sha256 = image.facts.sha256
        if self._cache is not None:
            self._cache.keeper.keep_values(self._cache.facts(), {sha256: msgspec.json.encode(image.facts).decode()})
        for name, batcher in self._batchers.items():
            if kept[name] is None:
                batcher.add(image.item, image.prepared[name], sha256)
            else:
                yield from batcher.add_kept([image.item], [kept[name]])

    def _flush(self, batchers: Iterable[Batcher]) -> Iterator[Event]:
        for batcher in batchers:
            for event in batcher.flush():
                yield event
                if self._cancelled():
                    return


def _feature(window: Window, metric: str, number: int) -> object | None:
    column = window.features.get(metric)
    return None if column is None else column[number]
