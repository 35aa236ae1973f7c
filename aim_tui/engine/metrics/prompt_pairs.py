"""CLIP-IQA: which of two opposite prompts an image is nearer to (Wang et al. 2023), as a probability.

softmax over exp(logit_scale) * cosine of image and either prompt, the share of the first. The paper leaves the position
embedding of a ResNet CLIP out, to take images of any size; the profile's CLIP has them resized, as for CLIP score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from aim_tui.core.metrics.builtin import CLIP_IQA, NATURAL, SHARPNESS
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event
from aim_tui.engine.metrics.base import Columns, RawOutcome, cosines
from aim_tui.engine.metrics.embeddings import EmbeddingMetric
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from aim_tui.engine.metrics.embeddings import Embedding
    from aim_tui.engine.text_embeddings import TextEmbeddings

PAIR_SEPARATOR = " | "


class PromptPair(EmbeddingMetric):
    """Compares images with the two prompts of `against`, 'Good photo. | Bad photo.'; a subclass names its own."""

    role = Role.CLIP
    against: ClassVar[str]

    @property
    def pair(self) -> list[str]:
        """The two prompts, the one that is good first."""
        return self.against.split(PAIR_SEPARATOR)

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """Both prompts."""
        return [(self.role, text) for text in self.pair]

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """The model, where its scale is not known."""
        return {self.role} if texts.scale(self.role) is None else set()

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """UsageError for a prompt that cannot be embedded."""
        self._embeddings(texts)
        return ()

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The probability of the first prompt against the second, for each image."""
        rows, scale = np.stack(features[0]), texts.known_scale(self.role)
        good, bad = (np.asarray(cosines(rows, text)) * scale for text in self._embeddings(texts))
        return [_share(float(first - second)) for first, second in zip(good, bad, strict=True)]

    def _embeddings(self, texts: TextEmbeddings) -> list[Embedding]:
        found = []
        for text in self.pair:
            row = texts.get(self.role, text)
            if isinstance(row, Failed):
                raise UsageError(f"the prompt {text!r} of the metric cannot be embedded: {row.reason}")
            found.append(row)
        return found


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
