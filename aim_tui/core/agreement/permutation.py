"""Permutation tests: how often chance alone gives as strong a coefficient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.agreement import resample_kernels
from aim_tui.core.agreement.coefficients import CoefficientKind, Permutation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

#: How far from the observed coefficient, in parts of it, still counts as equal: what rounding alone does to one.
TOLERANCE = 1e-12
#: What is drawn where nobody says how often.
RESAMPLES = 10_000
_FEWEST = 1_000
# Of more draws in all, Kendall's coefficient takes longer than anybody waits; fewer place an interval well enough.
_DRAWS = 20_000_000

_REARRANGED = {
    CoefficientKind.PEARSON: resample_kernels.pearson_rearranged,
    CoefficientKind.SPEARMAN: resample_kernels.spearman_rearranged,
    CoefficientKind.KENDALL_B: resample_kernels.kendall_rearranged,
}


def affordable(n: int) -> int:
    """How many resamples of n pairs are drawn by default: 10,000, of more than 2,000 pairs fewer (at least 1,000)."""
    return max(_FEWEST, min(RESAMPLES, _DRAWS // max(1, n)))


def permutation_tests(
    x: Floats, y: Floats, kinds: Iterable[CoefficientKind], *, arrangements: int = 10_000, seed: int = 0
) -> dict[CoefficientKind, Permutation]:
    """Two-sided p of each coefficient: all n! arrangements of y where they are no more than asked for, else drawn ones.

    Two-sided is twice the smaller tail, as in scipy.stats.permutation_test. Drawn: a tail is (hits + 1) / (k + 1),
    never zero (Phipson and Smyth 2010). x and y (n,) are finite and not constant. The pairs are taken to be
    exchangeable: where they come in groups, the interval over groups says more.
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
    """Every arrangement of n positions, at once: there are few."""
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
