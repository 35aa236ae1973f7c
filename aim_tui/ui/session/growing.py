"""A stored run that images are added to, job after job, for as long as their folder is watched."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import Item
from aim_tui.errors import AimError
from aim_tui.ui.session.run_record import RunRecord

if TYPE_CHECKING:
    from aim_tui.core.scoring.events import Event
    from aim_tui.store.runs import Runs
    from aim_tui.store.writer import RunWriter
    from aim_tui.ui.session.run_record import Plan
    from aim_tui.ui.session.store_access import Store


class GrowingRecord(RunRecord):
    """The record of one job; its run goes on with the next one's, and ends with `finish`.

    `before` is the record of a job that asked the same of the first of these rows.
    """

    def __init__(self, store: Store, plan: Plan, before: GrowingRecord | None = None) -> None:
        super().__init__(store, plan)
        self._before = before
        self._handed = 0
        self._state = "done"
        self._grows, self._ended = True, False

    @property
    def latest(self) -> GrowingRecord | None:
        """The record itself, or the one before where nothing was heard of its job."""
        return self if self._beginning is not None else self._before

    async def end(self, state: str) -> None:
        """The job has ended: what it found is on disk, the run waits for more or ends with it."""
        self._state, self._ended = state, True
        if not self._grows:
            await self._end_run()
            return
        if self._beginning is None or self._ending:
            return
        await asyncio.shield(self._beginning)
        if self._writer is not None:
            try:
                await asyncio.to_thread(self._writer.flush)
            except AimError as error:
                # The writer keeps it, and tries again.
                self._store.failed(error)

    async def finish(self) -> None:
        """End the run as its last job did, or with it where that runs."""
        self._grows = False
        if self._ended:
            await self._end_run()

    async def _end_run(self) -> None:
        record = self.latest
        if record is not None:
            await RunRecord.end(record, record._state)

    async def _begin(self) -> None:
        before = self._before
        if before is not None and before._beginning is not None:
            await asyncio.wait([before._beginning])
        await super()._begin()
        # What it was needed for is over; a watch of days is not to keep the records of all its jobs.
        if self._writer is not None:
            self._before = None

    def _open(self, runs: Runs) -> RunWriter:
        before = self._before
        if before is None or before._writer is None:
            return super()._open(runs)
        rows = self._plan.rows
        fresh = {item.id: item.context for item in self._plan.job.items if item.id not in before._brought}
        self._brought = {row.item: row.own for row in rows} | fresh | before._brought
        items = [Item(row.item, row.path, context=self._brought[row.item]) for row in rows]
        added = items[len(before._plan.rows) :]
        if added:
            before._writer.extend(added, self._plan.request().digest(items))
        self._known = before._known + before._handed
        return before._writer

    def _hand_over(self, writer: RunWriter, events: list[Event]) -> None:
        self._handed += len(events)
        super()._hand_over(writer, events)
