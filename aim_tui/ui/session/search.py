"""Looking for images by what they show: the worker embeds the words, the store has what CLIP saw of the images."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.core.scoring.results import Row
    from aim_tui.ipc.protocol import TextsEmbedded
    from aim_tui.store.cache import Vectors
    from aim_tui.store.database import Database
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.store_access import Store


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near images are to a text: the cosine by item; images that CLIP has not seen are not among them."""

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


class SearchDesk:
    """Ranks images by their nearness to a text. Embeddings stay in memory while they are those that are asked for."""

    def __init__(self, jobs: Jobs, store: Store, settings: Callable[[], EngineSettings]) -> None:
        self._jobs = jobs
        self._store = store
        self._settings = settings
        self._kept: tuple[tuple[str, str, list[str]], _Found] | None = None

    async def search(self, text: str, rows: Sequence[Row]) -> Likeness:
        """How near each row is to a text; AimError says why that cannot be told."""
        if self._store.path is None:
            raise UsageError("what CLIP sees of images is not kept without a store", "start with --store PATH")
        # Why it died stays on the screen until the user has seen it and starts it again.
        if self._jobs.crashed:
            raise UsageError("the worker has died", "W says why and restarts it")
        await self._jobs.ready(self._settings())
        embedded = await self._jobs.embed_texts([text])
        hashed = await self._hashed(rows)
        found = await self._embeddings(embedded, [sha256 for _, sha256 in hashed])
        cosines = await asyncio.to_thread(_cosines, found, embedded.vectors[0], [item for item, _ in hashed])
        if not cosines:
            raise UsageError(
                "CLIP has not seen these images", "s scores them against a prompt; then they can be searched"
            )
        return Likeness(text, cosines, len(rows) - len(cosines), bool(embedded.cut))

    def forget(self) -> None:
        """Let go of the embeddings: nobody searches any more."""
        self._kept = None

    async def _hashed(self, rows: Sequence[Row]) -> list[tuple[int, str]]:
        """Items and content hashes; of a row that was not scored here, that of its file as a command has left it."""
        unread = [row.path for row in rows if row.facts is None]

        def look(database: Database) -> dict[str, str]:
            from aim_tui.store.files import FileHashes, Stat

            return FileHashes(database).known(filter(None, map(Stat.of, unread)))

        nothing: dict[str, str] = {}
        known = await self._store.look_into(look, nothing) if unread else nothing
        found = ((row.item, row.facts.sha256 if row.facts else known.get(row.path)) for row in rows)
        return [(item, sha256) for item, sha256 in found if sha256]

    async def _embeddings(self, embedded: TextsEmbedded, sha256s: list[str]) -> _Found:
        key = (embedded.fingerprint, embedded.recipe, sha256s)
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]

        def look(database: Database) -> _Found:
            # Here and below: numpy is not for the start of the screen.
            from aim_tui.store.cache import FeatureCache, Kind, Space

            space = Space(Kind.EMBEDDING, embedded.fingerprint, embedded.recipe)
            there, vectors = FeatureCache(database).vectors(space, sha256s)
            return _Found(there.tolist(), vectors)

        found = await self._store.look_into(look, _Found([False] * len(sha256s), None))
        # One that lacks some is looked up again: the running job may be computing them.
        self._kept = (key, found) if all(found.there) else None
        return found


@dataclass(frozen=True, slots=True)
class _Found:
    """Which of the images asked for have an embedding, and the embeddings of those."""

    there: list[bool]
    vectors: Vectors | None


def _cosines(found: _Found, query: Sequence[float], items: Sequence[int]) -> dict[int, float]:
    import numpy as np

    from aim_tui.core.embeddings.gallery import cosines_with

    if found.vectors is None or not any(found.there):
        return {}
    near = cosines_with(found.vectors.astype(np.float32, copy=False), np.array(query, dtype=np.float32))
    with_one = (item for item, has in zip(items, found.there, strict=True) if has)
    return dict(zip(with_one, near.tolist(), strict=True))
