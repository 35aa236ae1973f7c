"""Compare two metrics on the same samples: does one agree with the judgement better than the other?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement import resample_kernels
from aim_tui.core.agreement.coefficients import (
    CONFIDENCE,
    RESAMPLED,
    CoefficientKind,
    Interval,
    is_perfect,
    pearson_interval,
    undefined,
    value_only,
)
from aim_tui.core.agreement.permutation import TOLERANCE
from aim_tui.core.agreement.rank_kernels import dense
from aim_tui.core.exact import levelled

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

#: Up to this many samples, all 2^n swaps are enumerated.
EXACT_UP_TO = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """One coefficient of A and of B with the judgement, and whether chance explains the difference."""

    kind: CoefficientKind
    a: float
    b: float
    p: float | None
    """Paired permutation, two-sided: the share of swaps with at least as large a difference; None without swaps."""
    swaps: int
    exact: bool
    p_adjusted: float | None = None
    """Over all comparisons that are shown (Benjamini and Hochberg)."""

    @property
    def difference(self) -> float:
        """A minus B."""
        return self.a - self.b


@dataclass(frozen=True, slots=True)
class Williams:
    """Williams' t for two correlations that share a variable."""

    t: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """Metrics A and B against one judgement, over the samples that have all three."""

    a: str
    b: str
    judgement: str
    n: int
    reason: str = ""
    """Why there is nothing to compare, or ''."""
    between: float | None = None
    """Pearson's r of A and B."""
    differences: tuple[Difference, ...] = ()
    williams: Williams | None = None
    zou: Interval | None = None
    """Of Pearson's r of A minus that of B."""
    note: str = ""
    """Why Williams' t or Zou's interval is missing, or ''."""


def compare_metrics(
    names: tuple[str, str, str], a: Floats, b: Floats, y: Floats, *, swaps: int = 10_000, seed: int = 0
) -> MetricComparison:
    """Compare A and B (n,) against y (n,); names are of A, B and the judgement. All are oriented and finite."""
    reason = undefined(a, y, names[0], names[2]) or undefined(b, y, names[1], names[2])
    if reason:
        return MetricComparison(*names, n=len(y), reason=reason)
    r = {
        pair: value_only(CoefficientKind.PEARSON, one, other) or 0.0
        for pair, one, other in (("ay", a, y), ("by", b, y), ("ab", a, b))
    }
    t, interval, note = None, None, ""
    if any(map(is_perfect, r.values())):
        note = "a perfect fit: neither Williams' t nor Zou's interval is defined"
    elif len(y) < 4:
        note = "fewer than 4 pairs: neither Williams' t nor Zou's interval is defined"
    else:
        t = williams(r["ay"], r["by"], r["ab"], len(y))
        interval = zou_interval(r["ay"], r["by"], r["ab"], len(y))
    return MetricComparison(
        *names,
        n=len(y),
        between=r["ab"],
        differences=swap_tests(a, b, y, swaps=swaps, seed=seed),
        williams=t,
        zou=interval,
        note=note,
    )


def swap_tests(a: Floats, b: Floats, y: Floats, *, swaps: int = 10_000, seed: int = 0) -> tuple[Difference, ...]:
    """Paired permutation tests of the difference of each coefficient (Deutsch, Dror and Roth 2021, PERM-BOTH).

    The z-scored values of A and B are swapped on each sample with probability 1/2; up to 12 samples in all 2^n ways.
    p = (hits + 1) / (k + 1), of all ways hits / k.
    """
    z = np.stack([resample_kernels.standard(a), resample_kernels.standard(b)])
    # The same metric in another unit has the same z, but for rounding.
    places = dense(levelled(z.ravel(), TOLERANCE)).reshape(2, -1)
    functions: dict[CoefficientKind, Callable[[Ints], Floats]] = {
        CoefficientKind.PEARSON: _of(resample_kernels.pearson_rows(y), z),
        CoefficientKind.SPEARMAN: _of(resample_kernels.spearman_rows(y), places),
        CoefficientKind.KENDALL_B: _of(resample_kernels.kendall_rows(y), places),
    }
    n = len(y)
    exact = n <= EXACT_UP_TO
    count = 2**n if exact else swaps
    hits = dict.fromkeys(RESAMPLED, 0)
    as_is = np.zeros((1, n), dtype=np.int64)
    observed = {kind: (float(of(as_is)[0]), float(of(1 - as_is)[0])) for kind, of in functions.items()}
    for swapped in _all_swaps(n) if exact else _drawn_swaps(n, count, seed):
        for kind, of in functions.items():
            of_a, of_b = observed[kind]
            gap = np.abs(of(swapped) - of(1 - swapped))
            # A swap that leaves a side constant has no difference.
            hits[kind] += int((np.nan_to_num(gap) >= abs(of_a - of_b) - TOLERANCE).sum())
    return tuple(
        Difference(kind, *observed[kind], _share(hits[kind], count, exact), count, exact) for kind in RESAMPLED
    )


