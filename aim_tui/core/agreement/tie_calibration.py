"""Pairwise accuracy with ties: does the metric rank two samples as the judgement does, ties included?

Deutsch, Foster and Freitag, Ties Matter (EMNLP 2023). A continuous metric never ties, so every tie of the judgement
counts against it. A threshold eps, within which two values count as equal, corrects that; but an eps that ties
everything is right on every tie of the judgement, so calling every pair a tie is reported as a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.exact import decimals

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: More pairs than this are sampled, since sorting them would take seconds.
MOST = 5_000_000
# Gaps of values with more digits than anybody writes are equal within their rounding: four units in the last place.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class TieAccuracy:
    """Shares of pairs of samples on which metric and judgement agree: better, worse or equal."""

    pairs: int
    drawn: bool
    """Whether these pairs are a random sample of all pairs."""
    plain: float
    """acc_eq with eps = 0: only equal values tie."""
    eps: float
    """eps*: the smallest threshold of the highest accuracy, on these very pairs."""
    calibrated: float
    """acc_eq with eps*."""
    tied: float
    """The share of all pairs that eps* turns into ties and 0 does not."""
    all_ties: float
    """The baseline of calling every pair a tie: the share of pairs that the judgement ties."""


def tie_accuracy(x: Floats, y: Floats, *, seed: int = 0, most: int = MOST) -> TieAccuracy | None:
    """acc_eq of x and y (n,) with eps = 0 and with the best eps*; None for fewer than two samples."""
    n = len(x)
    if n < 2:
        return None
    first, second = np.triu_indices(n, 1) if n * (n - 1) // 2 <= most else _draw(n, most, seed)
    written = decimals(x)
    # Gaps of decimals are whole numbers: 0.29 - 0.28 and 0.27 - 0.26 are one gap, which floats would tell apart.
    xs, scale = (x, 1) if written is None else written
    rounding = 0.0 if written is not None else _ROUNDING * float(np.abs(x).max())
    dx, dy = xs[first] - xs[second], y[first] - y[second]
    gap, same_side, tied_y = np.abs(dx), np.sign(dx) == np.sign(dy), dy == 0
    order = np.argsort(gap, kind="stable")
    gap, agree, tied_y = gap[order], (same_side & ~tied_y)[order], tied_y[order]
    # With eps at the k-th gap the first k pairs are ties, right if the judgement ties; for the others the order counts.
    right = np.r_[0, np.cumsum(tied_y)] + np.r_[np.cumsum(agree[::-1])[::-1], 0]
    # Only whole groups of equal gaps can be tied.
    ends = np.flatnonzero(np.r_[gap[1:] - gap[:-1] > rounding, True]) + 1
    zero = int(np.searchsorted(gap, 0, side="right"))
    candidates = ends[ends > zero]
    count = len(gap)
    best, eps = zero, 0.0
    if len(candidates):
        top = int(candidates[np.argmax(right[candidates])])
        if right[top] > right[zero]:
            best, eps = top, float(gap[top - 1]) / scale
    return TieAccuracy(
        pairs=count,
        drawn=count < n * (n - 1) // 2,
        plain=float(right[zero]) / count,
        eps=eps,
        calibrated=float(right[best]) / count,
        tied=(best - zero) / count,
        all_ties=float(tied_y.mean()),
    )


def _draw(n: int, count: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    generator = np.random.Generator(np.random.PCG64(seed))
    first = generator.integers(0, n, size=count)
    # Any other sample, with equal probability.
    second = (first + generator.integers(1, n, size=count)) % n
    return first, second
