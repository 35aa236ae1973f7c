"""Coefficients of many resamples at once: weighted (a bootstrap) and rearranged (a permutation).

A resample is a row of weights: how often each pair was drawn. Everything is vectorised in numpy: ten thousand
resamples of a thousand pairs take about a second. Rows in which a side is constant give NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.agreement.rank_kernels import dense, inversions, mid_ranks, pairs_in

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

#: The size of a batch of resamples in numbers, which limits memory.
AT_ONCE = 2_000_000

Weighted = Callable[["Ints"], "Floats"]
"""From weights (b, n) to coefficients (b,)."""
Rearranged = Callable[["Ints"], "Floats"]
"""From rows of positions (b, n), which y stands beside each x, to coefficients (b,)."""

# A variance below this fraction of the mean square is rounding error of zero.
_NOTHING = 1e-13


def standard(values: Floats) -> Floats:
    """Values (n,) with mean 0 and standard deviation 1; they must not be constant."""
    centred = values - values.mean()
    standardised: Floats = centred / np.sqrt((centred**2).mean())
    return standardised


# -- weighted ---------------------------------------------------------------------------------------------------------


def pearson_weighted(x: Floats, y: Floats) -> Weighted:
    """Pearson's r of each row of weights."""
    x, y = standard(x), standard(y)
    columns = np.column_stack([x, y, x * x, y * y, x * y])

    def of(weights: Ints) -> Floats:
        total = weights.sum(axis=1).astype(np.float64)
        sx, sy, sxx, syy, sxy = (weights.astype(np.float64) @ columns).T
        vx, vy = total * sxx - sx**2, total * syy - sy**2
        defined = (vx > _NOTHING * total * sxx) & (vy > _NOTHING * total * syy)
        return _ratio(total * sxy - sx * sy, np.sqrt(np.where(defined, vx * vy, 0.0)))

    return of


def spearman_weighted(x: Floats, y: Floats) -> Weighted:
    """Spearman's rho of each row of weights, ranked anew within it."""
    ranks_x, ranks_y = _weighted_ranks(x), _weighted_ranks(y)

    def of(weights: Ints) -> Floats:
        middle = (weights.sum(axis=1) + 1) / 2
        (of_x, spread_x), (of_y, spread_y) = ranks_x(weights, middle), ranks_y(weights, middle)
        products = np.einsum("bn,bn,bn->b", weights.astype(np.float64), of_x, of_y)
        return _ratio(products, np.sqrt(spread_x * spread_y))

    return of


def kendall_weighted(x: Floats, y: Floats) -> Weighted:
    """Kendall's tau-b of each row of weights."""
    order = np.lexsort((y, x))
    places_y = dense(y)
    in_order = places_y[order]
    groups_x, groups_y, groups_xy = _sizes(dense(x)), _sizes(places_y), _sizes(_joint(x, y))

    def of(weights: Ints) -> Floats:
        n0 = pairs_in(weights.sum(axis=1, keepdims=True))
        tied_x, tied_y, tied_xy = (pairs_in(groups(weights)) for groups in (groups_x, groups_y, groups_xy))
        wrong = inversions(_repeated(in_order, weights[:, order]))
        return _tau_b(n0, tied_x, tied_y, tied_xy, wrong)

    return of


def _weighted_ranks(values: Floats) -> Callable[[Ints, Floats], tuple[Floats, Floats]]:
    places = dense(values)
    sizes = _sizes(places)

    def of(weights: Ints, middle: Floats) -> tuple[Floats, Floats]:
        """Each sample's rank less the mean rank (b, n), and their weighted sum of squares (b,)."""
        counts = sizes(weights)
        ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2 - middle[:, None]
        return ranks[:, places], np.einsum("bg,bg,bg->b", counts.astype(np.float64), ranks, ranks)

    return of


def _sizes(places: Ints) -> Callable[[Ints], Ints]:
    """From weights to the weight of each group of equal values (b, groups)."""
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(places[order]) > 0])

    def of(weights: Ints) -> Ints:
        ordered = weights[:, order]
        summed: Ints = ordered if len(starts) == len(order) else np.add.reduceat(ordered, starts, axis=1)
        return summed

    return of


def _repeated(values: Ints, weights: Ints) -> Ints:
    """Rows with each value repeated by its weight; short rows are padded with a value that adds no inversions."""
    lengths = weights.sum(axis=1)
    drawn = np.repeat(np.broadcast_to(values, weights.shape).ravel(), weights.ravel())
    longest = int(lengths.max())
    if int(lengths.min()) == longest:
        return drawn.reshape(len(weights), longest)
    rows = np.full((len(weights), longest), int(values.max()) + 1, dtype=np.int64)
    rows[np.arange(longest) < lengths[:, None]] = drawn
    return rows


