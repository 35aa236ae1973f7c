"""Correlation coefficients with their intervals and p values, or the reason why they are undefined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.statistics import FEWEST

if TYPE_CHECKING:
    import numpy.typing as npt

    from aim_tui.core.agreement.pairs import Pairs

    Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
#: With fewer groups, bootstrap intervals over groups are unreliable.
FEW_GROUPS = 10
OVER_PAIRS, OVER_GROUPS = "percentile bootstrap over pairs", "percentile bootstrap over groups"
#: What |r| may fall short of 1 by rounding alone.
_PERFECT = 1 - 1e-12
# As scipy.stats has it: below this part of the mean, differences are what rounding made.
_NEARLY_CONSTANT = 1e-13
# The square of a smaller spread, and its products, are nothing in a float64.
_SMALLEST = 1e-60


class CoefficientKind(StrEnum):
    """The coefficients, in display order."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"
    KENDALL_B = "kendall_b"
    KENDALL_C = "kendall_c"

    @property
    def label(self) -> str:
        """The display name."""
        return {
            "pearson": "Pearson r",
            "spearman": "Spearman rho",
            "kendall_b": "Kendall tau-b",
            "kendall_c": "Kendall tau-c",
        }[self]


#: The coefficients that are bootstrapped and permuted.
RESAMPLED = (CoefficientKind.PEARSON, CoefficientKind.SPEARMAN, CoefficientKind.KENDALL_B)


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, and how it was computed."""

    low: float
    high: float
    method: str
    confidence: float = CONFIDENCE
    resamples: int = 0
    """Of a bootstrap: how many resamples it is from, degenerate ones not counted."""
    units: int = 0
    """Of a bootstrap: how many groups or pairs were drawn from."""
    degenerate: float = 0.0
    """Of a bootstrap: the share of resamples without a coefficient, which were left out."""

    @property
    def width(self) -> float:
        """High - low."""
        return self.high - self.low

    @property
    def over_groups(self) -> bool:
        """Whether whole groups were drawn."""
        return self.method == OVER_GROUPS

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Permutation:
    """How often another arrangement of the same values gives as strong a coefficient, two-sided."""

    p: float
    arrangements: int
    exact: bool
    """Whether these are all arrangements there are."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient; where `value` is None, `reason` says why, and where `interval` is None `no_interval` does."""

    kind: CoefficientKind
    value: float | None
    reason: str = ""
    p: float | None = None
    interval: Interval | None = None
    no_interval: str = ""
    bootstrap: Interval | None = None
    no_bootstrap: str = ""
    permutation: Permutation | None = None
    p_adjusted: float | None = None
    """The permutation p, else p, adjusted over the family that is shown (Benjamini and Hochberg)."""

    @property
    def best_p(self) -> float | None:
        """The p value with the fewest assumptions."""
        return self.permutation.p if self.permutation else self.p

    @property
    def best_interval(self) -> Interval | None:
        """The interval over groups if there are groups, else the formula's, else the bootstrap's.

        A bootstrap over few groups is too narrow: then a wider interval by the formula is used.
        """
        drawn, formula = self.bootstrap, self.interval
        if drawn is None or formula is None:
            return formula or drawn
        if not drawn.over_groups or (drawn.units < FEW_GROUPS and formula.width > drawn.width):
            return formula
        return drawn

    @property
    def perfect(self) -> bool:
        """Whether the coefficient is as large as it can be, so that no interval is defined."""
        return self.value is not None and is_perfect(self.value)


def coefficient(kind: CoefficientKind, x: Floats, y: Floats, why_undefined: str = "") -> Coefficient:
    """A coefficient of x and y (n,), both finite, with its interval by formula and SciPy's two-sided p.

    Pearson: Fisher's z; Spearman: Bonett and Wright (2000), z +- 1.96 sqrt((1 + rho^2/2) / (n - 3)). Kendall has no
    formula that is valid with ties: its interval is the bootstrap's.
    """
    from scipy import stats

    reason = why_undefined or undefined(x, y)
    if reason:
        return Coefficient(kind, None, reason, no_interval=reason, no_bootstrap=reason)
    match kind:
        case CoefficientKind.PEARSON:
            result = stats.pearsonr(x, y)
        case CoefficientKind.SPEARMAN:
            result = stats.spearmanr(x, y)
        case CoefficientKind.KENDALL_B:
            result = stats.kendalltau(x, y, variant="b")
        case CoefficientKind.KENDALL_C:
            result = stats.kendalltau(x, y, variant="c")
    value = float(np.clip(result.statistic, -1.0, 1.0))
    p = float(result.pvalue)
    interval, no_interval = _interval(kind, value, len(x))
    return Coefficient(kind, value, p=p if math.isfinite(p) else None, interval=interval, no_interval=no_interval)


def value_only(kind: CoefficientKind, x: Floats, y: Floats) -> float | None:
    """Only the value of the coefficient; None if it is undefined."""
    return coefficient(kind, x, y).value


def undefined(x: Floats, y: Floats, x_name: str = "x", y_name: str = "y") -> str:
    """Why x and y have no coefficient, or ''."""
    if len(x) < FEWEST:
        return f"fewer than {FEWEST} pairs"
    return _constant(x_name, x) or _constant(y_name, y)


def why_undefined(pairs: Pairs) -> str:
    """Why these pairs have no coefficient, or '', in the user's names and values."""
    x = 0.0 - pairs.x if pairs.negated_x else pairs.x
    y = 0.0 - pairs.y if pairs.negated_y else pairs.y
    return undefined(x, y, f"{pairs.x_name} values", f"{pairs.y_name} values")


def is_perfect(value: float) -> bool:
    """Whether a coefficient is 1 or -1 within rounding."""
    return abs(value) >= _PERFECT


def fisher_interval(value: float, n: int, variance: float, method: str, confidence: float = CONFIDENCE) -> Interval:
    """tanh(atanh(r) +- z sqrt(variance / (n - 3))); n must be above 3 and |r| below 1."""
    from scipy.special import ndtri

    half = float(ndtri(0.5 + confidence / 2)) * math.sqrt(variance / (n - 3))
    centre = math.atanh(value)
    return Interval(math.tanh(centre - half), math.tanh(centre + half), method, confidence)


def pearson_interval(value: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Fisher's interval of a Pearson coefficient of n > 3 pairs."""
    return fisher_interval(value, n, 1.0, "Fisher z", confidence)


def _interval(kind: CoefficientKind, value: float, n: int) -> tuple[Interval | None, str]:
    if is_perfect(value):
        return None, "interval not defined: perfect fit"
    if n <= FEWEST:
        return None, f"interval not defined: {n} pairs"
    match kind:
        case CoefficientKind.PEARSON:
            return pearson_interval(value, n), ""
        case CoefficientKind.SPEARMAN:
            return fisher_interval(value, n, 1 + value**2 / 2, "Bonett-Wright"), ""
        case _:
            return None, "no formula is valid with ties: see the bootstrap"


def _constant(name: str, values: Floats) -> str:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"undefined: all {name} equal {round(low, 6)}"
    if high - low <= max(_NEARLY_CONSTANT * max(abs(low), abs(high)), _SMALLEST):
        return f"undefined: all {name} equal {round(low, 6)} but for rounding"
    return ""
