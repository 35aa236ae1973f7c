"""Looks up stored runs and deletes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aim_tui.store.records import Run, RunInfo
    from aim_tui.ui.session.store_access import StoreAccess


class HistoryService:
    """Stored runs, of a folder or of all. Every method raises StoreError where the store cannot be used."""

    def __init__(self, store: StoreAccess) -> None:
        self._store = store

    @property
    def available(self) -> bool:
        """Whether the application was opened with a store."""
        return self._store.path is not None

    async def runs(self, folder: str | None) -> list[RunInfo]:
        """The runs of a folder, or of all folders where it is None, the newest first."""
        nothing: list[RunInfo] = []
        return await self._store.read(lambda runs: runs.history(folder), nothing)

    async def load(self, run_id: str) -> Run | None:
        """A run with its rows; None where there is no store yet."""
        return await self._store.read(lambda runs: runs.load(run_id), None)

    async def delete(self, run_id: str) -> None:
        """Delete a run; images and ratings stay."""
        await self._store.write(lambda runs: runs.delete(run_id))
