"""Percentile bootstrap intervals, resampling pairs or whole groups (prompts, images, models)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement import resample_kernels
from aim_tui.core.agreement.coefficients import CONFIDENCE, OVER_GROUPS, OVER_PAIRS, CoefficientKind, Interval
from aim_tui.core.agreement.rank_kernels import dense
from aim_tui.core.statistics import FEWEST

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_WEIGHTED = {
    CoefficientKind.PEARSON: resample_kernels.pearson_weighted,
    CoefficientKind.SPEARMAN: resample_kernels.spearman_weighted,
    CoefficientKind.KENDALL_B: resample_kernels.kendall_weighted,
}


def bootstrap_intervals(
    x: Floats,
    y: Floats,
    kinds: Iterable[CoefficientKind],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[CoefficientKind, Interval | str]:
    """The percentile interval of each coefficient, or why there is none.

    A resample draws as many groups as there are, with replacement, each with all its pairs; without groups, pairs.
    Resamples with a constant side have no coefficient: they are left out, and their share is reported. x and y (n,)
    are finite and not constant.
    """
    units = np.arange(len(x)) if groups is None else dense(np.array(groups, dtype=object).astype(str))
    drawn_from = int(units.max()) + 1
    kinds = tuple(kinds)
    if drawn_from < FEWEST:
        return dict.fromkeys(kinds, f"too few groups for a bootstrap ({drawn_from})")
    count = resamples
    functions = {kind: _WEIGHTED[kind](x, y) for kind in kinds}
    values = {kind: np.empty(count) for kind in kinds}
    filled = 0
    for weights in _draw(units, drawn_from, count, seed):
        for kind, function in functions.items():
            values[kind][filled : filled + len(weights)] = function(weights)
        filled += len(weights)
    method = OVER_PAIRS if groups is None else OVER_GROUPS
    return {kind: _percentile(found, method, drawn_from, confidence) for kind, found in values.items()}


def _draw(units: Ints, drawn_from: int, count: int, seed: int) -> Iterator[Ints]:
    """Weights (b, n) in batches: how often the group of each pair was drawn."""
    generator = np.random.Generator(np.random.PCG64(seed))
    step = max(1, resample_kernels.AT_ONCE // max(drawn_from, len(units)))
    plain = drawn_from == len(units)
    for start in range(0, count, step):
        batch = min(step, count - start)
        drawn = generator.integers(0, drawn_from, size=(batch, drawn_from))
        drawn += np.arange(batch)[:, None] * drawn_from
        times = np.bincount(drawn.ravel(), minlength=batch * drawn_from).reshape(batch, drawn_from)
        yield times[:, units] if not plain or (np.diff(units) != 1).any() else times


def _percentile(values: Floats, method: str, units: int, confidence: float) -> Interval | str:
    defined = values[np.isfinite(values)]
    degenerate = 1 - len(defined) / len(values)
    if len(defined) < len(values) / 2:
        return f"{degenerate:.0%} of the resamples have a constant side: no interval"
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high), method, confidence, len(defined), units, degenerate)
