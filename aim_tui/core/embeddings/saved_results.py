"""Saved results of commands: categories with scores, images with labels, and image-text matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.embeddings.confusion import LabelAgreement
from aim_tui.core.embeddings.similarity_matrix import Cosines

if TYPE_CHECKING:
    from aim_tui.core.embeddings.categories import Categories
    from aim_tui.core.embeddings.zero_shot import Guess


@dataclass(frozen=True, slots=True)
class CategoriesFound:
    """Categories of a folder, by one model."""

    root: str
    categories: Categories
    model: str
    left_out: int
    """The number of images and folders left out."""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class ClassifiedImage:
    """An image with its most probable labels, and the true label if it is known."""

    path: str
    top: tuple[Guess, ...]
    truth: str | None = None
    right: bool | None = None
    """Whether the first label is the true one; None if that is unknown or not a candidate."""


@dataclass(frozen=True, slots=True)
class ClassesFound:
    """Images with their labels, by one model."""

    images: tuple[ClassifiedImage, ...]
    labels: tuple[str, ...]
    model: str
    how: str
    """How the probabilities were computed, in words."""
    left_out: int
    agreement: LabelAgreement | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class MatrixFound:
    """The similarity of every image-text pair, by one model."""

    paths: tuple[str, ...]
    texts: tuple[str, ...]
    cosines: Cosines
    model: str
    left_out: int
    notice: str = ""


Findings = CategoriesFound | ClassesFound | MatrixFound
