"""A run over edits on its way into the store: begun, filled and ended beside the job, which never waits for it."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import ImageFailed, ImageRead, MetricBatch, MetricValue, ModelLoaded
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aim_tui.core.scoring.edit_results import EditResults
    from aim_tui.core.scoring.events import Event
    from aim_tui.store.database import Database
    from aim_tui.store.edit_runs import EditRequest, StoredEdit
    from aim_tui.ui.session.store_access import StoreAccess

_TRY_AGAIN_SECONDS = 1.0


class EditRunRecord:
    """One run. It begins with the first edit that something is known of, or goes on where one stopped.

    `known` is what the run begins with where it is a new one: the numbers that are not computed again.
    """

    def __init__(
        self,
        store: StoreAccess,
        request: EditRequest,
        edits: Sequence[StoredEdit],
        known: Sequence[Event],
        *,
        go_on: bool,
    ) -> None:
        self._store = store
        self._request = request
        self._edits = edits
        self._known = known
        self._go_on = go_on
        self._waiting: list[Event] = []
        self._committed = 0
        self._work: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._ending = False
        self._lost = False
        self._id: str | None = None

    @property
    def id(self) -> str | None:
        """The run in the store, once it has begun."""
        return self._id

    @property
    def kept(self) -> float:
        """How many facts may be shown: those in the store; all where nothing can be stored, which is said."""
        if self._store.path is None or self._store.problem is not None or self._lost or self._work is None:
            return math.inf
        return self._committed

    def holds(self, *paths: str) -> bool:
        """Whether these images of the folder are of this run: it has none."""
        return False

    def write(self, event: Event) -> None:
        """Take a fact of the job."""
        if self._store.path is None or self._lost or self._ending:
            return
        self._waiting.append(event)
        if self._work is None and isinstance(event, (ImageRead, ImageFailed, MetricBatch)):
            self._work = asyncio.create_task(self._keep())
        self._news.set()

    async def end(self, state: str) -> None:
        """Commit what is left, and how the run ended."""
        if self._work is None or self._ending:
            return
        self._ending = True
        self._news.set()
        try:
            await self._work
        except asyncio.CancelledError:
            self._work.cancel()
            raise
        if (run := self.id) is None:
            return
        from aim_tui.store.edit_runs import EditRuns
        from aim_tui.store.records import RunState

        try:
            await self._store.change(lambda database: EditRuns(database).end(run, RunState(state)))
            self._store.works()
        except AimError as error:
            self._store.failed(error)

    async def _keep(self) -> None:
        """Begin, then commit what comes, until the end; what cannot be committed is tried again."""
        if not await self._begin():
            return
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                some, self._waiting = self._waiting, []
                if not await self._commit(some):
                    self._waiting = [*some, *self._waiting]
                    if self._ending:
                        return
                    await asyncio.sleep(_TRY_AGAIN_SECONDS)
            if self._ending:
                return

    async def _begin(self) -> bool:
        from aim_tui.store.errors import StoreBusyError

        while True:
            try:
                async with self._store.in_turn:
                    self._id = await self._store.change(self._open)
            except StoreBusyError as error:
                self._store.failed(error)
                if self._ending:
                    return False
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            except AimError as error:
                self._store.failed(error)
                self._lost, self._waiting = True, []
                return False
            else:
                self._store.works()
                return True

    def _open(self, database: Database) -> str:
        from aim_tui.store.edit_runs import EditRuns

        runs = EditRuns(database)
        found = runs.resume(self._request, self._edits) if self._go_on else None
        if found is not None:
            return found.id
        run = runs.begin(self._request, self._edits)
        runs.write(run, self._known)
        return run

    async def _commit(self, events: list[Event]) -> bool:
        from aim_tui.store.edit_runs import EditRuns

        run = self.id
        assert run is not None  # it has begun
        try:
            await self._store.change(lambda database: EditRuns(database).write(run, events))
        except AimError as error:
            self._store.failed(error)
            return False
        self._committed += len(events)
        self._store.works()
        return True


def known_events(results: EditResults, computed: Collection[int]) -> list[Event]:
    """What is known of the edits that are not computed again, as facts."""
    facts: list[Event] = [ModelLoaded(info) for info in results.models.values()]
    values: dict[str, list[MetricValue]] = {}
    for row in results.rows:
        if row.item in computed:
            continue
        if row.target is not None:
            facts.append(ImageRead(row.item, row.target, row.source))
        if row.error is not None:
            facts.append(ImageFailed(row.item, row.error))
            continue
        for measure, outcome in row.outcomes.items():
            values.setdefault(measure, []).append(MetricValue.of(row.item, outcome, row.captions.get(measure)))
    return [*facts, *(MetricBatch(measure, said) for measure, said in values.items())]
