"""Where metric and judgement agree best and worst, and which pairs influence the coefficient most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.agreement.coefficients import undefined
from aim_tui.core.agreement.error_measures import left_out_residuals
from aim_tui.core.agreement.rank_kernels import mid_ranks

if TYPE_CHECKING:
    import numpy.typing as npt

    from aim_tui.core.agreement.pairs import Pairs

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Residual:
    """The leave-one-out residual and the influence of one pair."""

    id: str
    x: float
    y: float
    expected: float | None
    """The prediction for y of a line through the other pairs."""
    residual: float | None
    """y minus the prediction, in the units of y: positive if the judgement is better than the metric predicts."""
    rank_gap: float
    """Rank by the metric minus rank by the judgement, over n - 1: -1..1."""
    influence: float | None
    """Pearson's r with the pair minus r without it."""


@dataclass(frozen=True, slots=True)
class FittedLine:
    """The least-squares line of y on x."""

    slope: float
    intercept: float


def line(x: Floats, y: Floats) -> FittedLine | None:
    """The least-squares line; None if x is constant or there are fewer than 3 pairs."""
    if undefined(x, x):
        return None
    centred = x - x.mean()
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    return FittedLine(slope, float(y.mean() - slope * x.mean()))


def residuals(pairs: Pairs) -> tuple[Residual, ...]:
    """The residual of every pair, in order; empty if there is no line."""
    x, y, n = pairs.x, pairs.y, pairs.n
    left_out = left_out_residuals(x, y)
    if left_out is None:
        return ()
    gaps = (mid_ranks(x) - mid_ranks(y)) / (n - 1)
    influences = influence(x, y)
    return tuple(
        Residual(
            id=name,
            x=float(x[number]),
            y=float(y[number]),
            expected=float(y[number] - left_out[number]) if np.isfinite(left_out[number]) else None,
            residual=float(left_out[number]) if np.isfinite(left_out[number]) else None,
            rank_gap=float(gaps[number]),
            influence=float(influences[number]) if np.isfinite(influences[number]) else None,
        )
        for number, name in enumerate(pairs.ids)
    )


def best(found: tuple[Residual, ...], top: int) -> tuple[Residual, ...]:
    """The pairs with the smallest residuals, the smallest first."""
    known = [one for one in found if one.residual is not None]
    return tuple(sorted(known, key=lambda one: (abs(one.residual or 0.0), abs(one.rank_gap)))[:top])


def worst(found: tuple[Residual, ...], top: int) -> tuple[Residual, ...]:
    """The pairs with the largest residuals, the largest first."""
    known = [one for one in found if one.residual is not None]
    return tuple(sorted(known, key=lambda one: (-abs(one.residual or 0.0), -abs(one.rank_gap)))[:top])


def widest_gaps(found: tuple[Residual, ...], top: int) -> tuple[Residual, ...]:
    """The pairs that metric and judgement rank most differently."""
    return tuple(sorted(found, key=lambda one: -abs(one.rank_gap))[:top])


def most_influential(found: tuple[Residual, ...], top: int) -> tuple[Residual, ...]:
    """The pairs without which Pearson's r would change most."""
    known = [one for one in found if one.influence is not None]
    return tuple(sorted(known, key=lambda one: -abs(one.influence or 0.0))[:top])


def influence(x: Floats, y: Floats) -> Floats:
    """Pearson's r minus r without the pair (n,), for each pair; NaN where either is undefined."""
    n = len(x)
    if undefined(x, y) or n < 4:
        return np.full(n, np.nan)
    cx, cy = x - x.mean(), y - y.mean()
    # Leaving out pair i subtracts n / (n - 1) times its product of centred values from each sum.
    part = n / (n - 1)
    sxx, syy, sxy = float(cx @ cx), float(cy @ cy), float(cx @ cy)
    xx, yy, xy = sxx - part * cx**2, syy - part * cy**2, sxy - part * cx * cy
    defined = (xx > 1e-12 * sxx) & (yy > 1e-12 * syy)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.where(defined, xy / np.sqrt(np.where(defined, xx * yy, 1.0)), np.nan)
    return np.asarray(sxy / np.sqrt(sxx * syy) - without)
