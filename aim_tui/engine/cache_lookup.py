"""What is known already of the items of a job, looked up many at a time and ahead of the scoring.

A file that was read before is recognised by its path and identity, any other by a hash of its bytes; in a fresh job
every file is hashed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from aim_tui.core.scoring.events import ImageFacts, Item
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.engine.metrics.base import IMAGE, Extractor, FeatureView, Key
from aim_tui.engine.plan import ItemPlan, JobPlan
from aim_tui.inputs.file_identity import content_hash
from aim_tui.inputs.pixel_values import VALUE_MODES
from aim_tui.store.files import Stat

if TYPE_CHECKING:
    from aim_tui.engine.cache_keys import Cache

#: Items that are looked up at once: enough to read a table instead of searching it, few enough for the memory.
WINDOW = 1 << 16
# Files that are hashed before the next ones are scored; doubled each time, so that the first scores come soon.
_FIRST_HASHED = 64
_MOST_HASHED = 2048

_FACTS = msgspec.json.Decoder(ImageFacts)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a job's items and what is known of each."""

    items: Sequence[Item]
    plans: Sequence[ItemPlan]
    common: ItemPlan | None
    """The plan of all these items, or None where they may have several."""
    sha256s: Mapping[str, str]
    """The content hash of each file that is known, by its path."""
    facts: Sequence[ImageFacts | None]
    """The facts of each item's image."""
    by_content: Mapping[str, ImageFacts]
    """The facts of each file that is known, by its content hash."""
    features: Mapping[FeatureView, Sequence[Any]]
    """For each view a feature of each item; None where there is none, or the item's plan has no such view."""

    def facts_of(self, path: str) -> ImageFacts | None:
        """The facts of a file that is not an item's image, where they are known."""
        return self.by_content.get(self.sha256s.get(path, ""))

    def complete(self) -> list[bool]:
        """Which items need neither be read nor looked at."""
        if self.common is None:
            return [self._is_complete(number) for number in range(len(self.items))]
        # A hundred thousand rows of one context are looked through while the user waits.
        views, sides = self.common.all_views, self.common.sides.values()
        if any(view not in self.features for view in views) or any(self.facts_of(path) is None for path in sides):
            return [False] * len(self.items)
        columns = [self.facts, *(self.features[view] for view in views)]
        return [all(value is not None for value in row) for row in zip(*columns, strict=True)]

    def feature(self, view: FeatureView, number: int) -> Any:
        """The feature of an item, or None."""
        column = self.features.get(view)
        return None if column is None else column[number]

    def _is_complete(self, number: int) -> bool:
        plan = self.plans[number]
        if self.facts[number] is None or any(self.facts_of(path) is None for path in plan.sides.values()):
            return False
        return all(self.feature(view, number) is not None for view in plan.all_views)