# -- rearranged -------------------------------------------------------------------------------------------------------


def pearson_rearranged(x: Floats, y: Floats) -> Rearranged:
    """Pearson's r of x with each arrangement of y."""
    x, y = standard(x), standard(y)
    return lambda rows: (y[rows] @ x) / len(x)


def spearman_rearranged(x: Floats, y: Floats) -> Rearranged:
    """Spearman's rho of x with each arrangement of y."""
    return pearson_rearranged(mid_ranks(x), mid_ranks(y))


def kendall_rearranged(x: Floats, y: Floats) -> Rearranged:
    """Kendall's tau-b of x with each arrangement of y."""
    places_y = dense(y)
    tau_b = kendall_rows(x)
    return lambda rows: tau_b(places_y[rows])


# -- rows of other values ---------------------------------------------------------------------------------------------


def pearson_rows(y: Floats) -> Callable[[Floats], Floats]:
    """Pearson's r of y (n,) with each row of values (b, n)."""
    y = standard(y)

    def of(rows: Floats) -> Floats:
        centred = rows - rows.mean(axis=1, keepdims=True)
        squares = np.einsum("bn,bn->b", centred, centred)
        spread = np.where(squares > _NOTHING * np.einsum("bn,bn->b", rows, rows), squares * len(y), 0.0)
        return _ratio(centred @ y, np.sqrt(spread))

    return of


def spearman_rows(y: Floats) -> Callable[[Ints], Floats]:
    """Spearman's rho of y (n,) with each row of non-negative integers (b, n)."""
    pearson = pearson_rows(mid_ranks(y))

    def of(rows: Ints) -> Floats:
        batch, top = len(rows), int(rows.max()) + 1
        counts = np.bincount((rows + np.arange(batch)[:, None] * top).ravel(), minlength=batch * top)
        counts = counts.reshape(batch, top)
        ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2
        return pearson(np.take_along_axis(ranks, rows, axis=1))

    return of


def kendall_rows(x: Floats) -> Callable[[Ints], Floats]:
    """Kendall's tau-b of x (n,) with each row of non-negative integers (b, n)."""
    places_x = dense(x)
    order = np.argsort(places_x, kind="stable")
    ordered = places_x[order]
    n0 = pairs_in(np.array([len(x)]))
    tied_x = pairs_in(np.bincount(places_x))

    def of(rows: Ints) -> Floats:
        rows = rows[:, order]
        tied_rows = _tied(np.sort(rows, axis=1))
        tied_both = np.zeros(len(rows), dtype=np.int64)
        if tied_x:
            # Within a group of equal x nothing is in the wrong order: y is sorted there.
            top = int(rows.max()) + 1
            keys = np.sort(ordered * top + rows, axis=1)
            tied_both = _tied(keys)
            rows = keys % top
        return _tau_b(n0, tied_x, tied_rows, tied_both, inversions(rows))

    return of


def _tied(rows: Ints) -> Ints:
    """How many pairs of equal values each sorted row (b, n) has."""
    batch, n = rows.shape
    fresh = np.ones((batch, n), dtype=bool)
    fresh[:, 1:] = rows[:, 1:] != rows[:, :-1]
    if fresh.all():
        return np.zeros(batch, dtype=np.int64)
    flat = np.flatnonzero(fresh)
    sizes = np.diff(np.r_[flat, batch * n])
    firsts = np.searchsorted(flat, np.arange(batch) * n)
    tied: Ints = np.add.reduceat(sizes * (sizes - 1) // 2, firsts)
    return tied


def _joint(x: Floats, y: Floats) -> Ints:
    places_y = dense(y)
    return dense(dense(x) * (places_y.max() + 1) + places_y)


def _tau_b(n0: Ints, tied_x: Ints, tied_y: Ints, tied_xy: Ints, wrong: Ints) -> Floats:
    """(concordant - discordant) / sqrt of the pairs untied in x times those untied in y (Kendall 1945)."""
    surplus = n0 - tied_x - tied_y + tied_xy - 2 * wrong
    # Two roots instead of the root of the product, which might overflow.
    return _ratio(surplus.astype(np.float64), np.sqrt(n0 - tied_x) * np.sqrt(n0 - tied_y))


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotient clipped to [-1, 1]; NaN where the denominator is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where(below > 0, above / below, np.nan), -1.0, 1.0)
