"""Embeddings for the medoid: of one model, read one way, and of one way of computing only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aim_tui.store.cache import FeatureCache, Space, image_embeddings
from aim_tui.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path


def keys(*numbers: int) -> list[str]:
    return [f"{number:064x}" for number in numbers]


def test_the_space_that_holds_most_of_the_images_is_taken_whole(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    cache = FeatureCache(database)

    def put(fingerprint: str, dtype: str, reading: str, numbers: list[int], value: float) -> None:
        space = Space.embedding(fingerprint, preprocessing="p", dtype=dtype, reading=reading)
        cache.put_vectors(space, keys(*numbers), np.full((len(numbers), 4), value, dtype=np.float32))

    put("clip", "cpu", "here", [1, 2], 1.0)
    put("clip", "cuda", "here", [1, 2, 3], 2.0)
    put("clip", "cpu", "otherwise", [1, 2, 3, 4], 3.0)
    put("other", "cpu", "here", [1, 2, 3, 4], 4.0)
    there, vectors = image_embeddings(database, "clip", "here", keys(4, 3, 1))
    assert there.tolist() == [False, True, True]
    assert vectors.tolist() == [[2.0] * 4] * 2
    there, vectors = image_embeddings(database, "unknown", "here", keys(1, 2))
    assert there.tolist() == [False, False]
    assert len(vectors) == 0
    database.close()
