"""A job's pass over items that each bring what they are judged by: an edit, or a context of their own.

    items -> what is kept -> threads: read their files, prepare what lacks -> models -> judges -> events

Some items at a time: a row's numbers need several models, and come together when the last of them has looked.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec

from aim_tui.core.metrics.edits import FAMILIES
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import Event, ImageFacts, ImageFailed, ImageRead, MetricBatch, MetricValue, Notice
from aim_tui.engine.batching import NO_MEMORY
from aim_tui.engine.item_reading import SidesRead, SidesReader, paths_of, seen_alone, sides_of
from aim_tui.engine.metrics.base import FeatureMetric, RawOutcome
from aim_tui.engine.metrics.clip import ClipScore
from aim_tui.engine.metrics.others import Means, OtherJudge, look_of
from aim_tui.engine.metrics.own import JUDGES
from aim_tui.engine.metrics.pair_features import CaptionLook, EditClipPair, LpipsPair, PairLook
from aim_tui.engine.metrics.per_item import Seen
from aim_tui.engine.models.loading import resolve
from aim_tui.engine.out_of_memory import brief, is_out_of_memory, release_memory
from aim_tui.engine.reading import Bounds, ReadAhead, Unreadable
from aim_tui.engine.text_embeddings import TextBook
from aim_tui.inputs.images import read_image
from aim_tui.store.files import Stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import torch

    from aim_tui.core.scoring.events import Item
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.metrics.per_item import Judge
    from aim_tui.engine.models.loading import LoadedModel

log = logging.getLogger(__name__)

# Items whose features are held until all of them are judged: as many as take about a second, so that a model has its
# batches full and a screen its numbers soon.
_FIRST_AT_ONCE = 16
_LEAST_AT_ONCE, _MOST_AT_ONCE = 4, 512
_SOON, _LATE = 0.5, 2.0
# Features of images and pairs that stay in memory: rows share images, edits share a source.
_REMEMBERED = 4096
_READ_AHEAD_BYTES = 256 << 20
_BATCH_BYTES = 128 << 20
_PAIRS = frozenset({"lpips", "editclip"})
_ROLES = {"clip": Role.CLIP, "caption": Role.CAPTIONER, "lpips": Role.LPIPS, "editclip": Role.EDITCLIP}

Key = tuple[str, ...]
"""The content hashes of what was looked at: one image, or source and target."""


@dataclass(frozen=True, slots=True)
class Backing:
    """What the engine lends to the pass. `need` loads the models of roles that are not there, with their events."""

    models: Mapping[Role, LoadedModel]
    cache: Cache | None
    settings: EngineSettings
    threads: int
    need: Callable[[set[Role]], Iterator[Event]]


@dataclass(slots=True)
class _Waiting:
    """What waits for one model: prepared tensors by key."""

    tensors: dict[Key, torch.Tensor] = field(default_factory=dict)
    nbytes: int = 0


def edit_judges(families: Sequence[str]) -> dict[Judge, tuple[str, ...]]:
    """What judges edits, each with the numbers that are asked of it, for some families of `core.edits`."""
    asked: dict[str, list[str]] = {}
    for spec in (spec for name in families for spec in FAMILIES[name]):
        asked.setdefault(spec.implementation, []).append(spec.id)
    return {resolve(name)(): tuple(measures) for name, measures in asked.items()}


def own_judges(metrics: Sequence[str]) -> dict[Judge, tuple[str, ...]]:
    """What judges images against contexts of their own, for some metrics."""
    return {JUDGES[metric]() if metric in JUDGES else OtherJudge(get_metric(metric)): (metric,) for metric in metrics}


def _roles(look: str) -> set[Role]:
    return {_ROLES[look]} if look in _ROLES else set(get_metric(look).roles)


class ItemwisePass:
    """Scores items by judges, each with the numbers that are asked of it."""

    def __init__(
        self, judges: Mapping[Judge, tuple[str, ...]], backing: Backing, cancelled: Callable[[], bool]
    ) -> None:
        self._judges = judges
        self._backing = backing
        self._cancelled = cancelled
        self._reader = SidesReader(backing.settings.reading)
        self._looks: dict[str, FeatureMetric | PairLook] = {}
        self._books: dict[Role, TextBook] = {}
        self._facts: dict[str, ImageFacts] = {}
        self._unread: dict[str, str] = {}
        self._seen: OrderedDict[tuple[str, Key], Any] = OrderedDict()
        self._told_cut = 0
        self.used: set[Role] = set()
        """The models whose features or embeddings took part, from this job or from an earlier one."""

    def run(self, items: Sequence[Item]) -> Iterator[Event]:
        """The events of all items, those of each number in the order of the items."""
        begin, at_once = 0, _FIRST_AT_ONCE
        while begin < len(items) and not self._cancelled():
            started = time.monotonic()
            yield from self._score(items[begin : begin + at_once])
            begin += at_once
            took = time.monotonic() - started
            if took < _SOON:
                at_once = min(2 * at_once, _MOST_AT_ONCE)
            elif took > _LATE:
                at_once = max(at_once // 2, _LEAST_AT_ONCE)

    # -- one stretch --------------------------------------------------------------------------------------------------

    def _score(self, items: Sequence[Item]) -> Iterator[Event]:
        self._recall_facts(items)
        features: dict[tuple[str, Key], Any] = {}
        broken: dict[int, str] = {}
        self._recall(items, features)
        lacking = [item for item in items if not self._complete(item, features)]
        needed = {role for item in lacking for look in self._asked(item) for role in _roles(look)}
        # No model is loaded for files alone that cannot be read.
        readable = needed <= self._backing.models.keys() or any(
            self._reader.why_unreadable(item) is None for item in lacking
        )
        if readable:
            yield from self._backing.need(needed)
        waiting: dict[str, _Waiting] = {}
        bounds = Bounds(self._backing.threads, 8, _READ_AHEAD_BYTES, self._backing.settings.reading.max_seconds)
        work = self._read if readable else self._unreadable
        for item in lacking:  # here, since the threads share what is made
            for look in self._asked(item):
                self._maker(look)
        with closing(iter(ReadAhead(lacking, work, bounds, self._too_slow))) as images:
            for item, image in zip(lacking, images, strict=True):
                if self._cancelled():
                    return
                if isinstance(image, Unreadable):
                    broken[item.id] = image.reason
                    continue
                self._take(item, cast("SidesRead", image), features, waiting)
                for look in [name for name, queue in waiting.items() if self._is_full(name, queue)]:
                    yield from self._look(look, waiting.pop(look), features)
        for look, queue in waiting.items():
            yield from self._look(look, queue, features)
        if not self._cancelled():
            yield from self._judge(items, features, broken)

    def _recall_facts(self, items: Sequence[Item]) -> None:
        """What reading told of files that are as they were."""
        cache = self._backing.cache
        if cache is None:
            return
        paths = [path for path in dict.fromkeys(paths_of(items)) if path not in self._facts]
        stats = [stat for path in paths if (stat := Stat.of(path)) is not None]
        hashes = cache.keeper.hashes(stats)
        kept = cache.keeper.values(cache.facts(), list(set(hashes.values())))
        policy = self._backing.settings.reading
        for path, sha256 in hashes.items():
            if sha256 in kept:
                facts = msgspec.json.decode(kept[sha256], type=ImageFacts)
                if facts.bytes <= policy.max_bytes and facts.width * facts.height <= policy.max_pixels:
                    self._facts[path] = facts

    def _recall(self, items: Sequence[Item], features: dict[tuple[str, Key], Any]) -> None:
        """Put the features that are kept, of images that are known, among those of the stretch."""
        wanted: dict[str, dict[Key, None]] = {}
        for item in items:
            for look in self._asked(item) if self._known(item) else ():
                wanted.setdefault(look, {}).update(dict.fromkeys(self._keys(item, look)))
        for look, keys in wanted.items():
            self._recall_keys(look, [key for key in keys if (look, key) not in features], features)

    def _recall_keys(self, look: str, keys: Sequence[Key], features: dict[tuple[str, Key], Any]) -> None:
        missing = []
        for key in keys:
            if (look, key) in self._seen:
                features[look, key] = self._seen[look, key]
                self._seen.move_to_end((look, key))
            else:
                missing.append(key)
        if not missing or self._backing.cache is None or not _roles(look) <= self._backing.cache.identities.keys():
            return
        maker = self._maker(look)
        if isinstance(maker, PairLook):
            found = maker.recall([(key[0], key[1]) for key in missing])
        else:
            found = maker.recall([key[0] for key in missing])
        for key, feature in zip(missing, found, strict=True):
            if feature is not None:
                features[look, key] = feature
                self._remember(look, key, feature)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, item: Item) -> SidesRead | Unreadable:
        """The files of an item, prepared for every look; in a thread."""
        return self._reader.read(item, {look: self._maker(look) for look in self._asked(item)})

    def _unreadable(self, item: Item) -> Unreadable:
        """Why an item cannot be read, where no model is loaded because none can be."""
        reason = self._reader.why_unreadable(item)
        return Unreadable(item.id, reason or "its files changed while they were read; score again")

    def _too_slow(self, item: Item) -> Unreadable:
        limit = self._backing.settings.reading.max_seconds
        return Unreadable(item.id, f"took longer than the limit of {limit:g} s to read")

    def _take(
        self,
        item: Item,
        image: SidesRead,
        features: dict[tuple[str, Key], Any],
        waiting: dict[str, _Waiting],
    ) -> None:
        """Note what an item's files are, and queue what nothing is known of."""
        for side, path in sides_of(item).items():
            if side in image.broken:
                self._unread[path] = image.broken[side]
                continue
            facts, stat = image.sides[side], image.stats[side]
            self._unread.pop(path, None)
            self._facts[path] = facts
            if (cache := self._backing.cache) is not None:
                cache.keeper.keep_values(cache.facts(), {facts.sha256: msgspec.json.encode(facts).decode()})
                if stat is not None and stat.size == facts.bytes:
                    cache.keeper.keep_hash(stat, facts.sha256)
        for look in self._asked(item):
            keys = self._keys(item, look)
            names = [look] if look in _PAIRS else [f"{look} {side}" for side in seen_alone(item)]
            queue = waiting.setdefault(look, _Waiting())
            for key, name in zip(keys, names, strict=False):  # no key where a reference cannot be read
                if (look, key) not in features:
                    self._recall_keys(look, [key], features)
                if (look, key) in features or key in queue.tensors:
                    continue
                tensor = image.prepared[name]
                if isinstance(tensor, Failed):
                    features[look, key] = tensor
                else:
                    queue.tensors[key] = tensor
                    queue.nbytes += tensor.nbytes

    # -- looking ------------------------------------------------------------------------------------------------------

    def _is_full(self, look: str, queue: _Waiting) -> bool:
        settings = self._backing.settings
        own = [settings.models[role].batch_size for role in _roles(look)]
        size = settings.batch_size or next(filter(None, own), None) or self._maker(look).batch_size
        return len(queue.tensors) >= size or queue.nbytes >= _BATCH_BYTES

    def _look(self, look: str, queue: _Waiting, features: dict[tuple[str, Key], Any]) -> Iterator[Event]:
        """Have a model look at what waits; what runs out of memory is halved, and what fails fails alone."""
        if self._cancelled() or not queue.tensors:
            return
        keys, tensors = list(queue.tensors), list(queue.tensors.values())
        maker, told = self._maker(look), False
        parts = [(0, len(keys))]
        while parts:
            begin, end = parts.pop()
            found = _attempt(maker, tensors[begin:end])
            if isinstance(found, Exception):
                short = is_out_of_memory(found)
                if short:
                    maker.free()
                    release_memory()
                if end - begin == 1:
                    features[look, keys[begin]] = Failed(NO_MEMORY if short else brief(found))
                    continue
                if short and not told:
                    yield Notice(f"{look}: out of memory at {end - begin} at once; going on with fewer")
                    told = True
                middle = (begin + end) // 2
                parts += [(middle, end), (begin, middle)]
                continue
            if isinstance(maker, PairLook):
                maker.keep([(key[0], key[1]) for key in keys[begin:end]], found)
            else:
                maker.keep([key[0] for key in keys[begin:end]], found)
            for key, feature in zip(keys[begin:end], found, strict=True):
                features[look, key] = feature
                self._remember(look, key, feature)

    def _remember(self, look: str, key: Key, feature: Any) -> None:
        self._seen[look, key] = feature
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    # -- judging ------------------------------------------------------------------------------------------------------

    def _judge(
        self, items: Sequence[Item], features: Mapping[tuple[str, Key], Any], broken: Mapping[int, str]
    ) -> Iterator[Event]:
        seen = {item.id: self._seen_of(item, features) for item in items if item.id not in broken}
        yield from self._embed(list(seen.values()))
        means = Means(self._maker, lambda path: read_image(path, self._backing.settings.reading), self._backing.need)
        for judge in self._judges:
            yield from judge.ahead([each for each in seen.values() if not each.failure(judge.looks(each.item))], means)
        values: dict[str, list[MetricValue]] = {name: [] for asked in self._judges.values() for name in asked}
        for item in items:
            if item.id in broken:
                yield ImageFailed(item.id, broken[item.id])
                continue
            source = self._facts[item.edit.source] if item.edit is not None else None
            yield ImageRead(item.id, self._facts[item.path], source)
            for name, outcome in self._outcomes(seen[item.id]).items():
                if name in values:
                    values[name].append(MetricValue.of(item.id, outcome.outcome, outcome.caption))
        for name, column in values.items():
            if column:
                yield MetricBatch(name, column)

    def _embed(self, seen: Sequence[Seen]) -> Iterator[Event]:
        """Have every text embedded that the judges are going to ask for."""
        wanted: dict[Role, list[str]] = {}
        for each in seen:
            for judge in self._judges:
                if each.failure(judge.looks(each.item)) is None:
                    for role, text in judge.texts(each):
                        wanted.setdefault(role, []).append(text)
        for role, texts in wanted.items():
            self.used.add(role)
            if missing := self._book(role).lacking(texts):
                yield from self._backing.need({role})
                self._book(role).embed(missing)
        cut = sum(len(book.cut) for book in self._books.values())
        if cut and not self._told_cut:
            yield Notice("some texts are longer than the model reads: of those it sees the beginning alone")
        self._told_cut = cut

    def _outcomes(self, seen: Seen) -> dict[str, RawOutcome]:
        found: dict[str, RawOutcome] = {}
        for judge, mine in self._judges.items():
            failure = seen.failure(judge.looks(seen.item))
            if failure is not None:
                found |= dict.fromkeys(mine, RawOutcome(failure))
                continue
            try:
                found |= judge.judge(seen, lambda role, text: self._book(role).get(text))
            except Exception as error:  # a judge's own failure must not take the other numbers with it
                log.exception("an item could not be judged")
                found |= dict.fromkeys(mine, RawOutcome(Failed(brief(error))))
        return found

    def _seen_of(self, item: Item, features: Mapping[tuple[str, Key], Any]) -> Seen:
        found: dict[str, Any] = {}
        for look in self._asked(item):
            self.used |= _roles(look)
            parts = [features.get((look, key), Failed("the model gave nothing")) for key in self._keys(item, look)]
            if not parts:
                found[look] = Failed(next(self._unread[path] for path in paths_of([item]) if path in self._unread))
                continue
            failed = next((part for part in parts if isinstance(part, Failed)), None)
            found[look] = failed or (parts[0] if len(parts) == 1 else tuple(parts))
        return Seen(item, found)

    # -- what is asked ------------------------------------------------------------------------------------------------

    def _asked(self, item: Item) -> list[str]:
        """The looks that an item needs, each once."""
        return list(dict.fromkeys(look for judge in self._judges for look in judge.looks(item)))

    def _known(self, item: Item) -> bool:
        return all(path in self._facts for path in paths_of([item]))

    def _keys(self, item: Item, look: str) -> list[Key]:
        """What a look is kept by: both images for those that see a pair, which a broken reference leaves without."""
        sides = sides_of(item)
        if look not in _PAIRS:
            return [(self._facts[sides[side]].sha256,) for side in seen_alone(item)]
        pair = tuple(self._facts[path].sha256 for path in sides.values() if path in self._facts)
        return [pair] if len(pair) == len(sides) else []

    def _complete(self, item: Item, features: Mapping[tuple[str, Key], Any]) -> bool:
        if not self._known(item):
            return False
        return all((look, key) in features for look in self._asked(item) for key in self._keys(item, look))

    def _maker(self, look: str) -> FeatureMetric | PairLook:
        if look not in self._looks:
            self._looks[look] = self._made(look)
        return self._looks[look]

    def _made(self, look: str) -> FeatureMetric | PairLook:
        models, cache = self._backing.models, self._backing.cache
        if look == "lpips":
            return LpipsPair(models, cache)
        if look == "editclip":
            return EditClipPair(models, cache, self._backing.settings.edit_resize)
        if look not in _ROLES:
            return look_of(get_metric(look), models, cache)
        metric: FeatureMetric = ClipScore(models) if look == "clip" else CaptionLook(models)
        metric.cache = cache if cache is not None and _ROLES[look] in cache.identities else None
        return metric

    def _book(self, role: Role) -> TextBook:
        if role not in self._books:
            self._books[role] = TextBook(role, self._backing.models, self._backing.cache)
        return self._books[role]


def _attempt(maker: FeatureMetric | PairLook, batch: Sequence[torch.Tensor]) -> Sequence[Any] | Exception:
    try:
        found = list(maker.look(batch))
        if len(found) != len(batch):
            raise RuntimeError(f"the model gave {len(found)} features for {len(batch)}")
    except Exception as error:  # any failure of a model is a failed row, never the end of the job
        if not is_out_of_memory(error):
            log.exception("looking at %d failed", len(batch))
        return error.with_traceback(None)
    return found
