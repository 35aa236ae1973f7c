"""Permutation tests: how often chance gives an equally strong coefficient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement import resample_kernels
from aim_tui.core.agreement.coefficients import CoefficientKind, Permutation

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

#: The relative difference from the observed coefficient that counts as equal, because of rounding.
TOLERANCE = 1e-12
#: The default number of resamples.
RESAMPLES = 10_000
_FEWEST = 1_000
# A limit on pairs times resamples: more would take too long for Kendall's coefficient, and add little precision.
_DRAWS = 20_000_000

_REARRANGED = {
    CoefficientKind.PEARSON: resample_kernels.pearson_rearranged,
    CoefficientKind.SPEARMAN: resample_kernels.spearman_rearranged,
    CoefficientKind.KENDALL_B: resample_kernels.kendall_rearranged,
}


def affordable(n: int) -> int:
    """The default number of resamples of n pairs: 10,000, or fewer for more than 2,000 pairs (at least 1,000)."""
    return max(_FEWEST, min(RESAMPLES, _DRAWS // max(1, n)))


def permutation_tests(
    x: Floats, y: Floats, kinds: Iterable[CoefficientKind], *, arrangements: int = 10_000, seed: int = 0
) -> dict[CoefficientKind, Permutation]:
    """Two-sided p of each coefficient, over all n! arrangements of y if they are few enough, else over random ones.

    Two-sided is twice the smaller tail, as in scipy.stats.permutation_test. Drawn: a tail is (hits + 1) / (k + 1),
    never zero (Phipson and Smyth 2010). x and y (n,) are finite and not constant. Assumes exchangeable pairs: for
    grouped pairs, the interval over groups is more reliable.
    """
    n = len(x)
    functions = {kind: _REARRANGED[kind](x, y) for kind in kinds}
    itself = np.arange(n)[None]
    observed = {kind: float(function(itself)[0]) for kind, function in functions.items()}
    exact = n < 13 and math.factorial(n) <= arrangements
    count = math.factorial(n) if exact else arrangements
    tails = {kind: np.zeros(2, dtype=np.int64) for kind in functions}
    for rows in _all(n) if exact else _drawn(n, count, seed):
        for kind, function in functions.items():
            found, near = function(rows), TOLERANCE * max(abs(observed[kind]), 0.01)
            tails[kind] += [(found <= observed[kind] + near).sum(), (found >= observed[kind] - near).sum()]
    added = 0 if exact else 1
    return {
        kind: Permutation(min(1.0, 2 * (int(hits.min()) + added) / (count + added)), count, exact)
        for kind, hits in tails.items()
    }


def _all(n: int) -> Iterator[Ints]:
    """Every arrangement of n positions in one batch."""
    rows = np.zeros((1, 1), dtype=np.int64)
    for size in range(2, n + 1):
        rows = np.concatenate([np.insert(rows, place, size - 1, axis=1) for place in range(size)])
    yield rows


def _drawn(n: int, count: int, seed: int) -> Iterator[Ints]:
    generator = np.random.Generator(np.random.PCG64(seed))
    step = max(1, resample_kernels.AT_ONCE // n)
    for start in range(0, count, step):
        rows = np.tile(np.arange(n), (min(step, count - start), 1))
        yield generator.permuted(rows, axis=1)
