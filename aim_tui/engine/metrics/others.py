"""The metrics beside AIM's for images that each have a prompt or a reference of their own: their own code judges.

What is seen of an image is kept as ever; images of one context are judged together, one context after the other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.spec import Need
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.engine.metrics.base import FeatureMetric, RawOutcome
from aim_tui.engine.metrics.loading import made, metric_class
from aim_tui.engine.metrics.per_item import Judge, missing_of
from aim_tui.engine.out_of_memory import brief
from aim_tui.errors import AimError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import torch

    from aim_tui.core.metrics.spec import MetricSpec, Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event, Item
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.metrics.base import Metric, Read
    from aim_tui.engine.metrics.per_item import Said, Seen
    from aim_tui.engine.models.loading import LoadedModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What a judge works with: the code behind a look, how files are read, and how models come that are not there."""

    metric: Callable[[str], Any]
    read: Read
    need: Callable[[set[Role]], Iterator[Event]]


class OtherJudge(Judge):
    """The number of one metric. UsageError for one that cannot be computed image by image."""

    def __init__(self, spec: MetricSpec, look: str | None = None) -> None:
        kind = metric_class(spec)
        if not (isinstance(kind, type) and issubclass(kind, FeatureMetric)) and spec.needs is not Need.NOTHING:
            raise UsageError(
                f"metric {spec.id!r} takes one {spec.needs} for all images", "leave it out, or score them by themselves"
            )
        self._spec = spec
        # What is seen of an image, where another judge has that seen as well.
        self._look = look or spec.id
        self._judged: dict[int, RawOutcome] = {}

    def looks(self, item: Item) -> tuple[str, ...]:
        """What the metric sees in the image, where there is something to compare it with."""
        return () if missing_of(item, self._spec.id) else (self._look,)

    def ahead(self, seen: Sequence[Seen], means: Means) -> Iterator[Event]:
        """Judge the items, context after context."""
        self._judged.clear()
        groups: dict[str, list[Seen]] = {}
        for each in seen:
            if self.looks(each.item):
                groups.setdefault(each.context.need(self._spec.id), []).append(each)
        for group in groups.values():
            yield from self._judge_alike(group, means)

    def _judge_alike(self, group: Sequence[Seen], means: Means) -> Iterator[Event]:
        metric: FeatureMetric = means.metric(self._spec.id)
        features = [each.features[self._look] for each in group]
        context = group[0].context
        try:
            metric.expect(context, means.read)
            yield from means.need(metric.wants(features))
            # What a prompt's length is worth saying would be said of every prompt.
            metric.set_context(context, means.read)
            values = metric.judge(features)
        except AimError as error:
            self._judged |= {each.item.id: RawOutcome(Failed(error.message)) for each in group}
            return
        except Exception as error:  # another package's code, perhaps: a failed value, never the end of the job
            log.exception("%s could not judge", self._spec.id)
            self._judged |= {each.item.id: RawOutcome(Failed(brief(error))) for each in group}
            return
        for each, value in zip(group, values, strict=True):
            self._judged[each.item.id] = RawOutcome.of(value) if isinstance(value, float) else value

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """What was judged ahead; missing without a prompt or reference."""
        if (reason := missing_of(seen.item, self._spec.id)) is not None:
            return {self._spec.id: RawOutcome(Missing(reason))}
        return {self._spec.id: self._judged[seen.item.id]}


def look_of(spec: MetricSpec, models: Mapping[Role, LoadedModel], cache: Cache | None) -> FeatureMetric:
    """What looks at images for a metric; of one without features its values are what is seen."""
    metric = made(spec, models)
    if not isinstance(metric, FeatureMetric):
        return _ValuesAlone(metric)
    metric.cache = cache if cache is not None and all(role in cache.identities for role in spec.roles) else None
    return metric


class _ValuesAlone(FeatureMetric):
    """A metric that compares images with nothing, as one whose features are its values; nothing is kept of it."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    @property
    def batch_size(self) -> int:
        return self._metric.batch_size

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._metric.prepare(pixels)

    def expect(self, context: Context, read: Read) -> None:
        pass

    def wants(self, features: Sequence[object]) -> set[Role]:
        return set()

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        return ()

    def recall(self, sha256s: Sequence[str]) -> list[None]:
        return [None] * len(sha256s)

    def look(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        return self._metric.score(batch)

    def keep(self, sha256s: Sequence[str], features: Sequence[RawOutcome]) -> None:
        pass

    def judge(self, features: Sequence[RawOutcome]) -> Sequence[RawOutcome]:
        return features
