"""The result of a zero-shot classification: label probabilities, and their agreement with the true labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from aim_tui.core.embeddings import zero_shot
from aim_tui.core.embeddings.confusion import LabelAgreement, agreement
from aim_tui.core.embeddings.gallery import ImageEmbeddings, Vectors
from aim_tui.core.embeddings.zero_shot import Guess, Logits, Probabilities


class TrueLabels(Protocol):
    """True labels by path, and names without an image."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The true label of each image that has one."""

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Names in the label file that match no image."""

    @property
    def guesses(self) -> tuple[str, ...]:
        """The matches that rest on a guess, in words."""


@dataclass(frozen=True)
class Classification:
    """Images, and the probability of each label for each of them: `shares` (images, labels)."""

    gallery: ImageEmbeddings
    labels: tuple[str, ...]
    templates: tuple[str, ...]
    logits: Logits
    shares: Probabilities
    truth: TrueLabels | None = None

    @classmethod
    def of(
        cls,
        gallery: ImageEmbeddings,
        labels: Sequence[str],
        templates: Sequence[str],
        vectors: Vectors,
        logits: Logits,
        truth: TrueLabels | None = None,
    ) -> Classification:
        """Classify images; `vectors` (labels, dim) are the embeddings of the labels."""
        # Without images the dimension of the embeddings is unknown.
        cosines = gallery.cosines(vectors) if len(gallery.paths) else vectors[:0, :0].reshape(0, len(labels))
        shares = zero_shot.probabilities(cosines, logits.scale)
        return cls(gallery, tuple(labels), tuple(templates), logits, shares, truth)

    @property
    def paths(self) -> Sequence[str]:
        """The images, in order."""
        return self.gallery.paths

    def guesses(self, row: int, k: int) -> list[Guess]:
        """The `k` most probable labels of an image."""
        return zero_shot.guesses(self.shares[row : row + 1], self.labels, k)[0]

    @cached_property
    def predicted(self) -> list[str]:
        """The most probable label of each image."""
        return [self.labels[place] for place in self.shares.argmax(axis=1)]

    @property
    def unlabelled(self) -> list[str]:
        """Images without a true label."""
        return [path for path in self.paths if path not in self.truth.labels] if self.truth is not None else []

    @property
    def unknown(self) -> dict[str, str]:
        """Images whose true label is not one of the candidate labels, and that label."""
        if self.truth is None:
            return {}
        truth = self.truth.labels
        return {path: truth[path] for path in self.paths if path in truth and truth[path] not in self.labels}

    @property
    def truth_left_out(self) -> bool:
        """Whether some images or true labels are not counted in the agreement."""
        return self.truth is not None and bool(self.unlabelled or self.unknown or self.truth.unmatched)

    @cached_property
    def agreement(self) -> LabelAgreement | None:
        """Predicted against true labels, of images whose true label is a candidate; None if there are none."""
        if self.truth is None:
            return None
        truth = self.truth.labels
        pairs = [
            (truth[path], predicted)
            for path, predicted in zip(self.paths, self.predicted, strict=True)
            if truth.get(path) in self.labels
        ]
        if not pairs:
            return None
        true, predicted = zip(*pairs, strict=True)
        return agreement(true, predicted, self.labels)


def percent(share: float) -> str:
    """A probability as text; 100 % and 0 % only if exact.

    >>> percent(0.9999), percent(0.123), percent(1.0)
    ('>99.9%', '12.3%', '100%')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if share > 0.9995:
        return ">99.9%"
    return "<0.1%" if share < 0.0005 else f"{share:.1%}"
