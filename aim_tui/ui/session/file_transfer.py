"""Copies and moves files of the user, one after another in a thread, with undo."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from aim_tui.file_operations.journal import Journal, new_journal, recover
from aim_tui.file_operations.plan import Action, TransferPlan, make_plan
from aim_tui.file_operations.transfer import TransferOutcome, carry_out, undo

if TYPE_CHECKING:
    from aim_tui.file_operations.transfer import Cancelled, Progress


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far a copy, a move or the way back is."""

    verb: str
    done: int
    total: int
    path: str = ""


class FileTransferService:
    """Copies and moves files, and undoes that, for the last transfer also after a restart."""

    def __init__(self, state: Path | None) -> None:
        """`state` is the folder for the journals; nothing is remembered after a restart where it is None."""
        self._state = state
        self._journal: Path | None = None
        self.progress: TransferProgress | None = None
        """What is being done, or None."""
        self.recovered: TransferOutcome | None = None
        """What the application that was open before did last."""
        self._in_journal: TransferOutcome | None = None
        self._stop = Event()
        self._work: asyncio.Task[TransferOutcome] | None = None

    async def recover(self) -> list[str]:
        """Mend what a killed program left half done; what was found, in words."""
        if self._state is None:
            return []
        newest, cut_off = await asyncio.to_thread(recover, self._state)
        if newest is not None:
            self._journal = newest.path
            carried = list(newest.carried.values())
            self.recovered = TransferOutcome(newest.action, newest.folder, carried, made_folder=newest.made_folder)
            self._in_journal = self.recovered
        return [str(one) for one in cut_off]

    async def plan(self, action: Action, paths: Sequence[str], folder: str) -> TransferPlan:
        """What would be done; OSError where the folder cannot be looked at."""
        return await asyncio.to_thread(make_plan, action, paths, folder)

    async def transfer(self, plan: TransferPlan) -> TransferOutcome:
        """Do it."""
        verb = "copying" if plan.action is Action.COPY else "moving"
        journal = self._journal = new_journal(self._state) if self._state is not None else None
        outcome = await self._run(
            verb, len(plan.steps), lambda progress, cancelled: carry_out(plan, progress, cancelled, journal)
        )
        self._in_journal = outcome
        return outcome

    async def undo(self, done: TransferOutcome) -> TransferOutcome:
        """Undo a copy or move; what is refused stays where it is. Cancelled, `done` holds what can still be undone."""
        if self._state is not None and done is not self._in_journal:
            # Its journal ended when the next transfer began.
            self._journal, self._in_journal = await asyncio.to_thread(_new_journal_of, self._state, done), done
        journal = self._journal
        before = replace(done, carried=list(done.carried))
        outcome = await self._run(
            "undoing", len(before.carried), lambda progress, cancelled: undo(before, progress, cancelled, journal)
        )
        handled = {each.source for each in outcome.carried} | {path for path, _ in outcome.refused}
        done.carried = [file for file in done.carried if file.target not in handled]
        return outcome

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


def _new_journal_of(state: Path, done: TransferOutcome) -> Path:
    """A journal of a transfer that has none any more; in a thread."""
    path = new_journal(state)
    with closing(Journal(path)) as journal:
        journal.write("transfer", done.action, done.folder, done.made_folder, os.getpid())
        for file in done.carried:
            journal.done(file)
    return path
