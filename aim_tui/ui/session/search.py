"""Looking for images by what they show: the worker embeds the words, the store has what CLIP saw of the images."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.errors import UsageError
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row
    from aim_tui.ipc.protocol import TextsEmbedded
    from aim_tui.store.cache import Vectors
    from aim_tui.store.database import Database
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.typical import Typical
    from aim_tui.ui.session.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TextSimilarity:
    """How similar images are to a text: the cosine by item; images that CLIP has not seen are not among them."""

    text: str
    cosines: Mapping[int, float]
    without: int
    """How many images have no embedding."""
    cut: bool = False
    """Whether CLIP reads the beginning of the text alone."""

    def order(self, items: Sequence[int]) -> list[int]:
        """These items, the nearest first, equal ones by number; then those without an embedding."""
        nowhere = -2.0  # below every cosine
        return sorted(items, key=lambda item: (-self.cosines.get(item, nowhere), item))


class SearchService:
    """Ranks images by their similarity to a text. Embeddings stay in memory from one search to the next."""

    def __init__(self, workspace: Workspace, jobs: Jobs, store: StoreAccess) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._store = store
        self._kept: tuple[tuple[str, str, list[str]], _Embeddings] | None = None

    async def search(self, text: str, rows: Sequence[Row]) -> TextSimilarity:
        """How similar each row is to a text; AimError says why that is unknown."""
        if self._store.path is None:
            raise UsageError("what CLIP sees of images is not kept without a store", "start with --store PATH")
        # Why it died stays on the screen until the user has seen it and starts it again.
        if self._jobs.crashed:
            raise UsageError("the worker has died", "W says why and restarts it")
        await self._jobs.ready(self._workspace.engine_settings())
        embedded = await self._jobs.embed_texts([text])
        hashed = await self._hashed(rows)
        embeddings = await self._embeddings(embedded, [sha256 for _, sha256 in hashed])
        cosines = await asyncio.to_thread(_cosines, embeddings, embedded.vectors[0], [item for item, _ in hashed])
        if not cosines:
            raise UsageError(
                "CLIP has not seen these images", "s scores them against a prompt; then they can be searched"
            )
        return TextSimilarity(text, cosines, len(rows) - len(cosines), bool(embedded.cut))

    async def typical_image(self, rows: Sequence[Row]) -> Typical:
        """The most typical of these images; AimError says why there is none."""
        from aim_tui.ui.session.typical import typical_image

        workspace = self._workspace
        return await typical_image(self._store, workspace.profile, workspace.launch.reading, rows)

    def forget(self) -> None:
        """Free the embeddings."""
        self._kept = None

    async def _hashed(self, rows: Sequence[Row]) -> list[tuple[int, str]]:
        """Items and content hashes; of a row that was not scored here, that of its file as a command has left it."""
        unread = [row.path for row in rows if row.facts is None]

        def look(database: Database) -> dict[str, str]:
            from aim_tui.store.files import FileHashes, Stat

            return FileHashes(database).known(filter(None, map(Stat.of, unread)))

        nothing: dict[str, str] = {}
        known = await self._store.look_into(look, nothing) if unread else nothing
        hashes = ((row.item, row.facts.sha256 if row.facts else known.get(row.path)) for row in rows)
        return [(item, sha256) for item, sha256 in hashes if sha256]

    async def _embeddings(self, embedded: TextsEmbedded, sha256s: list[str]) -> _Embeddings:
        key = (embedded.fingerprint, embedded.recipe, sha256s)
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]

        def look(database: Database) -> _Embeddings:
            # Here and below: numpy is not for the start of the screen.
            from aim_tui.store.cache import FeatureCache, FeatureKind, Space

            space = Space(FeatureKind.EMBEDDING, embedded.fingerprint, embedded.recipe)
            there, vectors = FeatureCache(database).vectors(space, sha256s)
            return _Embeddings(there.tolist(), vectors)

        embeddings = await self._store.look_into(look, _Embeddings([False] * len(sha256s), None))
        # One that lacks some is looked up again: the running job may be computing them.
        self._kept = (key, embeddings) if all(embeddings.there) else None
        return embeddings


@dataclass(frozen=True, slots=True)
class _Embeddings:
    """Which of the images asked for have an embedding, and the embeddings of those."""

    there: list[bool]
    vectors: Vectors | None


def _cosines(embeddings: _Embeddings, query: Sequence[float], items: Sequence[int]) -> dict[int, float]:
    import numpy as np

    from aim_tui.core.embeddings.gallery import cosines_with

    if embeddings.vectors is None or not any(embeddings.there):
        return {}
    near = cosines_with(embeddings.vectors.astype(np.float32, copy=False), np.array(query, dtype=np.float32))
    with_one = (item for item, has in zip(items, embeddings.there, strict=True) if has)
    return dict(zip(with_one, near.tolist(), strict=True))
