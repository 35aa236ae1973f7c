"""Scores by category: each image of a category against the prompt of that category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aim_tui.core.statistics import Mean, mean, mean_of_means

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How categories can be sorted.
ORDERS = ("mean", "name", "count")


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """An image and its score."""

    path: str
    score: float


@dataclass(frozen=True)
class Category:
    """The images of a category against its prompt; those without a score are among the failures, with the reason."""

    name: str
    prompt: str
    images: tuple[ScoredImage, ...]
    failures: tuple[tuple[str, str], ...] = ()

    @cached_property
    def summary(self) -> Mean | None:
        """The mean of its scores; None where it has none."""
        return mean([image.score for image in self.images]) if self.images else None


@dataclass(frozen=True)
class Categories:
    """All categories, in the order of their folders."""

    categories: tuple[Category, ...]

    @cached_property
    def micro(self) -> Mean | None:
        """Over all images alike."""
        scores = [image.score for category in self.categories for image in category.images]
        return mean(scores) if scores else None

    @cached_property
    def macro(self) -> Mean | None:
        """Over the categories alike, those without a score left out; its n and its spread are of categories."""
        groups = [[image.score for image in category.images] for category in self.categories if category.images]
        return mean_of_means(groups) if groups else None

    @property
    def without(self) -> list[str]:
        """The categories that have no score at all, and no part in the macro mean."""
        return [category.name for category in self.categories if not category.images]

    @property
    def failed(self) -> int:
        """How many images have no score."""
        return sum(len(category.failures) for category in self.categories)

    def sorted(self, by: str = "mean") -> list[Category]:
        """By mean or count, the highest first, those without a score last; or by name, as their folders are sorted."""
        match by:
            case "mean":
                return sorted(self.categories, key=lambda one: -one.summary.mean if one.summary else 2.0)
            case "count":
                return sorted(self.categories, key=lambda one: -len(one.images))
            case "name":
                return list(self.categories)
        raise ValueError(f"unknown order {by!r}")


def summary_record(found: Mean | None, unit: str = "n") -> dict[str, Any]:
    """For JSON and CSV; None where there is no figure."""
    return {
        unit: found.n if found else 0,
        "mean": found.mean if found else None,
        "std": found.std if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
    }


def category_record(category: Category) -> dict[str, Any]:
    """The figures of one category, for JSON and CSV."""
    return {
        "category": category.name,
        "prompt": category.prompt,
        **summary_record(category.summary),
        "failed": len(category.failures),
    }


def extent(categories: Sequence[Category]) -> tuple[float, float]:
    """From where to where bars go: zero, and all that is drawn."""
    ends = [
        value
        for one in categories
        if one.summary is not None
        for value in (one.summary.mean, one.summary.low, one.summary.high)
        if value is not None
    ]
    return min(0.0, *ends) if ends else 0.0, max(0.0, *ends) if ends else 0.0
