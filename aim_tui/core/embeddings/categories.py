"""Scores by category: each image of a category against the prompt of that category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aim_tui.core.statistics import Mean, mean, mean_of_means

#: How categories can be sorted.
ORDERS = ("mean", "name", "count")


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """An image and its score."""

    path: str
    score: float


@dataclass(frozen=True)
class Category:
    """The scores of a category's images with its prompt; failures have a path and a reason."""

    name: str
    prompt: str
    images: tuple[ScoredImage, ...]
    failures: tuple[tuple[str, str], ...] = ()

    @cached_property
    def summary(self) -> Mean | None:
        """The mean of its scores; None without scores."""
        return mean([image.score for image in self.images]) if self.images else None


@dataclass(frozen=True)
class Categories:
    """All categories, in the order of their folders."""

    categories: tuple[Category, ...]

    @cached_property
    def micro(self) -> Mean | None:
        """The mean over all images."""
        scores = [image.score for category in self.categories for image in category.images]
        return mean(scores) if scores else None

    @cached_property
    def macro(self) -> Mean | None:
        """The mean over the means of the categories that have scores; n and std are those of categories."""
        groups = [[image.score for image in category.images] for category in self.categories if category.images]
        return mean_of_means(groups) if groups else None

    @property
    def without(self) -> list[str]:
        """The categories without any score, which the macro mean leaves out."""
        return [category.name for category in self.categories if not category.images]

    @property
    def failed(self) -> int:
        """The number of images without a score."""
        return sum(len(category.failures) for category in self.categories)

    def sorted(self, by: str = "mean") -> list[Category]:
        """By mean or count, the highest first and those without a score last; or by name, as the folders are sorted."""
        match by:
            case "mean":
                return sorted(self.categories, key=lambda category: -category.summary.mean if category.summary else 2.0)
            case "count":
                return sorted(self.categories, key=lambda category: -len(category.images))
            case "name":
                return list(self.categories)
        raise ValueError(f"unknown order {by!r}")


def summary_record(summary: Mean | None, unit: str = "n") -> dict[str, Any]:
    """A mean for JSON and CSV, with None for missing figures."""
    figures = {name: getattr(summary, name, None) for name in ("mean", "std", "low", "high")}
    return {unit: summary.n if summary else 0, **figures}


def category_record(category: Category) -> dict[str, Any]:
    """The figures of one category, for JSON and CSV."""
    return {
        "category": category.name,
        "prompt": category.prompt,
        **summary_record(category.summary),
        "failed": len(category.failures),
    }


def extent(categories: Sequence[Category]) -> tuple[float, float]:
    """The range of a bar chart: all means and intervals, and zero."""
    ends = [
        value
        for category in categories
        if category.summary is not None
        for value in (category.summary.mean, category.summary.low, category.summary.high)
        if value is not None
    ]
    return min(0.0, *ends) if ends else 0.0, max(0.0, *ends) if ends else 0.0
