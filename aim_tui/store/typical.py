"""Image embeddings that were kept for a model, whatever they were computed for: which image is typical of many."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aim_tui.store.cache import FeatureCache, Kind, Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from aim_tui.store.cache import Vectors
    from aim_tui.store.database import Database


def image_embeddings(
    database: Database, fingerprint: str, reading: str, sha256s: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Vectors]:
    """Which of the images have an embedding of this model, and the embeddings: (n,) bool, and (hits, dim).

    All of one space, the one that holds most of them: what was computed otherwise (on another device, in another
    type) is never mixed. `reading` is how the images were read, as the worker names it.
    """
    cache = FeatureCache(database)
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT recipe FROM spaces WHERE kind = ? AND fingerprint = ?", (str(Kind.EMBEDDING), fingerprint)
        ).fetchall()
    recipes = [recipe for (recipe,) in rows if json.loads(recipe).get("reading") == reading]
    found = [cache.vectors(Space(Kind.EMBEDDING, fingerprint, recipe), sha256s) for recipe in recipes]
    nothing = cache.vectors(Space(Kind.EMBEDDING, fingerprint, ""), sha256s)
    return max(found, key=lambda pair: len(pair[1]), default=nothing)
