"""Batches of one metric: collected in item order, halved when memory runs out, taken apart when one image is bad."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import Event, MetricBatch, MetricValue, Notice
from aim_tui.engine.metrics.base import FeatureMetric, Metric, RawOutcome
from aim_tui.engine.out_of_memory import brief, is_out_of_memory, release_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

#: Values of one message: whoever reads a line does nothing else meanwhile.
_MOST_VALUES = 1024

NO_MEMORY = "not enough memory for this image, even alone"


@dataclass(frozen=True, slots=True)
class Kept:
    """A feature that was computed by an earlier job."""

    feature: Any


Prepared = torch.Tensor | Kept | Failed


@dataclass(frozen=True, slots=True)
class Entry:
    """An image that waits for its batch: prepared, kept, or already known to fail."""

    item: int
    prepared: Prepared
    sha256: str = ""


class Batcher:
    """Collects the images of one metric and scores them; `batch_size` only ever shrinks."""

    def __init__(self, metric_id: str, metric: Metric, batch_size: int, max_bytes: int) -> None:
        self._id = metric_id
        self._metric = metric
        self._max_bytes = max_bytes
        self._entries: list[Entry] = []
        self._waiting = 0
        self._nbytes = 0
        self.batch_size = batch_size

    def add(self, item: int, prepared: torch.Tensor | Failed, sha256: str = "") -> None:
        """Append an image; items come in ascending order."""
        self._entries.append(Entry(item, prepared, sha256))
        if not isinstance(prepared, Failed):
            self._waiting += 1
            self._nbytes += prepared.nbytes

    def add_kept(self, items: Sequence[int], features: Sequence[Any]) -> Iterator[Event]:
        """Append images whose features are known; where none waits before them they are judged at once."""
        if self._entries or not isinstance(self._metric, FeatureMetric):
            self._entries += [Entry(item, Kept(feature)) for item, feature in zip(items, features, strict=True)]
            return
        for start in range(0, len(items), _MOST_VALUES):
            part, values = items[start : start + _MOST_VALUES], features[start : start + _MOST_VALUES]
            try:
                outcomes = self._metric.judge(values)
            except Exception:  # one by one, to find the culprit
                log.exception("%s failed on %d kept features", self._id, len(part))
                outcomes = [outcome for value in values for outcome in self._score([Kept(value)], [""]) or ()]
            yield MetricBatch(self._id, [_value(item, raw) for item, raw in zip(part, outcomes, strict=True)])

    @property
    def full(self) -> bool:
        """Whether there is a batch's worth of images or of bytes."""
        return self._waiting >= self.batch_size or self._nbytes >= self._max_bytes or len(self._entries) >= _MOST_VALUES

    def flush(self) -> Iterator[Event]:
        """Score what has been collected, in as many batches as memory asks for."""
        while self._entries:
            part = self._part()
            ready = [entry for entry in part if not isinstance(entry.prepared, Failed)]
            outcomes = self._score([entry.prepared for entry in ready], [entry.sha256 for entry in ready])
            if outcomes is None:
                tensors = sum(isinstance(entry.prepared, torch.Tensor) for entry in ready)
                self.batch_size = max(1, tensors // 2)
                yield Notice(f"{self._id}: out of memory at {tensors} images at once; going on with {self.batch_size}")
                continue
            del self._entries[: len(part)]
            results = iter(outcomes)
            values = [
                MetricValue.of(entry.item, entry.prepared)
                if isinstance(entry.prepared, Failed)
                else _value(entry.item, next(results))
                for entry in part
            ]
            yield MetricBatch(self._id, values)
        self._waiting = self._nbytes = 0

    def _part(self) -> list[Entry]:
        """The first entries, with as many to compute among them as a batch may have."""
        room = self.batch_size
        for number, entry in enumerate(self._entries):
            if isinstance(entry.prepared, torch.Tensor):
                if room == 0:
                    return self._entries[:number]
                room -= 1
        return self._entries[:]

    def _score(self, ready: Sequence[Prepared], sha256s: Sequence[str]) -> Sequence[float | RawOutcome] | None:
        """The outcomes of these images, or None where together they are too many for the memory."""
        outcomes = self._attempt(ready, sha256s)
        if not isinstance(outcomes, Exception):
            return outcomes
        if is_out_of_memory(outcomes):
            # No traceback is left that could hold the failed batch.
            self._metric.free()
            release_memory()
            if sum(isinstance(image, torch.Tensor) for image in ready) > 1:
                return None
            if len(ready) == 1:
                return [RawOutcome(Failed(NO_MEMORY))]
        if len(ready) == 1:
            return [RawOutcome(Failed(brief(outcomes)))]
        # Only the culprit fails: the others are computed again by themselves.
        pairs = zip(ready, sha256s, strict=True)
        return [outcome for image, sha256 in pairs for outcome in self._score([image], [sha256]) or ()]

    def _attempt(self, ready: Sequence[Prepared], sha256s: Sequence[str]) -> Sequence[float | RawOutcome] | Exception:
        if not ready:
            return []
        try:
            outcomes = self._outcomes(ready, sha256s)
            if len(outcomes) != len(ready):
                raise RuntimeError(f"the metric gave {len(outcomes)} values for {len(ready)} images")
        except Exception as error:  # any failure of a model is a failed row, never the end of the job
            if not is_out_of_memory(error):
                log.exception("%s failed on a batch of %d", self._id, len(ready))
            return error.with_traceback(None)
        return outcomes

    def _outcomes(self, ready: Sequence[Prepared], sha256s: Sequence[str]) -> Sequence[float | RawOutcome]:
        images = [image for image in ready if isinstance(image, torch.Tensor)]
        if not isinstance(self._metric, FeatureMetric):
            return self._metric.score(images)
        features = list(self._metric.look(images)) if images else []
        if len(features) != len(images):
            raise RuntimeError(f"the metric gave {len(features)} values for {len(images)} images")
        looked = [sha256 for image, sha256 in zip(ready, sha256s, strict=True) if isinstance(image, torch.Tensor)]
        if images:
            self._metric.keep(looked, features)
        fresh = iter(features)
        return self._metric.judge([image.feature if isinstance(image, Kept) else next(fresh) for image in ready])


def _value(item: int, raw: float | RawOutcome) -> MetricValue:
    if isinstance(raw, float):
        if math.isfinite(raw):
            return MetricValue(item, "present", raw)
        raw = RawOutcome.of(raw)
    return MetricValue.of(item, raw.outcome, raw.caption)
