"""Batches of one metric: collected in item order, halved when memory runs out, taken apart when one image is bad."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.events import Event, MetricBatch, MetricValue, Notice
from aim_tui.core.outcomes import Failed
from aim_tui.worker.memory import brief, is_out_of_memory, release_memory
from aim_tui.worker.metrics.base import Metric, RawOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

log = logging.getLogger(__name__)

NO_MEMORY = "not enough memory for this image, even alone"


@dataclass(frozen=True, slots=True)
class Entry:
    """An image that waits for its batch: prepared, or already known to fail."""

    item: int
    prepared: torch.Tensor | Failed

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return 0 if isinstance(self.prepared, Failed) else self.prepared.nbytes


class Batcher:
    """Collects the images of one metric and scores them; `batch_size` only ever shrinks."""

    def __init__(self, metric_id: str, metric: Metric, batch_size: int, max_bytes: int) -> None:
        self._id = metric_id
        self._metric = metric
        self._max_bytes = max_bytes
        self._entries: list[Entry] = []
        self.batch_size = batch_size

    def add(self, item: int, prepared: torch.Tensor | Failed) -> None:
        """Append an image; items come in ascending order."""
        self._entries.append(Entry(item, prepared))

    @property
    def full(self) -> bool:
        """Whether there is a batch's worth of images or of bytes."""
        return len(self._entries) >= self.batch_size or sum(entry.nbytes for entry in self._entries) >= self._max_bytes

    def flush(self) -> Iterator[Event]:
        """Score what has been collected, in as many batches as memory asks for."""
        while self._entries:
            part = self._entries[: self.batch_size]
            ready = [entry.prepared for entry in part if not isinstance(entry.prepared, Failed)]
            outcomes = self._score(ready)
            if outcomes is None:
                self.batch_size = max(1, len(ready) // 2)
                yield Notice(
                    f"{self._id}: out of memory at {len(ready)} images at once; going on with {self.batch_size}"
                )
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

    def _score(self, ready: Sequence[torch.Tensor]) -> Sequence[RawOutcome] | None:
        """The outcomes of these images, or None where together they are too many for the memory."""
        outcomes = self._attempt(ready)
        if not isinstance(outcomes, Exception):
            return outcomes
        if is_out_of_memory(outcomes):
            # No traceback is left that could hold the failed batch.
            self._metric.free()
            release_memory()
            return None if len(ready) > 1 else [RawOutcome(Failed(NO_MEMORY))]
        if len(ready) == 1:
            return [RawOutcome(Failed(brief(outcomes)))]
        # Only the culprit fails: the others are computed again by themselves.
        return [outcome for image in ready for outcome in self._score([image]) or ()]

    def _attempt(self, ready: Sequence[torch.Tensor]) -> Sequence[RawOutcome] | Exception:
        if not ready:
            return []
        try:
            outcomes = self._metric.score(ready)
            if len(outcomes) != len(ready):
                raise RuntimeError(f"the metric gave {len(outcomes)} values for {len(ready)} images")
        except Exception as error:  # any failure of a model is a failed row, never the end of the job
            if not is_out_of_memory(error):
                log.exception("%s failed on a batch of %d", self._id, len(ready))
            return error.with_traceback(None)
        return outcomes


def _value(item: int, raw: RawOutcome) -> MetricValue:
    return MetricValue.of(item, raw.outcome, raw.caption)
