"""Captions of images: a caption depends only on the image, so it is kept, and made once for all metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Missing
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Notice
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.engine.metrics.base import Extractor, FeatureView, ItemMetric, RawOutcome
from aim_tui.engine.models.captioner import DECODING, MAX_NEW_TOKENS, Captioner

if TYPE_CHECKING:
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.metrics.base import Key, MakeExtractor, Models
    from aim_tui.store.cache import Space

# Parameters. A CPU writes captions of larger models so slowly that a small batch is what keeps a screen alive.
_LARGE = 100_000_000
CAPTIONS = str(Role.CAPTIONER)
EMPTY = RawOutcome(Missing("the captioner returned an empty caption"), "")


class Captions(Extractor):
    """The caption of an image."""

    name = CAPTIONS
    roles = (Role.CAPTIONER,)

    def __init__(self, models: Models, settings: EngineSettings) -> None:
        self._models = models
        self._reported = False

    @property
    def _captioner(self) -> Captioner:
        return cast("Captioner", self._models[Role.CAPTIONER])

    @property
    def batch_size(self) -> int:
        """32, which fits BLIP-2 OPT-2.7b in float16 into 24 GB; on a CPU 8, or 4 where each caption takes seconds."""
        if not self._captioner.on_cpu:
            return 32
        return 4 if self._captioner.info.parameters > _LARGE else 8

    def prepare(self, *pixels: torch.Tensor) -> torch.Tensor:
        """The resized image, uint8 (3, h, w)."""
        return self._captioner.prepare(*pixels)

    def recall(self, keys: Sequence[Key]) -> list[str | None]:
        """The kept caption of each image."""
        if self.cache is None:
            return [None] * len(keys)
        kept: dict[str, str] = self.cache.access.values(_space(self.cache), [sha256 for (sha256,) in keys])
        return [kept.get(sha256) for (sha256,) in keys]

    def extract(self, batch: Sequence[torch.Tensor]) -> list[str]:
        """The caption of each image."""
        return self._captioner.captions(batch)

    def notices(self) -> Sequence[Event]:
        """That a caption ends where the captioner is stopped, once."""
        if self._reported or not self._captioner.cut:
            return ()
        self._reported = True
        return (Notice(f"some captions end at the captioner's limit of {MAX_NEW_TOKENS} tokens"),)

    def keep(self, keys: Sequence[Key], features: Sequence[str]) -> None:
        """Keep the captions; an empty one is the captioner's answer too."""
        if self.cache is not None:
            captions = {sha256: caption for (sha256,), caption in zip(keys, features, strict=True)}
            self.cache.access.keep_values(_space(self.cache), captions)


class CaptionMetric(ItemMetric):
    """A metric that compares the caption of an image with the topic."""

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """Captions."""
        return {CAPTIONS: Captions}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The caption of the image."""
        return (FeatureView(CAPTIONS),)

    def missing(self, reason: str, features: Sequence[Any]) -> RawOutcome:
        """Missing, with the caption that was made anyway."""
        return RawOutcome(Missing(reason), features[0] if features else None)


def _space(cache: Cache) -> Space:
    return cache.captions(Role.CAPTIONER, DECODING)
