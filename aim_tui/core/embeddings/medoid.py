"""The most typical image of a set: the medoid of the embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Rows per block: 16 MB for 512 dimensions in float32.
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Medoid:
    """The index of the medoid, its mean cosine similarity to the others, and the number of vectors compared."""

    index: int
    similarity: float
    count: int


def medoid(vectors: npt.NDArray[Any]) -> Medoid | None:
    """The medoid under cosine distance of the rows of `vectors` (n, dim); None if fewer than two can be compared.

    Exact in O(n dim): with unit vectors x and their sum s, the mean cosine of x with the others is (x . s - 1) / (n -
    1), so the medoid is where x . s is greatest; the first of equals. Rows of zeros or with a number that is not finite
    have no direction and are left out.
    """
    total = np.zeros(vectors.shape[1], dtype=np.float64)
    count = 0
    for start in range(0, len(vectors), _BLOCK):
        unit, sound = _unit(vectors[start : start + _BLOCK])
        total += unit[sound].sum(axis=0)
        count += int(sound.sum())
    if count < 2:
        return None
    best, index = -np.inf, -1
    for start in range(0, len(vectors), _BLOCK):
        unit, sound = _unit(vectors[start : start + _BLOCK])
        nearness = np.where(sound, unit @ total, -np.inf)
        place = int(nearness.argmax())
        if nearness[place] > best:
            best, index = float(nearness[place]), start + place
    return Medoid(index, (best - 1) / (count - 1), count)


def _unit(block: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The rows of a block as unit vectors, and which of them are valid; the others are zeros."""
    wide = np.nan_to_num(block.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    length = np.linalg.norm(wide, axis=1)
    sound = np.isfinite(block).all(axis=1) & (length > 0)
    return np.where(sound[:, None], wide / np.where(sound, length, 1.0)[:, None], 0.0), sound
