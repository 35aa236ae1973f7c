"""The similarity of two sets of images: statistics of the cosines of all pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aim_tui.core.embeddings.gallery import Vectors

# Rows on each side of a tile of cosines: 32 MB of float64.
_TILE = 2048


@dataclass(frozen=True, slots=True)
class CosineSpread:
    """Statistics over pairs: count, mean, standard deviation (divisor n - 1), minimum and maximum."""

    n: int
    mean: float
    std: float | None
    low: float
    high: float

    def record(self) -> dict[str, Any]:
        """The statistics for JSON and CSV."""
        return {"pairs": self.n, "mean": self.mean, "std": self.std, "min": self.low, "max": self.high}


def spread_of(values: Sequence[float]) -> CosineSpread | None:
    """The statistics of these values; None without values."""
    if not values:
        return None
    array = np.asarray(values, dtype=np.float64)
    std = float(array.std(ddof=1)) if len(array) > 1 else None
    return CosineSpread(len(array), float(array.mean()), std, float(array.min()), float(array.max()))


def all_pairs(
    left: Vectors, right: Vectors, left_names: Sequence[str] = (), right_names: Sequence[str] = ()
) -> CosineSpread | None:
    """Statistics of the cosines of each row of (n, dim) with each of (m, dim), all unit vectors; None without pairs.

    If names are given, rows of the same name, which are the same file, are not paired. The cosines are computed tile by
    tile and summed in float64, so that 100,000 rows per side fit into memory.
    """
    if not len(left) or not len(right):
        return None
    codes: dict[str, int] = {}
    names = [
        np.array([codes.setdefault(name, len(codes)) for name in side], dtype=np.int64)
        for side in (left_names, right_names)
    ]
    count, total, squares, low, high = 0, 0.0, 0.0, math.inf, -math.inf
    # Deviations are taken from a value near the mean, to avoid cancellation in the sum of squares.
    middle = float(left.mean(axis=0, dtype=np.float64) @ right.mean(axis=0, dtype=np.float64))
    for top in range(0, len(left), _TILE):
        for start in range(0, len(right), _TILE):
            tile = (left[top : top + _TILE] @ right[start : start + _TILE].T).clip(-1.0, 1.0).astype(np.float64)
            values = tile.ravel()
            if len(names[0]) and len(names[1]):
                other = names[0][top : top + _TILE, None] != names[1][None, start : start + _TILE]
                values = tile[other]
            if not len(values):
                continue
            deviations = values - middle
            count += len(values)
            total += float(deviations.sum())
            squares += float((deviations * deviations).sum())
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if not count:
        return None
    std = math.sqrt(max(0.0, (squares - total * total / count) / (count - 1))) if count > 1 else None
    return CosineSpread(count, middle + total / count, std, low, high)