class Lookup:
    """Looks a job's items up, each window while the one before it is scored."""

    def __init__(
        self,
        items: Sequence[Item],
        plan: JobPlan,
        extractors: Mapping[str, Extractor],
        cache: Cache | None,
        policy: ReadingPolicy,
        threads: int,
    ) -> None:
        self._items = items
        self._plans = plan.plans
        self._fresh = plan.fresh
        self._common = plan.common
        self._extractors = extractors
        self._cache = cache
        self._policy = policy
        self._threads = threads

    def windows(self) -> Generator[Window, None, None]:
        """All windows, in the order of the items; at least one, which may be empty."""
        if self._cache is None or not self._items:
            yield Window(self._items, self._plans, self._common, {}, [None] * len(self._items), {}, {})
            return
        ahead, pool = ThreadPoolExecutor(1, "cache-lookup"), ThreadPoolExecutor(max(2, self._threads), "look-up")
        windows = self._windows(self._cache, pool)
        coming = ahead.submit(next, windows, None)
        try:
            while (window := coming.result()) is not None:
                coming = ahead.submit(next, windows, None)
                yield window
        finally:
            # A cancelled job does not wait for what is being hashed.
            pool.shutdown(wait=False, cancel_futures=True)
            ahead.submit(self._cache.access.release)
            ahead.shutdown(wait=False)

    def _windows(self, cache: Cache, pool: ThreadPoolExecutor) -> Iterator[Window]:
        at_once = _FIRST_HASHED
        for start in range(0, len(self._items), WINDOW):
            stop = min(start + WINDOW, len(self._items))
            stats, owners = self._files(start, stop)
            hashes = {} if self._fresh else cache.access.hashes([stat for stat in stats.values() if stat is not None])
            unhashed = [path for path, stat in stats.items() if stat is not None and path not in hashes]
            begin = start
            while begin < stop:
                part = unhashed[:at_once]
                # All files of one item are hashed together.
                while part and len(part) < len(unhashed) and owners[unhashed[len(part)]] == owners[part[-1]]:
                    part.append(unhashed[len(part)])
                unhashed = unhashed[len(part) :]
                end = owners[part[-1]] + 1 if unhashed else stop
                at_once = min(2 * at_once, _MOST_HASHED) if part else at_once
                for path, sha256 in zip(part, pool.map(self._hash, (stats[path] for path in part)), strict=True):
                    stat = stats[path]
                    if sha256 is not None and stat is not None:
                        hashes[path] = sha256
                        cache.access.keep_hash(stat, sha256)
                yield self._look_up(cache, pool, begin, end, hashes)
                begin = end

    def _files(self, start: int, stop: int) -> tuple[dict[str, Stat | None], dict[str, int]]:
        """The files of these items as they are now, and the first item that each belongs to."""
        owners: dict[str, int] = {}
        if self._common is not None:
            owners = dict.fromkeys(self._common.sides.values(), start)
        for number in range(start, stop):
            if self._common is None:
                for path in self._plans[number].sides.values():
                    owners.setdefault(path, number)
            owners.setdefault(self._items[number].path, number)
        return {path: Stat.of(path) for path in owners}, owners

    def _hash(self, stat: Stat | None) -> str | None:
        """The content hash of a file, None where it cannot be read or changes meanwhile."""
        if stat is None or stat.size > self._policy.max_bytes:
            return None
        try:
            sha256 = content_hash(stat.path)
        except (OSError, ValueError):
            return None
        return sha256 if Stat.of(stat.path) == stat else None

    def _look_up(
        self, cache: Cache, pool: ThreadPoolExecutor, begin: int, end: int, hashes: Mapping[str, str]
    ) -> Window:
        items, plans = self._items[begin:end], self._plans[begin:end]
        kinds = [self._common] if self._common else list({id(plan): plan for plan in plans}.values())
        sha256s = [hashes.get(item.path) for item in items]
        images = [None if sha256 is None else (sha256,) for sha256 in sha256s]
        # Side by side: SQLite releases the interpreter lock while it searches.
        recalled = {}
        for view in dict.fromkeys(view for plan in kinds for view in plan.all_views):
            everywhere = view.sides == (IMAGE,) and all(view in plan.all_views for plan in kinds)
            keys = images if everywhere else [_key(view, *row, hashes) for row in zip(items, plans, strict=True)]
            recalled[view] = pool.submit(self._recall, view, keys)
        known = dict.fromkeys(sha256 for sha256 in sha256s if sha256 is not None)
        known.update(dict.fromkeys(hashes[path] for plan in kinds for path in plan.sides.values() if path in hashes))
        texts = cache.access.values(cache.facts(), list(known))
        read = {sha256: each for sha256, text in texts.items() if self._allows(each := _FACTS.decode(text))}
        facts = [None if sha256 is None else read.get(sha256) for sha256 in sha256s]
        features = {view: found.result() for view, found in recalled.items()}
        if outdated := {sha256 for sha256, each in read.items() if each.mode in VALUE_MODES and not each.levels}:
            # Kept when such values were read otherwise: computed again, as what is not known at all.
            known_now = {path: sha256 for path, sha256 in hashes.items() if sha256 not in outdated}
            return self._look_up(cache, pool, begin, end, known_now)
        return Window(items, plans, self._common, hashes, facts, read, features)

    def _recall(self, view: FeatureView, keys: Sequence[Key | None]) -> Sequence[Any]:
        """The kept feature of each key, None where there is none."""
        there = [key for key in keys if key is not None]
        if IMAGE not in view.sides:
            # Many items share one reference or source.
            there = list(dict.fromkeys(there))
            known = dict(zip(there, self._extractors[view.extractor].recall(there), strict=True))
            return [None if key is None else known[key] for key in keys]
        found = self._extractors[view.extractor].recall(there)
        if len(there) == len(keys):
            return found
        column = iter(found)
        return [None if key is None else next(column) for key in keys]

    def _allows(self, facts: ImageFacts) -> bool:
        """Whether an image is within the limits of today; others are for the reader to refuse."""
        return facts.bytes <= self._policy.max_bytes and facts.width * facts.height <= self._policy.max_pixels


def _key(view: FeatureView, item: Item, plan: ItemPlan, hashes: Mapping[str, str]) -> Key | None:
    """What a feature of an item is kept by; None where a file is not known, or the item has no such view."""
    if view not in plan.all_views:
        return None
    key = tuple(sha256 for side in view.sides if (sha256 := hashes.get(plan.path(item, side))) is not None)
    return key if len(key) == len(view.sides) else None
