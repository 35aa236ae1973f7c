"""Arithmetic in which equal is equal: 0.1 + 0.2 and 0.3 are one value, as the person who wrote them meant.

A float stands for its shortest decimal text. Sums and differences of such decimals are exact fractions, and only their
result is rounded, so that values that are equal by arithmetic are equal as floats, and tie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

#: Estimates closer than this, in logits, are one value: what iteration and rounding leave.
TOLERANCE = 1e-9
#: The relative difference that sums and differences of a few decimals can leave between equal values.
ROUNDING = 1e-12
# More decimals than a float64 holds are what arithmetic left, not what was written.
_WRITTEN_DIGITS = 15
_FITS = 2**53


def fraction(value: float) -> Fraction:
    """The fraction that the shortest text of a finite float stands for.

    >>> fraction(0.1) + fraction(0.2) == fraction(0.3)
    True
    """
    return Fraction(repr(float(value)))


def exact_mean(values: Sequence[float]) -> float:
    """The mean of at least one finite value, rounded once.

    >>> exact_mean([0.1, 0.2, 0.3]) == exact_mean([0.2, 0.2, 0.2]) == 0.2
    True
    """
    return float(sum(map(fraction, values), Fraction()) / len(values))


def exact_difference(a: float, b: float) -> float:
    """A minus b, rounded once.

    >>> exact_difference(0.3, 0.1) == exact_difference(0.5, 0.3) == 0.2
    True
    """
    return float(fraction(a) - fraction(b))


def group_means(values: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """The exact mean of the values (n,) in each group 0..k-1 (n,), float64 (k,)."""
    members: list[list[float]] = [[] for _ in range(int(places.max()) + 1 if len(places) else 0)]
    for value, place in zip(values.tolist(), places.tolist(), strict=True):
        members[place].append(value)
    return np.array([exact_mean(group) for group in members], dtype=np.float64)


def decimals(values: Floats) -> tuple[npt.NDArray[np.int64], int] | None:
    """Values (n,) as whole multiples of 1 / scale, with the scale; None if they are not decimals of few digits."""
    scale = 1
    fractions = [fraction(value) for value in values.tolist()]
    for one in fractions:
        if scale % one.denominator:
            scale = max(scale, _power_of_ten(one.denominator))
        if scale > 10**_WRITTEN_DIGITS:
            return None
    whole = [one * scale for one in fractions]
    if any(abs(one) >= _FITS for one in whole):
        return None
    return np.array([int(one) for one in whole], dtype=np.int64), scale


def levelled(values: Floats, tolerance: float = TOLERANCE) -> Floats:
    """Values (n,) with those that follow each other within the tolerance made equal.

    >>> levelled(np.array([1.0, 0.5, 1.0 + 1e-12])).tolist()
    [1.0, 0.5, 1.0]
    """
    return _merged(values, lambda below, above: above - below <= tolerance)


def without_rounding(values: Floats) -> Floats:
    """Values (n,) with those that differ by rounding only made equal to the shortest of them.

    Two values differ by rounding only if they are within one part in 10^12 of each other: 0.1 + 0.2 and 0.3, or
    0.99 - 0.98 and 0.01, as programs write them. float32 tells values apart down to six parts in 10^8.

    >>> without_rounding(np.array([0.1 + 0.2, 0.3, 0.3 - 0.1, 0.2])).tolist()
    [0.3, 0.3, 0.2, 0.2]
    """
    return _merged(values, lambda below, above: above - below <= ROUNDING * np.maximum(np.abs(below), np.abs(above)))


def _merged(values: Floats, near: Callable[[Floats, Floats], npt.NDArray[np.bool_]]) -> Floats:
    """Values (n,) in which each run of neighbours that are near each other is its member of the shortest text."""
    if len(values) < 2:
        return values.copy()
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    joined = near(ordered[:-1], ordered[1:]) & (ordered[:-1] < ordered[1:])
    result = values.copy()
    if not joined.any():
        return result
    runs = np.r_[0, np.cumsum(~near(ordered[:-1], ordered[1:]))]
    for run in np.unique(runs[:-1][joined]).tolist():
        start, stop = np.searchsorted(runs, [run, run + 1])
        members = sorted(set(ordered[start:stop].tolist()), key=lambda value: (len(repr(value)), value))
        result[order[start:stop]] = members[0]
    return result


def _power_of_ten(denominator: int) -> int:
    """The smallest power of ten that this divisor of a power of ten divides."""
    scale = 1
    while scale % denominator:
        scale *= 10
    return scale
