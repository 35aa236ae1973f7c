"""Copies and moves files of the user, one after another in a thread, with undo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from aim_tui.file_operations.plan import Action, TransferPlan, make_plan
from aim_tui.file_operations.transfer import carry_out, undo

if TYPE_CHECKING:
    from aim_tui.file_operations.transfer import Cancelled, Progress, TransferOutcome


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far a copy, a move or the way back is."""

    verb: str
    done: int
    total: int
    path: str = ""


class FileTransferService:
    """Copies and moves files, and remembers the last transfer for `undo`."""

    def __init__(self) -> None:
        self.progress: TransferProgress | None = None
        """What is being done, or None."""
        self.last: TransferOutcome | None = None
        """What `undo` would undo."""
        self._stop = Event()
        self._work: asyncio.Task[TransferOutcome] | None = None

    async def plan(self, action: Action, paths: Sequence[str], folder: str) -> TransferPlan:
        """What would be done; OSError where the folder cannot be looked at."""
        return await asyncio.to_thread(make_plan, action, paths, folder)

    async def transfer(self, plan: TransferPlan) -> TransferOutcome:
        """Do it."""
        verb = "copying" if plan.action is Action.COPY else "moving"
        outcome = await self._run(
            verb, len(plan.steps), lambda progress, cancelled: carry_out(plan, progress, cancelled)
        )
        if outcome.carried:
            self.last = outcome
        return outcome

    async def undo(self) -> TransferOutcome | None:
        """Undo the last copy or move; what is refused stays where it is. None where there was none."""
        last, self.last = self.last, None
        if last is None:
            return None
        return await self._run(
            "taking back", len(last.carried), lambda progress, cancelled: undo(last, progress, cancelled)
        )

    def cancel(self) -> None:
        """End after the file that is on; what was transferred stays where it is."""
        self._stop.set()

    async def close(self) -> None:
        """Let the file that is on be whole."""
        self.cancel()
        if self._work is not None:
            await asyncio.wait([self._work])

    async def _run(
        self, verb: str, total: int, work: Callable[[Progress, Cancelled], TransferOutcome]
    ) -> TransferOutcome:
        def report(done: int, path: str) -> None:
            self.progress = TransferProgress(verb, done, total, path)

        self._stop.clear()
        self.progress = TransferProgress(verb, 0, total)
        self._work = asyncio.create_task(asyncio.to_thread(work, report, self._stop.is_set))
        try:
            # Whoever waits may go: the files on their way are not left half done.
            return await asyncio.shield(self._work)
        finally:
            self.progress = None
