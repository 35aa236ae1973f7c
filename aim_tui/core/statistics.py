"""Means with bootstrap intervals. Pure numpy; every random draw is seeded, so that a figure can be reproduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: With fewer values a resample is mostly one of them again, so an interval would say nothing.
FEWEST = 3
#: The share of the resamples' means that an interval holds.
CONFIDENCE = 0.95

_RESAMPLES = 10_000
# Draws in all: for many values, a thousand resamples place the ends of the interval well enough.
_DRAWS = 100_000_000
_FEWEST_RESAMPLES = 1_000
_DRAWS_AT_ONCE = 2_000_000

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with a percentile bootstrap interval; `low` and `high` are None for fewer than FEWEST values."""

    n: int
    mean: float
    std: float | None
    """The standard deviation of the values, divisor n - 1; None for a single one."""
    low: float | None
    high: float | None
    resamples: int
    """How many resamples the interval is from; 0 without one."""
    confidence: float = CONFIDENCE

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def mean(values: npt.ArrayLike, *, resamples: int = _RESAMPLES, seed: int = 0) -> Mean:
    """The mean of values (n,) and its percentile bootstrap interval; ValueError for none or a non-finite one.

    A resample draws n of the n values with replacement; the interval holds the middle 95 % of the resamples' means
    (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13). Of paired scores, pass the differences: what
    the two scores of an image share cancels out. Above 10,000 values fewer resamples are drawn, at least 1,000.

    >>> mean([1.0, 1.0, 1.0])
    Mean(n=3, mean=1.0, std=0.0, low=1.0, high=1.0, resamples=10000, confidence=0.95)
    >>> mean([1.0, 3.0]).low is None
    True
    """
    array = _checked(values)
    return _mean(array, [array], resamples, seed)


def mean_of_means(groups: Sequence[npt.ArrayLike], *, resamples: int = _RESAMPLES, seed: int = 0) -> Mean:
    """The mean of the groups' means, all groups weighted equally; n and std are those of the groups' means.

    A resample draws the values of each group anew, but not the groups. No interval if a group has fewer than FEWEST
    values. ValueError for no group, or an empty one.

    >>> mean_of_means([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]]).low
    2.0
    """
    arrays = [_checked(group) for group in groups]
    return _mean(_checked([array.mean() for array in arrays]), arrays, resamples, seed)


def _checked(values: npt.ArrayLike) -> _Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError("a mean needs a row of finite numbers, at least one")
    return array


def _mean(values: _Floats, groups: Sequence[_Floats], resamples: int, seed: int) -> Mean:
    """The mean of `values`, with an interval from resampling the groups whose means they are the mean of."""
    n, average = len(values), float(values.mean())
    std = float(values.std(ddof=1)) if n > 1 else None
    if min(map(len, groups)) < FEWEST:
        return Mean(n, average, std, None, None, 0)
    count = max(min(resamples, _FEWEST_RESAMPLES), min(resamples, _DRAWS // sum(map(len, groups))))
    total = np.zeros(count)
    for number, group in enumerate(groups):
        total += _resampled_means(group, count, seed + number)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(total / len(groups), [tail, 1 - tail])
    return Mean(n, average, std, float(low), float(high), count)


def _resampled_means(values: _Floats, count: int, seed: int) -> _Floats:
    """The means of `count` resamples (count,), a few at a time to save memory."""
    generator = np.random.Generator(np.random.PCG64(seed))
    means = np.empty(count)
    step = max(1, _DRAWS_AT_ONCE // len(values))
    for start in range(0, count, step):
        stop = min(count, start + step)
        means[start:stop] = values[generator.integers(0, len(values), size=(stop - start, len(values)))].mean(axis=1)
    return means
