"""One job's pass over its items: kept features go straight to the metrics; what lacks is read, prepared, extracted.

    lookup -> items of which everything is kept ---------------------------+
           -> threads: read, decode, prepare -> a batcher per extractor ---+-> a column per metric -> values

Every item may have its own context. A column computes its values as soon as the first items in it have their features,
so that they come in the order of the items; those that are compared with the same thing are computed together.
"""

from __future__ import annotations

import logging
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, MetricBatch, MetricValue, Notice
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.engine.batching import NO_MEMORY, Batcher
from aim_tui.engine.cache_keys import Cache
from aim_tui.engine.metrics.base import IMAGE, SOURCE, Extractor, FeatureView, ItemMetric, Key, RawOutcome
from aim_tui.engine.metrics.package_thread import PackageThreads, called
from aim_tui.engine.models.loading import LoadedModel
from aim_tui.engine.out_of_memory import brief, is_out_of_memory, release_memory
from aim_tui.engine.plan import ItemPlan, JobPlan
from aim_tui.engine.reading import Bounds, Readable, ReadAhead, Reader, Unreadable
from aim_tui.engine.text_embeddings import TextEmbeddings
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from aim_tui.engine.cache_lookup import Window

log = logging.getLogger(__name__)

#: Bytes of decoded and prepared images that may wait for the models, and for one extractor's batch to fill.
READ_AHEAD_BYTES = 256 << 20
BATCH_BYTES = 128 << 20
# Items of different contexts that wait for each other, so that their texts are embedded in one batch.
_CONTEXTS_TOGETHER = 16
#: Values of one message: whoever reads a line does nothing else meanwhile.
_MOST_VALUES = 1024
# Features that stay in memory: edits share a source, rows of a manifest an image.
_REMEMBERED = 4096

Outcome = float | RawOutcome


@dataclass(slots=True)
class _Entry:
    """An item on its way through the columns."""

    item: int
    plan: ItemPlan
    features: dict[FeatureView, Any]
    """What is there so far."""


@dataclass(frozen=True, slots=True)
class Backing:
    """What a pass uses of the engine.

    `load` loads the models of roles that are not there, with their events; `batch_size` is that of an extractor.
    `packages` has the thread of each metric and extractor that is another package's.
    """

    policy: ReadingPolicy
    cache: Cache | None
    threads: int
    texts: TextEmbeddings
    models: Mapping[Role, LoadedModel]
    load: Callable[[set[Role]], Iterator[Event]]
    batch_size: Callable[[Extractor], int]
    cancelled: Callable[[], bool]
    packages: PackageThreads


@dataclass(frozen=True, slots=True)
class _Part:
    """Items of one metric that are computed together: outcomes that are known, and groups of one context each."""

    items: Sequence[int]
    outcomes: Sequence[Outcome | None]
    groups: list[tuple[list[int], ItemPlan, list[Any]]]
    """Places in `items`, the plan of the first, and the features by view."""


