"""Metrics without models, whose behaviour a test chooses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aim_tui.core.metrics import registry
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.engine.metrics.base import Metric, RawOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest
    import torch

#: What the engine builds for the metric 'fake'; `install` sets it.
build: Callable[[Mapping], Metric]


class Brightness(Metric):
    """The mean pixel value. `fault` is called with each batch before it is scored."""

    def __init__(self, fault: Callable[[Sequence[torch.Tensor]], None] | None = None, batch_size: int = 4) -> None:
        self._fault = fault or (lambda batch: None)
        self._batch_size = batch_size
        self.batches: list[int] = []

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def set_context(self, context, read):
        return ()

    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        self._fault(batch)
        self.batches.append(len(batch))
        return [RawOutcome.of(float(image.float().mean())) for image in batch]


def install(monkeypatch: pytest.MonkeyPatch, metric: Metric) -> None:
    """Make `metric` known as 'fake', needing no model."""
    spec = replace(METRICS["clip"], id="fake", roles=(), implementation="tests.engine.fakes:build")
    monkeypatch.setitem(registry._registered, "fake", registry.Registered(spec, registry.AIM))
    monkeypatch.setattr("tests.engine.fakes.build", lambda models: metric, raising=False)
