"""The two simpler shapes of a metric, `Metric` and `FeatureMetric`, as an `ItemMetric` and its extractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.spec import MetricSpec, Need, Role
from aim_tui.engine.metrics.base import Extractor, FeatureMetric, FeatureView, ItemMetric

if TYPE_CHECKING:
    import torch

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Columns, Key, MakeExtractor, Metric, Models, RawOutcome, Read
    from aim_tui.engine.text_embeddings import TextEmbeddings


class MetricExtractor(Extractor):
    """What a metric that is its own extractor sees: features, or its values where it has no features."""

    def __init__(self, spec: MetricSpec, metric: Metric) -> None:
        self.name = spec.id
        self.roles = spec.roles
        self._metric = metric

    @property
    def batch_size(self) -> int:
        """The metric's own."""
        return self._metric.batch_size

    @property
    def prepares_as(self) -> str | None:
        """As the metric says."""
        return self._metric.prepares_as

    def prepare(self, *pixels: torch.Tensor) -> torch.Tensor:
        """As the metric prepares it."""
        return self._metric.prepare(*pixels)

    def recall(self, keys: Sequence[Key]) -> list[Any]:
        """What the metric keeps; of values nothing is kept."""
        if isinstance(self._metric, FeatureMetric):
            self._metric.cache = self.cache
            return self._metric.recall([sha256 for (sha256,) in keys])
        return [None] * len(keys)

    def extract(self, batch: Sequence[torch.Tensor]) -> Sequence[Any]:
        """The metric's features, or its values."""
        return self._metric.look(batch) if isinstance(self._metric, FeatureMetric) else self._metric.score(batch)

    def keep(self, keys: Sequence[Key], features: Sequence[Any]) -> None:
        """As the metric keeps them."""
        if isinstance(self._metric, FeatureMetric):
            self._metric.cache = self.cache
            self._metric.keep([sha256 for (sha256,) in keys], features)

    def free(self) -> None:
        """Free what the metric holds."""
        self._metric.free()


class AdaptedMetric(ItemMetric):
    """A metric of one context at a time, given the contexts one after the other."""

    def __init__(self, spec: MetricSpec, metric: Metric, models: Models, read: Read) -> None:
        super().__init__(models)
        self._spec = spec
        self._metric = metric
        self._read = read

    @property
    def one_context_only(self) -> bool:
        """Whether its values are computed against a context that has to be the same for all images."""
        return not isinstance(self._metric, FeatureMetric) and self._spec.needs is not Need.NOTHING

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """The metric itself."""
        return {self._spec.id: lambda models, settings: MetricExtractor(self._spec, self._metric)}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """What the metric sees of the image."""
        return (FeatureView(self._spec.id),)

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """As the metric says."""
        if not isinstance(self._metric, FeatureMetric):
            return set()
        self._metric.expect(context, self._read)
        return self._metric.wants(features[0])

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """Give the metric its context."""
        if isinstance(self._metric, FeatureMetric):
            self._metric.expect(context, self._read)
        return self._metric.set_context(context, self._read)

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The metric's judgement of its features; values are there already."""
        if not isinstance(self._metric, FeatureMetric):
            return features[0]
        self._metric.expect(context, self._read)
        # What it reports of a prompt would be reported of every prompt.
        self._metric.set_context(context, self._read)
        return self._metric.judge(features[0])
