"""Metrics that judge an image by its caption, which belongs to the image alone: it is kept, and made once for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Missing
from aim_tui.engine.metrics.base import FeatureMetric, RawOutcome
from aim_tui.engine.models.captioner import DECODING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import torch

    from aim_tui.engine.models.captioner import Captioner
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.store.cache import Space

    #: A sentence embedding: float32 (dim,) of length one, or zeros for a text without any known word.
    Embedding = npt.NDArray[np.float32]

# Parameters. A CPU writes captions of larger models so slowly that a small batch is what keeps a screen alive.
_LARGE = 100_000_000
EMPTY = RawOutcome(Missing("the captioner returned an empty caption"), "")

# The last batch of each captioner, which holds its images so that none can be mistaken for a new one.
_said: WeakKeyDictionary[Captioner, dict[int, tuple[torch.Tensor, str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A caption, and its sentence embedding where that is known already."""

    caption: str
    embedding: Embedding | None = None


class CaptionMetric(FeatureMetric):
    """A metric whose feature is the caption of an image; it compares that with the topic."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._models = models
        self._topic: str | None = None

    @property
    def _captioner(self) -> Captioner:
        return cast("Captioner", self._models[Role.CAPTIONER])

    @property
    def _nothing(self) -> bool:
        """Whether an empty topic is expected."""
        return self._topic is not None and not self._topic.strip()

    @property
    def batch_size(self) -> int:
        """32, which fits BLIP-2 OPT-2.7b in float16 into 24 GB; on a CPU 8, or 4 where each caption takes seconds."""
        if not self._captioner.on_cpu:
            return 32
        return 4 if self._captioner.info.parameters > _LARGE else 8

    @property
    def prepares_as(self) -> str:
        """As every metric of captions does."""
        return str(Role.CAPTIONER)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The resized image, uint8 (3, h, w)."""
        return self._captioner.prepare(pixels)

    def recall(self, sha256s: Sequence[str]) -> list[Spoken | None]:
        """The kept caption of each image."""
        if self.cache is None:
            return [None] * len(sha256s)
        kept: dict[str, str] = self.cache.keeper.values(self._captions(), sha256s)
        spoken = {caption: Spoken(caption) for caption in set(kept.values())}
        return [spoken[kept[sha256]] if sha256 in kept else None for sha256 in sha256s]

    def look(self, batch: Sequence[torch.Tensor]) -> list[Spoken]:
        """The caption of each image: at once, where another metric has just had them captioned."""
        captioner = self._captioner
        said = _said.get(captioner, {})
        if all(id(image) in said for image in batch):
            return [Spoken(said[id(image)][1]) for image in batch]
        captions = captioner.captions(batch)
        # A captioner that says too little fails its batch; nothing of it is to be remembered.
        if len(captions) == len(batch):
            _said[captioner] = {id(image): (image, said) for image, said in zip(batch, captions, strict=True)}
        return [Spoken(caption) for caption in captions]

    def free(self) -> None:
        """Let go of the last batch."""
        _said.pop(self._captioner, None)

    def keep(self, sha256s: Sequence[str], features: Sequence[Spoken]) -> None:
        """Keep the captions; one that is empty is what the captioner has to say."""
        if self.cache is not None:
            captions = {sha256: spoken.caption for sha256, spoken in zip(sha256s, features, strict=True)}
            self.cache.keeper.keep_values(self._captions(), captions)

    def _captions(self) -> Space:
        assert self.cache is not None
        return self.cache.captions(Role.CAPTIONER, DECODING)
