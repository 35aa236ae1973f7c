"""Zero-shot classification of images by the similarity of their embeddings to those of label prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aim_tui.core.embeddings.gallery import Vectors
from aim_tui.errors import UsageError

Probabilities = npt.NDArray[np.float64]


#: The placeholder for the label in a template.
PLACE = "{}"
DEFAULT_TEMPLATE = "a photo of a {}."


@dataclass(frozen=True, slots=True)
class Logits:
    """How a model turns cosines into logits: `scale` is exp(logit_scale).

    `sigmoid`: the model was trained with a sigmoid loss on single image-text pairs, as SigLIP is.
    """

    scale: float
    sigmoid: bool = False

    def describe(self) -> str:
        """How probabilities are computed, in words."""
        text = f"softmax over the labels of {self.scale:.4g} * cosine"
        if self.sigmoid:
            text += " (the model was trained on single pairs with a sigmoid; its bias cancels in a softmax)"
        return text


@dataclass(frozen=True, slots=True)
class Guess:
    """A label and its probability."""

    label: str
    probability: float


def check_labels(labels: Sequence[str]) -> None:
    """UsageError for fewer than two labels, or a repeated one."""
    if len(labels) < 2:
        raise UsageError("only one label, which every image would get", "give at least two")
    duplicate = next((label for number, label in enumerate(labels) if label in labels[:number]), None)
    if duplicate is not None:
        raise UsageError(f"the label {duplicate!r} is given twice")


def check_templates(templates: Sequence[str]) -> None:
    """UsageError for a template without exactly one placeholder."""
    for template in templates:
        if template.count(PLACE) != 1:
            raise UsageError(
                f"the template {template!r} has {template.count(PLACE)} places for the label", "write {} once"
            )


def filled(templates: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Each label in each template: all templates of the first label, then all of the second ..."""
    return [template.replace(PLACE, label) for label in labels for template in templates]


def ensemble(texts: Vectors, labels: int) -> Vectors:
    """One unit vector per label, float32 (labels, dim), from those of `filled` (labels * templates, dim).

    The normalised mean of the unit vectors of a label's texts (Radford et al. 2021, section 3.1.4). UsageError if they
    cancel each other out.
    """
    means = texts.reshape(labels, -1, texts.shape[1]).astype(np.float64).mean(axis=1)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if not (lengths > 1e-6).all():
        raise UsageError("the texts of a label point in opposite directions, so that they have no mean")
    vectors: Vectors = (means / lengths).astype(np.float32)
    return vectors


def probabilities(cosines: npt.NDArray[np.float32], scale: float) -> Probabilities:
    """The softmax of each row of `scale` * cosine (images, labels), float64; rows sum to one.

    >>> probabilities(np.array([[0.3, 0.3]], dtype=np.float32), 100.0).tolist()
    [[0.5, 0.5]]
    """
    return softmax(cosines.astype(np.float64) * scale)


def softmax(logits: npt.NDArray[np.float64]) -> Probabilities:
    """The softmax of each row."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def guesses(shares: Probabilities, labels: Sequence[str], k: int) -> list[list[Guess]]:
    """The `k` most probable labels of each image, in descending order; ties in the order of the labels."""
    order = np.argsort(-shares, axis=1, kind="stable")[:, :k]
    return [
        [Guess(labels[place], float(row[place])) for place in places] for row, places in zip(shares, order, strict=True)
    ]
