"""What is known already of the images of a job, looked up many at a time and ahead of the scoring.

A file is told by its path, size and time of modification where it was read before, and by a hash of its bytes
otherwise.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from aim_tui.core.scoring.events import ImageFacts
from aim_tui.store.files import Stat

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from aim_tui.core.scoring.events import Item
    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.metrics.base import FeatureMetric

#: Images that are looked up at once: enough to read a table instead of searching it, few enough for the memory.
WINDOW = 1 << 16
# Files that are hashed before the next ones are scored; doubled each time, so that the first scores come soon.
_FIRST_HASHED = 64
_MOST_HASHED = 2048

_FACTS = msgspec.json.Decoder(ImageFacts)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a job's items and what is known of each; None where something is not.

    `features` has a column for each metric that keeps any.
    """

    items: Sequence[Item]
    sha256s: Sequence[str | None]
    facts: Sequence[ImageFacts | None]
    features: Mapping[str, Sequence[Any]]

    def complete(self, metrics: Sequence[str]) -> list[bool]:
        """Which items need neither be read nor looked at for these metrics."""
        columns = [self.facts, *(self.features.get(metric, [None] * len(self.items)) for metric in metrics)]
        return [all(value is not None for value in row) for row in zip(*columns, strict=True)]


class Survey:
    """Looks a job's items up, each window while the one before it is scored."""

    def __init__(
        self,
        items: Sequence[Item],
        metrics: Mapping[str, FeatureMetric],
        cache: Cache | None,
        policy: ReadingPolicy,
        threads: int,
    ) -> None:
        self._items = items
        self._metrics = metrics
        self._cache = cache
        self._policy = policy
        self._threads = threads

    def windows(self) -> Generator[Window, None, None]:
        """All windows, in the order of the items; at least one, which may be empty."""
        if self._cache is None or not self._items:
            yield Window(self._items, [None] * len(self._items), [None] * len(self._items), {})
            return
        ahead, pool = ThreadPoolExecutor(1, "survey"), ThreadPoolExecutor(max(2, self._threads), "look-up")
        windows = self._windows(self._cache, pool)
        coming = ahead.submit(next, windows, None)
        try:
            while (window := coming.result()) is not None:
                coming = ahead.submit(next, windows, None)
                yield window
        finally:
            # A cancelled job does not wait for what is being hashed.
            pool.shutdown(wait=False, cancel_futures=True)
            ahead.submit(self._cache.keeper.release)
            ahead.shutdown(wait=False)

    def _windows(self, cache: Cache, pool: ThreadPoolExecutor) -> Iterator[Window]:
        at_once = _FIRST_HASHED
        for start in range(0, len(self._items), WINDOW):
            items = self._items[start : start + WINDOW]
            stats = [Stat.of(item.path) for item in items]
            hashes = cache.keeper.hashes([stat for stat in stats if stat is not None])
            known = [hashes.get(item.path) for item in items]
            strangers = [number for number, sha256 in enumerate(known) if sha256 is None and stats[number] is not None]
            begin = 0
            while begin < len(items):
                part, strangers = strangers[:at_once], strangers[at_once:]
                end = part[-1] + 1 if strangers else len(items)
                at_once = min(2 * at_once, _MOST_HASHED) if part else at_once
                for number, sha256 in zip(part, pool.map(self._hash, (stats[n] for n in part)), strict=True):
                    known[number] = sha256
                    stat = stats[number]
                    if sha256 is not None and stat is not None:
                        cache.keeper.keep_hash(stat, sha256)
                yield self._look_up(cache, pool, items[begin:end], known[begin:end])
                begin = end

    def _hash(self, stat: Stat | None) -> str | None:
        """The content hash of a file, None where it cannot be read or changes meanwhile."""
        if stat is None or stat.size > self._policy.max_bytes:
            return None
        try:
            # Opening a pipe would wait for somebody to write.
            if not os.path.isfile(stat.path):  # noqa: PTH113
                return None
            with open(stat.path, "rb") as file:  # noqa: PTH123 - a name of any bytes, as it is
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return None
        return sha256 if Stat.of(stat.path) == stat else None

    def _look_up(
        self, cache: Cache, pool: ThreadPoolExecutor, items: Sequence[Item], sha256s: Sequence[str | None]
    ) -> Window:
        there = [sha256 for sha256 in sha256s if sha256 is not None]
        # Side by side: SQLite lets go of the interpreter while it searches.
        recalled = {name: pool.submit(metric.recall, there) for name, metric in self._metrics.items()}
        texts = cache.keeper.values(cache.facts(), there)
        read = {sha256: _FACTS.decode(text) for sha256, text in texts.items()}
        facts = [self._allowed(read.get(sha256)) if sha256 else None for sha256 in sha256s]
        features = {}
        for name, found in recalled.items():
            column = iter(found.result())
            features[name] = [next(column) if sha256 is not None else None for sha256 in sha256s]
        return Window(items, sha256s, facts, features)

    def _allowed(self, facts: ImageFacts | None) -> ImageFacts | None:
        """Facts of an image that is within the limits of today; others are for the reader to refuse."""
        if facts is None or facts.bytes > self._policy.max_bytes:
            return None
        return facts if facts.width * facts.height <= self._policy.max_pixels else None
