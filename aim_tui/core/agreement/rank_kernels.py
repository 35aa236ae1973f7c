"""Ranks and inversions, the basis of rank coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


def dense(values: npt.ArrayLike) -> Ints:
    """The rank of each value among the distinct ones (n,), from 0.

    >>> dense([0.3, 0.1, 0.3]).tolist()
    [1, 0, 1]
    """
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def mid_ranks(values: npt.ArrayLike) -> Floats:
    """Ranks (n,) from 1; equal values get their mean rank.

    >>> mid_ranks([10, 20, 20]).tolist()
    [1.0, 2.5, 2.5]
    """
    places = dense(values)
    counts = np.bincount(places)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def pairs_in(counts: npt.NDArray[np.int64]) -> Ints:
    """The number of pairs within groups of these sizes, summed over the last axis."""
    total: Ints = (counts * (counts - 1) // 2).sum(axis=-1)
    return total


def inversions(rows: npt.NDArray[np.int64] | npt.NDArray[np.int32]) -> Ints:
    """For each row of non-negative integers (b, n), the number of pairs with the larger value first.

    A bottom-up merge sort of all rows at once: when two sorted halves are merged, the positions of the left half's
    members show how many members of the right half are smaller. The lowest bit of a key is the half that it comes from,
    so that equal values keep their order. O(n log^2 n) per row, nearly all of it in numpy's sort.
    """
    batch, n = rows.shape
    if n < 2:
        return np.zeros(batch, dtype=np.int64)
    width = 1 << (n - 1).bit_length()
    top = 2 * (int(rows.max()) + 1)
    keys = np.full(
        (batch, width), top, dtype=np.int16 if top < 2**15 - 1 else np.int32 if top < 2**31 - 1 else np.int64
    )
    keys[:, :n] = rows
    keys[:, :n] *= 2
    total = np.zeros(batch, dtype=np.int64)
    half = 1
    while half < width:
        blocks = keys.reshape(batch, -1, 2, half)
        blocks[:, :, 1] |= 1
        whole = keys.reshape(-1, 2 * half)
        whole.sort(axis=1)
        # float32 for the sake of the fast product: exact while a block's places sum up to less than 2**24.
        exact = np.float32 if half < 2048 else np.float64
        from_left: npt.NDArray[Any] = (whole & 1 ^ 1).astype(exact)
        places = from_left @ np.arange(2 * half, dtype=exact)
        total += places.reshape(batch, -1).sum(axis=1, dtype=np.float64).astype(np.int64)
        total -= width // (2 * half) * (half * (half - 1) // 2)
        keys &= ~np.array(1, dtype=keys.dtype)
        half *= 2
    return total