def _share(hits: int, count: int, exact: bool) -> float | None:
    if exact:
        return hits / count
    return (hits + 1) / (count + 1) if count else None


def williams(r_ay: float, r_by: float, r_ab: float, n: int) -> Williams:
    """Williams' t (1959; Steiger 1980, equation 7) with n - 3 degrees of freedom; n is at least 4."""
    from scipy import stats

    determinant = 1 - r_ay**2 - r_by**2 - r_ab**2 + 2 * r_ay * r_by * r_ab
    mean = (r_ay + r_by) / 2
    below = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r_ab) ** 3
    t = 0.0 if r_ay == r_by else (r_ay - r_by) * math.sqrt((n - 1) * (1 + r_ab) / below)
    return Williams(t, n - 3, float(2 * stats.t.sf(abs(t), n - 3)))


def zou_interval(r_ay: float, r_by: float, r_ab: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Zou's interval (2007, equation 15) of r_ay - r_by, from Fisher's interval of each; n is at least 4."""
    a, b = pearson_interval(r_ay, n, confidence), pearson_interval(r_by, n, confidence)
    together = (r_ab - r_ay * r_by / 2) * (1 - r_ay**2 - r_by**2 - r_ab**2) + r_ab**3
    together /= (1 - r_ay**2) * (1 - r_by**2)

    def reach(one: float, other: float) -> float:
        # Rounding can make it negative if A and B are the same metric.
        return math.sqrt(max(0.0, one**2 + other**2 - 2 * together * one * other))

    gap = r_ay - r_by
    low, high = reach(r_ay - a.low, b.high - r_by), reach(a.high - r_ay, r_by - b.low)
    return Interval(gap - low, gap + high, "Zou 2007", confidence)


def adjusted(ps: Sequence[float]) -> list[float]:
    """P values adjusted over their family to control the false discovery rate (Benjamini and Hochberg 1995).

    >>> adjusted([0.01, 0.02, 0.03])
    [0.03, 0.03, 0.03]
    """
    count = len(ps)
    order = sorted(range(count), key=lambda number: ps[number])
    result = [0.0] * count
    lowest = 1.0
    for rank in range(count, 0, -1):
        number = order[rank - 1]
        lowest = min(lowest, ps[number] * count / rank)
        result[number] = lowest
    return result


def _of(rows: Callable[..., Floats], values: npt.NDArray[np.float64] | Ints) -> Callable[[Ints], Floats]:
    """Coefficients of mixed values by row of choices: 0 takes the value of A, 1 that of B."""
    return lambda choices: rows(np.where(choices, values[1], values[0]))


def _all_swaps(n: int) -> Iterator[Ints]:
    yield (np.arange(2**n)[:, None] >> np.arange(n)) & 1


def _drawn_swaps(n: int, count: int, seed: int) -> Iterator[Ints]:
    generator = np.random.Generator(np.random.PCG64(seed))
    step = max(1, resample_kernels.AT_ONCE // n)
    for start in range(0, count, step):
        yield generator.integers(0, 2, size=(min(step, count - start), n))
