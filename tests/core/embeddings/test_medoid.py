"""The medoid is the one that comparing all pairs would find."""

from __future__ import annotations

import numpy as np
import pytest

from aim_tui.core.embeddings import medoid as module
from aim_tui.core.embeddings.medoid import medoid


def by_all_pairs(vectors: np.ndarray) -> tuple[int, float]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit.astype(np.float64) @ unit.T.astype(np.float64)
    np.fill_diagonal(cosines, 0.0)
    means = cosines.sum(axis=1) / (len(vectors) - 1)
    return int(means.argmax()), float(means.max())


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_all_pairs_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 7)
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 60))
    vectors = (random.normal(size=(count, 16)) + random.normal(size=16)) * random.uniform(0.1, 9, (count, 1))
    found = medoid(vectors.astype(np.float32))
    index, similarity = by_all_pairs(vectors.astype(np.float32))
    assert found is not None
    assert (found.index, found.count) == (index, count)
    assert found.similarity == pytest.approx(similarity, abs=1e-6)


def test_vectors_without_a_direction_are_left_out() -> None:
    vectors = np.array([[0, 0], [1, 0], [np.nan, 1], [1, 0.1], [np.inf, 0], [1, 0.2]], dtype=np.float32)
    found = medoid(vectors)
    assert found is not None
    assert (found.index, found.count) == (3, 3)


@pytest.mark.parametrize("vectors", [np.empty((0, 4)), np.ones((1, 4)), np.array([[1.0, 0], [0, 0]])])
def test_fewer_than_two_have_none(vectors: np.ndarray) -> None:
    assert medoid(vectors) is None
