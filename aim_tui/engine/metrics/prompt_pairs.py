"""CLIP-IQA: which of two opposite prompts an image is nearer to (Wang et al. 2023), as a probability.

softmax over exp(logit_scale) * cosine of image and either prompt, the share of the first. The paper leaves the position
embedding of a ResNet CLIP out, to take images of any size; the profile's CLIP has them resized, as for CLIP score.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from aim_tui.core.metrics.builtin import CLIP_IQA, NATURAL, SHARPNESS
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.engine.metrics.base import cosines
from aim_tui.engine.metrics.embeddings import EmbeddingMetric, keep_scale, kept_scale
from aim_tui.engine.text_embeddings import TextBook
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Read
    from aim_tui.engine.metrics.embeddings import Embedding
    from aim_tui.engine.models.clip import Clip
    from aim_tui.engine.models.loading import LoadedModel

PAIR_SEPARATOR = " | "


class PromptPair(EmbeddingMetric):
    """Compares images with the two prompts of `against`, 'Good photo. | Bad photo.'; a subclass names its own."""

    role = Role.CLIP
    against: ClassVar[str]

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        super().__init__(models)
        self._texts: list[Embedding] = []
        self._scale: float | None = None

    @property
    def pair(self) -> list[str]:
        """The two prompts, the one that is good first."""
        return self.against.split(PAIR_SEPARATOR)

    def expect(self, context: Context, read: Read) -> None:
        """Take what is kept of the prompts and of the model's scale."""
        if self._texts:
            return
        book = TextBook(self.role, self._models, self.cache)
        self._scale = kept_scale(self)
        if self._scale is not None and not book.lacking(self.pair):
            self._take(book)

    def wants(self, features: Sequence[object]) -> set[Role]:
        """The model, for prompts that have not been embedded before."""
        return set() if self._texts else {self.role}

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Embed the prompts."""
        if not self._texts:
            self._scale = cast("Clip", self.model).scale
            keep_scale(self, self._scale)
            book = TextBook(self.role, self._models, self.cache)
            book.embed(book.lacking(self.pair))
            self._take(book)
        return ()

    def judge_rows(self, rows: npt.NDArray[np.float32]) -> list[float]:
        """The probability of the first prompt against the second, for each image."""
        if not self._texts or self._scale is None:
            raise RuntimeError("judge before set_context")
        good, bad = (np.asarray(cosines(rows, text)) * self._scale for text in self._texts)
        return [_share(float(first - second)) for first, second in zip(good, bad, strict=True)]

    def _take(self, book: TextBook) -> None:
        texts = [book.get(text) for text in self.pair]
        for text, found in zip(self.pair, texts, strict=True):
            if isinstance(found, Failed):
                raise UsageError(f"the prompt {text!r} of the metric cannot be embedded: {found.reason}")
        self._texts = cast("list[Embedding]", texts)


def _share(difference: float) -> float:
    """The softmax of two logits that differ by so much, the share of the first; nothing overflows."""
    if difference >= 0:
        return 1.0 / (1.0 + math.exp(-difference))
    grown = math.exp(difference)
    return grown / (1.0 + grown)


class Quality(PromptPair):
    """Whether it is a good photo."""

    against = CLIP_IQA.against


class Sharpness(PromptPair):
    """Whether it is a sharp photo."""

    against = SHARPNESS.against


class Natural(PromptPair):
    """Whether it looks like a photo or like something made."""

    against = NATURAL.against
