"""Begins series of blind duels between images, or goes on with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.ui.session.duel_series import DuelSeries
    from aim_tui.ui.session.workspace import Workspace


class DuelService:
    """Duels of one rater; `run_of` names the stored run that some images are shown with."""

    def __init__(self, workspace: Workspace, store: StoreAccess, rater: str, run_of: Callable[..., str | None]) -> None:
        self._workspace = workspace
        self._store = store
        self._rater = rater
        self._run_of = run_of

    async def open(self, items: Sequence[int]) -> DuelSeries:
        """The series of these images, with what is stored of it. AimError says why there can be none."""
        # Neither it nor numpy behind it has to be there for the first paint.
        from aim_tui.ui.session.duel_series import DuelSeries, find_duellists

        workspace = self._workspace
        rows = [workspace.results.rows[item] for item in items]
        paths, failed = [row.path for row in rows], {row.path for row in rows if row.error is not None}
        duellists = await asyncio.to_thread(find_duellists, paths, failed, workspace.launch.reading)
        return await DuelSeries.open(self._store, self._rater, workspace.folder, duellists, self._run_of)
