"""Images with their embeddings, ranked by their similarity to a text or an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from aim_tui.core.scoring.events import ModelInfo

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result: the index of an image, and its cosine with the query."""

    index: int
    cosine: float


@dataclass(frozen=True, slots=True)
class ImageEmbeddings:
    """Images with their embeddings by one model; `failures` has the reason for each image without one.

    `paths`, `sha256s` and the rows of `vectors` are parallel.
    """

    paths: Sequence[str]
    sha256s: Sequence[str]
    vectors: Vectors
    model: ModelInfo
    fingerprint: str
    failures: Mapping[str, str] = field(default_factory=dict)

    def cosines(self, queries: Vectors) -> npt.NDArray[np.float32]:
        """The cosine of each image with each query, unit vectors (q, dim): (n, q), within -1..1."""
        if not len(self.vectors):
            return np.empty((0, len(queries)), dtype=np.float32)
        cosines: npt.NDArray[np.float32] = self.vectors @ queries.T
        return cosines.clip(-1.0, 1.0)

    def nearest(self, query: npt.NDArray[np.float32], k: int) -> list[Hit]:
        """The `k` images with the highest cosine with a query (dim,), in descending order; ties keep their order."""
        return top(cosines_with(self.vectors, query), k)


def cosines_with(vectors: Vectors, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The cosine of each row (n, dim) with a query (dim,), all unit vectors: (n,), within -1..1.

    Equal rows have exactly equal cosines, which a matrix product does not guarantee.
    """
    if not len(vectors):
        return np.empty(0, dtype=np.float32)
    cosines: npt.NDArray[np.float32] = np.einsum("ij,j->i", vectors, query)
    return cosines.clip(-1.0, 1.0)


def top(values: npt.NDArray[np.float32], k: int) -> list[Hit]:
    """The `k` highest of (n,) values, in descending order; ties keep their order."""
    k = min(k, len(values))
    if k <= 0:
        return []
    # Sorting only the candidates takes a hundredth of the time for 100,000 values.
    least = np.partition(values, len(values) - k)[len(values) - k]
    places = np.flatnonzero(values >= least)
    order = places[np.argsort(-values[places], kind="stable")][:k]
    return [Hit(int(place), float(values[place])) for place in order]