class ScoringPass:
    """Scores window after window; an extractor needs its models only for what a window lacks."""

    def __init__(
        self,
        plan: JobPlan,
        metrics: Mapping[str, ItemMetric],
        extractors: Mapping[str, Extractor],
        reader: Reader,
        backing: Backing,
    ) -> None:
        self._plan = plan
        self._metrics = metrics
        self._extractors = extractors
        self._reader = reader
        self._backing = backing
        self._policy = backing.policy
        self._batchers: dict[str, Batcher] = {}
        self._columns: dict[str, deque[_Entry]] = {name: deque() for name in metrics}
        self._pending: dict[str, dict[Key, list[tuple[_Entry, FeatureView]]]] = {name: {} for name in extractors}
        self._remembered: OrderedDict[tuple[str, Key], Any] = OrderedDict()
        self._cut_reported = False
        context = plan.common.context if plan.common is not None else Context()
        # What a whole job compares with is reported when it begins.
        self._reported = {context.prompt, context.topic}
        self._reads_reported: set[tuple[str, str]] = set()

    def score(self, window: Window) -> Iterator[Event]:
        """Score the items of a window, up to what waits for its batch to fill."""
        complete = window.complete()
        lacking = [number for number, done in enumerate(complete) if not done]
        self._share(window, lacking)
        sizes = [self._batcher(name).batch_size for name in self._ready_extractors()]
        reader = ReadAhead(
            lacking,
            lambda number: self._reader.read(window.items[number], window.plans[number], self._lacking(window, number)),
            Bounds(self._backing.threads, 2 * max(sizes, default=4), READ_AHEAD_BYTES, self._policy.max_seconds),
            lambda number: self._too_slow(window.items[number].id),
        )
        with closing(iter(reader)) as images:
            for done, numbers in groupby(range(len(complete)), key=complete.__getitem__):
                if self._backing.cancelled():
                    return
                if done:
                    yield from self._take_kept(window, list(numbers))
                    continue
                for number in numbers:
                    image = next(images)
                    if self._backing.cancelled():
                        return
                    yield from self._take(window, number, image)
                    # While a batch is computed this would keep a full-size image alive for nothing.
                    del image
                    yield from self._extract(batcher for batcher in self._batchers.values() if batcher.full)

    def end(self) -> Iterator[Event]:
        """Score what still waits."""
        if not self._backing.cancelled():
            # Values after all features, so that the texts of all metrics are embedded together.
            for batcher in self._batchers.values():
                yield from self._flush(batcher)
            yield from self._compute()

    # -- items --------------------------------------------------------------------------------------------------------

    def _take_kept(self, window: Window, numbers: Sequence[int]) -> Iterator[Event]:
        """Items of which everything is kept, next to each other."""
        begin, end = numbers[0], numbers[-1] + 1
        items, plans = window.items[begin:end], window.plans[begin:end]
        for item, plan, facts in zip(items, plans, window.facts[begin:end], strict=True):
            if facts is not None:
                yield ImageRead(item.id, facts, window.facts_of(plan.sides[SOURCE]) if SOURCE in plan.sides else None)
        entries: list[_Entry] = []
        yield from self._compute_kept(
            [name for name, column in self._columns.items() if not column], window, begin, end
        )
        for column in filter(None, self._columns.values()):
            if not entries:
                entries = [
                    _Entry(item.id, plan, {view: window.features[view][begin + n] for view in plan.all_views})
                    for n, (item, plan) in enumerate(zip(items, plans, strict=True))
                ]
            column += entries
        yield from self._compute()

    def _take(self, window: Window, number: int, image: Readable | Unreadable) -> Iterator[Event]:
        """An item that was read: note what its files are, and queue what nothing is known of."""
        item, plan = window.items[number], window.plans[number]
        kept = {view: feature for view in plan.all_views if (feature := window.feature(view, number)) is not None}
        files = plan.files(item)
        if not isinstance(image, Unreadable) and any(
            window.sha256s.get(files[side], facts.sha256) != facts.sha256 for side, facts in image.facts.items()
        ):
            # A file is another one now, and what is kept belongs to the one before.
            yield from self._backing.load(self._plan.all_roles())
            kept = {}
            image = self._reader.read(item, plan, plan.all_views)
        if isinstance(image, Unreadable):
            yield ImageFailed(image.item, image.reason)
            return
        yield ImageRead(image.item, image.facts[IMAGE], image.facts.get(SOURCE))
        if (cache := self._backing.cache) is not None:
            for facts in image.facts.values():
                cache.access.keep_values(cache.facts(), {facts.sha256: msgspec.json.encode(facts).decode()})
        entry = _Entry(item.id, plan, kept)
        for view, prepared in image.prepared.items():
            if view in kept:
                continue
            if isinstance(prepared, Failed):
                entry.features[view] = prepared
                continue
            key = tuple(image.facts[side].sha256 for side in view.sides)
            if (view.extractor, key) in self._remembered:
                self._remembered.move_to_end((view.extractor, key))
                entry.features[view] = self._remembered[view.extractor, key]
                continue
            self._batcher(view.extractor).add(key, prepared)
            self._pending[view.extractor].setdefault(key, []).append((entry, view))
        for column in self._columns.values():
            column.append(entry)

    def _lacking(self, window: Window, number: int) -> list[FeatureView]:
        return [view for view in window.plans[number].all_views if window.feature(view, number) is None]

    def _share(self, window: Window, lacking: Sequence[int]) -> None:
        counts = Counter(
            path for number in lacking for path in window.plans[number].files(window.items[number]).values()
        )
        common = self._plan.common.sides.values() if self._plan.common else ()
        self._reader.share({*common, *(path for path, count in counts.items() if count > 1)})

    def _too_slow(self, item: int) -> Unreadable:
        return Unreadable(item, f"took longer than the limit of {self._policy.max_seconds:g} s to read")

    # -- features -----------------------------------------------------------------------------------------------------

    def _ready_extractors(self) -> Iterable[str]:
        """Extractors that may be asked how many images they take at once: their models are there."""
        loaded = self._backing.models.keys()
        return [name for name, extractor in self._extractors.items() if loaded >= set(extractor.roles)]

    def _batcher(self, name: str) -> Batcher:
        if name not in self._batchers:
            extractor = self._extractors[name]
            self._batchers[name] = Batcher(
                extractor, self._backing.batch_size(extractor), BATCH_BYTES, self._backing.packages.extractors.get(name)
            )
        return self._batchers[name]

    def _extract(self, batchers: Iterable[Batcher]) -> Iterator[Event]:
        for batcher in batchers:
            yield from self._flush(batcher)
            if self._plan.common is not None or max(map(len, self._columns.values())) >= _CONTEXTS_TOGETHER:
                yield from self._compute()
            if self._backing.cancelled():
                return

    def _flush(self, batcher: Batcher) -> Iterator[Event]:
        """Extract what waits in a batcher, and pass the features to the items that wait for them."""
        yield from batcher.flush()
        name = batcher.extractor.name
        for key, feature in batcher.done.items():
            for entry, view in self._pending[name].pop(key):
                entry.features[view] = feature
            if not isinstance(feature, Failed):
                self._remembered[name, key] = feature
                if len(self._remembered) > _REMEMBERED:
                    self._remembered.popitem(last=False)
        batcher.done.clear()

    # -- values -------------------------------------------------------------------------------------------------------

    def _compute(self) -> Iterator[Event]:
        """Compute the values of the first items of each column that have all their features."""
        while ready := {name: part for name, column in self._columns.items() if (part := _take_ready(column, name))}:
            parts = {
                name: self._part(
                    name,
                    [entry.item for entry in entries],
                    [entry.plan for entry in entries],
                    [[entry.features[view] for view in entry.plan.views[name]] for entry in entries],
                )
                for name, entries in ready.items()
            }
            yield from self._embed(
                [(name, plan, columns) for name, part in parts.items() for _, plan, columns in part.groups]
            )
            for name, computed in parts.items():
                yield from self._reads(computed, name)
                yield MetricBatch(name, self._values(name, computed))
                yield from self._metrics[name].notices()
                if self._backing.cancelled():
                    return

    def _compute_kept(self, names: Sequence[str], window: Window, begin: int, end: int) -> Iterator[Event]:
        """Compute the values of items whose features are all kept, where none waits before them."""
        for start in range(begin, end, _MOST_VALUES):
            stop = min(start + _MOST_VALUES, end)
            parts = {name: self._kept_part(name, window, start, stop) for name in names}
            yield from self._embed(
                [(name, plan, columns) for name, part in parts.items() for _, plan, columns in part.groups]
            )
            for name, part in parts.items():
                yield from self._reads(part, name)
                yield MetricBatch(name, self._values(name, part))
                yield from self._metrics[name].notices()

    def _kept_part(self, name: str, window: Window, start: int, stop: int) -> _Part:
        items, plans = [item.id for item in window.items[start:stop]], window.plans[start:stop]
        first = plans[0]
        if self._plan.common is not None and name not in first.missing:
            # One context: the columns are there as they are needed.
            columns = [window.features[view][start:stop] for view in first.views[name]]
            return _Part(items, [None] * len(items), [(list(range(len(items))), first, columns)])
        features = [[window.features[view][start + n] for view in plan.views[name]] for n, plan in enumerate(plans)]
        return self._part(name, items, plans, features)

    def _part(
        self, name: str, items: Sequence[int], plans: Sequence[ItemPlan], features: Sequence[Sequence[Any]]
    ) -> _Part:
        """Some items of a metric: what is missing or failed has its outcome, the rest is grouped by context."""
        outcomes: list[Outcome | None] = [None] * len(items)
        groups: dict[object, list[int]] = {}
        for number, (plan, row) in enumerate(zip(plans, features, strict=True)):
            failure = next((feature for feature in row if isinstance(feature, Failed)), None)
            if failure is not None:
                outcomes[number] = RawOutcome(failure)
            elif name in plan.missing:
                outcomes[number] = self._metrics[name].missing(plan.missing[name], row)
            else:
                groups.setdefault(plan.groups[name], []).append(number)
        return _Part(
            items,
            outcomes,
            [
                (
                    numbers,
                    plans[numbers[0]],
                    [list(column) for column in zip(*(features[n] for n in numbers), strict=True)],
                )
                for numbers in groups.values()
            ],
        )

    def _values(self, name: str, part: _Part) -> list[MetricValue]:
        """The values of a part, those together that are compared with the same thing."""
        outcomes = list(part.outcomes)
        for numbers, plan, columns in part.groups:
            for number, outcome in zip(numbers, self._together(name, plan, columns), strict=True):
                outcomes[number] = outcome
        return _flat(part.items, [outcome for outcome in outcomes if outcome is not None])

    def _embed(self, groups: Sequence[tuple[str, ItemPlan, list[Any]]]) -> Iterator[Event]:
        """Have embedded what these groups of metrics are compared with, and loaded what else they need.

        All texts of a model together: batches of texts are fewer, and an embedding does not depend on how the metrics
        take turns.
        """
        texts = self._backing.texts
        wanted = [text for name, plan, columns in groups for text in self._metrics[name].texts(plan.context, columns)]
        lacking = texts.lacking(wanted)
        roles = set(lacking)
        for name, plan, columns in groups:
            try:
                roles |= self._metrics[name].wants(plan.context, columns, texts)
            except KeyboardInterrupt:
                raise
            except BaseException:  # its values fail as well, and say why
                log.exception("%s cannot take its context", name)
        yield from self._backing.load(roles)
        for role, some in lacking.items():
            texts.of(role).embed(some)
        if not self._cut_reported and any(
            text in texts.of(role).cut for role, text in wanted if text not in self._reported
        ):
            self._cut_reported = True
            yield Notice("some texts are longer than their model reads: it sees only their beginning")

    def _reads(self, part: _Part, name: str) -> Iterator[Event]:
        """How much is read of the texts that items bring themselves, and once of that of all others."""
        if self._plan.common is not None:
            return
        for numbers, plan, _ in part.groups:
            for text, role, content in self._metrics[name].read_texts(plan.context):
                if (read := self._backing.texts.of(role).reads.get(content)) is None:
                    continue
                for item in (part.items[number] for number in numbers):
                    if item in self._plan.own_texts[text]:
                        yield replace(read, text=text, item=item)
                    elif (text, content) not in self._reads_reported:
                        self._reads_reported.add((text, content))
                        yield replace(read, text=text)

    def _together(self, name: str, plan: ItemPlan, columns: Sequence[Sequence[Any]]) -> Sequence[Outcome]:
        """The outcomes of items of one context; where together they fail, each by itself."""
        metric, count = self._metrics[name], len(columns[0])
        try:
            thread = self._backing.packages.metrics.get(name)
            found = called(thread, lambda: metric.values(plan.context, columns, self._backing.texts))
            if len(found) != count:
                raise RuntimeError(f"the metric gave {len(found)} values for {count} images")
            return found
        except AimError as error:
            return [RawOutcome(Failed(error.message))] * count
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # any failure of a metric is a failed value, never the end of the job
            short = is_out_of_memory(error)
            if not short:
                log.exception("%s failed on %d items", name, count)
            if count == 1:
                return [RawOutcome(Failed(NO_MEMORY if short else brief(error)))]
        if short:
            release_memory()
        return [
            outcome for n in range(count) for outcome in self._together(name, plan, [[column[n]] for column in columns])
        ]


def _take_ready(column: deque[_Entry], metric: str) -> list[_Entry]:
    """Take the first entries that have every feature a metric needs."""
    ready: list[_Entry] = []
    while column and len(ready) < _MOST_VALUES:
        entry = column[0]
        if not all(view in entry.features for view in entry.plan.views[metric]):
            break
        ready.append(column.popleft())
    return ready


def _flat(items: Sequence[int], outcomes: Sequence[Outcome]) -> list[MetricValue]:
    return [_value(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]


def _value(item: int, raw: Outcome) -> MetricValue:
    if isinstance(raw, float):
        if math.isfinite(raw):
            return MetricValue(item, "present", raw)
        raw = RawOutcome.of(raw)
    return MetricValue.of(item, raw.outcome, raw.caption)
