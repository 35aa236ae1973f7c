"""Statistics over pairs of scores. Pure numpy; every random draw is seeded, so that a figure can be had again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: With fewer pairs a resample is mostly one of them again, and an interval would only look like knowledge.
FEWEST = 3

_RESAMPLES = 10_000
# Draws in all: where the pairs are many, a thousand resamples place the ends of the interval well enough.
_DRAWS = 100_000_000
_FEWEST_RESAMPLES = 1_000
_DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """The mean of paired differences, with a bootstrap interval where there are at least FEWEST pairs."""

    n: int
    mean: float
    low: float | None
    high: float | None
    confidence: float
    resamples: int
    """How many resamples the interval is from; 0 where there is none."""

    @property
    def decided(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def mean_difference(
    differences: npt.ArrayLike, *, confidence: float = 0.95, resamples: int = _RESAMPLES, seed: int = 0
) -> MeanDifference:
    """The mean of differences (n,) and its percentile bootstrap interval; ValueError for none or a non-finite one.

    A resample draws n of the n pairs with replacement; the interval holds the middle `confidence` of the resamples'
    means (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13). Pairs stay pairs: what an image's
    two scores share cancels out. Above 10,000 pairs fewer resamples are taken, at least 1,000.

    >>> mean_difference([1.0, 1.0, 1.0])
    MeanDifference(n=3, mean=1.0, low=1.0, high=1.0, confidence=0.95, resamples=10000)
    >>> mean_difference([1.0, 3.0]).low is None
    True
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("the differences are one row of finite numbers, at least one")
    n, mean = len(values), float(values.mean())
    if n < FEWEST:
        return MeanDifference(n, mean, None, None, confidence, 0)
    count = _resamples_for(n, resamples)
    low, high = _middle(_resampled_means(values, count, seed), confidence)
    return MeanDifference(n, mean, low, high, confidence, count)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, with a percentile bootstrap interval where there are enough values; None where there is none."""

    n: int
    mean: float
    std: float | None
    """The standard deviation of the values, divisor n - 1; None of a single one."""
    low: float | None
    high: float | None
    resamples: int


def mean(values: npt.ArrayLike, *, confidence: float = 0.95, resamples: int = _RESAMPLES, seed: int = 0) -> Mean:
    """The mean of values (n,), its interval as of `mean_difference`, and their spread; ValueError for none.

    >>> found = mean([0.0, 1.0, 2.0])
    >>> found.mean, found.std, found.low >= 0.0, found.high <= 2.0
    (1.0, 1.0, True, True)
    """
    found = mean_difference(values, confidence=confidence, resamples=resamples, seed=seed)
    std = float(np.std(np.asarray(values, dtype=np.float64), ddof=1)) if found.n > 1 else None
    return Mean(found.n, found.mean, std, found.low, found.high, found.resamples)


def mean_of_means(
    groups: Sequence[npt.ArrayLike], *, confidence: float = 0.95, resamples: int = _RESAMPLES, seed: int = 0
) -> Mean:
    """The mean of the groups' means, each group counting the same; n is of groups, the spread that of their means.

    A resample draws the values of each group anew: the groups are those that there are, and not drawn themselves.
    There is no interval where a group has less than FEWEST values. ValueError for no group, or an empty one.

    >>> mean_of_means([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]]).low
    2.0
    """
    arrays = [np.asarray(group, dtype=np.float64) for group in groups]
    if not arrays or any(array.ndim != 1 or not len(array) or not np.isfinite(array).all() for array in arrays):
        raise ValueError("each group is one row of finite numbers, at least one")
    means = np.array([array.mean() for array in arrays])
    std = float(means.std(ddof=1)) if len(means) > 1 else None
    if min(len(array) for array in arrays) < FEWEST:
        return Mean(len(arrays), float(means.mean()), std, None, None, 0)
    count = _resamples_for(sum(len(array) for array in arrays), resamples)
    total = np.zeros(count)
    for number, array in enumerate(arrays):
        total += _resampled_means(array, count, seed + number)
    low, high = _middle(total / len(arrays), confidence)
    return Mean(len(arrays), float(means.mean()), std, low, high, count)


def _resamples_for(n: int, resamples: int) -> int:
    return max(min(resamples, _FEWEST_RESAMPLES), min(resamples, _DRAWS // n))


def _middle(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _resampled_means(values: npt.NDArray[np.float64], count: int, seed: int) -> npt.NDArray[np.float64]:
    """The means of `count` resamples (count,), a few at a time to keep the memory small."""
    generator = np.random.Generator(np.random.PCG64(seed))
    means = np.empty(count)
    step = max(1, _DRAWS_AT_ONCE // len(values))
    for start in range(0, count, step):
        stop = min(count, start + step)
        means[start:stop] = values[generator.integers(0, len(values), size=(stop - start, len(values)))].mean(axis=1)
    return means
