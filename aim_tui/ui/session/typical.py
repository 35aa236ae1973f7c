"""Which image is the most typical of many: the medoid of what CLIP saw of them, read from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.embeddings.medoid import medoid
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.errors import UsageError
from aim_tui.runs.provenance import fingerprints
from aim_tui.store.cache import image_embeddings
from aim_tui.store.database import Database
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.store.cache import Vectors

    Embeddings = tuple[npt.NDArray[np.bool_], Vectors]


@dataclass(frozen=True, slots=True)
class Typical:
    """The image that is nearest to all others."""

    path: str
    similarity: float
    """Its mean cosine similarity to the others."""
    count: int
    """How many images it is the medoid of, itself among them."""
    left_out: int
    """How many have no embedding."""


async def typical_image(store: StoreAccess, profile: Profile, policy: ReadingPolicy, rows: Sequence[Row]) -> Typical:
    """The medoid of these rows by the profile's CLIP; UsageError says why there is none."""
    if store.path is None:
        raise UsageError("what CLIP sees is not kept without a store", "start with --store PATH")
    hashed = [(row.path, row.facts.sha256) for row in rows if row.facts is not None and row.facts.sha256]
    prints = await asyncio.to_thread(fingerprints, profile.models, (Role.CLIP,), profile.name)
    fingerprint = prints.get(str(Role.CLIP))
    if fingerprint is None:
        raise UsageError("the CLIP model of this profile is not on this machine", "M shows what can be done")
    # As the worker names the way of reading in its cache.
    reading = f"exif={policy.exif} background={policy.background}"
    sha256s = [sha256 for _, sha256 in hashed]
    nothing: Embeddings = (np.zeros(len(hashed), dtype=bool), np.empty((0, 0), dtype=np.float32))

    def look(database: Database) -> Embeddings:
        return image_embeddings(database, fingerprint, reading, sha256s)

    there, vectors = await store.look_into(look, nothing)
    best = await asyncio.to_thread(medoid, vectors) if len(vectors) else None
    if best is None:
        reason = "CLIP has not scored these images" if not len(vectors) else "only one of them was scored by CLIP"
        raise UsageError(reason, "s scores them")
    paths = [path for (path, _), has in zip(hashed, there, strict=True) if has]
    return Typical(paths[best.index], best.similarity, best.count, len(rows) - best.count)
