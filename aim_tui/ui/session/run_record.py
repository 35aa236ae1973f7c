"""A job's run on its way into the store: begun, filled and ended beside the job, which never waits for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.metrics.edits import expanded
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import (
    Event,
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    MetricValue,
    ModelInfo,
    ModelLoaded,
)
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.plan import ScoringPlan, score
from aim_tui.core.scoring.results import Row, Summary, summarise
from aim_tui.errors import AimError
from aim_tui.store.records import RunRequest
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.store.runs import Runs
    from aim_tui.store.writer import RunWriter

_TRY_AGAIN_SECONDS = 1.0
# A store that does not answer keeps nobody who quits for longer.
_END_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run is to be.

    `rows` are its images; those that the job leaves out are there already, and what is known of them is stored with
    the run, so that it is the whole picture, unless its file was `replaced`, which takes a thread to find out.
    `go_on` says that a run of the same that stopped may go on. `models` are those that made the known values, where the
    job may do without them.
    """

    request: Callable[[], RunRequest]
    job: Job
    plan: ScoringPlan
    rows: Sequence[Row]
    replaced: Callable[[Row], bool] = lambda _: False
    go_on: bool = False
    models: Sequence[ModelInfo] = ()


class RunRecord:
    """One run. It begins with the first image that something is known of: a model that fails leaves no history.

    `write` hands an event to the store, which commits in a thread of its own, and `kept` says how far it has come.
    """

    def __init__(self, store: StoreAccess, plan: RunPlan) -> None:
        self._store = store
        self._plan = plan
        self._writer: RunWriter | None = None
        self._waiting: list[Event] = []
        self._beginning: asyncio.Task[None] | None = None
        self._ending = False
        self._known = 0
        self._item_contexts: dict[int, Context | None] = {}
        self._paths: frozenset[str] | None = None

    @property
    def kept(self) -> float:
        """How many of the job's events may be shown: those in the store; all where nothing can be stored.

        Events before the first image belong to no run yet, and wait with it.
        """
        if self._store.path is None or self._store.problem is not None or self._ending:
            return math.inf
        if self._writer is not None:
            return self._writer.committed - self._known
        return 0 if self._beginning is not None else math.inf

    def holds(self, *paths: str) -> bool:
        """Whether these images are all of this run."""
        if self._paths is None:
            # Of an edit, the image may be that of another one as well.
            self._paths = frozenset(row.path for row in self._plan.rows if row.edit is None)
        return self._paths.issuperset(paths)

    @property
    def id(self) -> str | None:
        """The run in the store, once it has begun."""
        return self._writer.id if self._writer is not None else None

    def write(self, event: Event) -> None:
        """Write an event of the job."""
        if self._store.path is None or self._ending:
            return
        if self._writer is not None:
            self._pass_on(self._writer, [event])
            return
        self._waiting.append(event)
        if self._beginning is None and isinstance(event, (ImageRead, ImageFailed, MetricBatch)):
            self._beginning = asyncio.create_task(self._begin())

    async def end(self, state: str) -> None:
        """End the run in this state; where that fails it is reported, and the run then reads as interrupted."""
        from aim_tui.store.records import RunState

        if self._beginning is None or self._ending:
            return
        self._ending = True
        try:
            await self._beginning
        except asyncio.CancelledError:
            self._beginning.cancel()
            raise
        if (writer := self._writer) is None:
            return
        try:
            async with self._store.in_turn:
                summary = await in_row_thread(_summary, self._plan, self._item_contexts)
                await asyncio.to_thread(writer.end, RunState(state), summary)
            self._store.works()
        except AimError as error:
            self._store.failed(error)

    async def _begin(self) -> None:
        """Begin or go on; while another program holds the store, again and again."""
        from aim_tui.store.errors import StoreBusyError

        while True:
            try:
                async with self._store.in_turn:
                    writer = await self._store.write(self._open)
            except StoreBusyError as error:
                self._store.failed(error)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            except AimError as error:
                self._store.failed(error)
                self._ending, self._waiting = True, []
                return
            else:
                break
        self._store.works()
        waiting, self._waiting = self._waiting, []
        self._writer = writer
        self._pass_on(writer, waiting)

    def _open(self, runs: Runs) -> RunWriter:
        plan = self._plan
        request = plan.request()
        # What the job's items bring was written down with them; their rows may bring another by now.
        job_contexts = {item.id: item.context for item in plan.job.items}
        self._item_contexts = {row.item: job_contexts.get(row.item, row.own) for row in plan.rows}
        items = [Item(row.item, row.path, self._item_contexts[row.item], row.data) for row in plan.rows]
        # A stopped run of all rows counts its images as the rows are counted.
        counted = all(item.id == number for number, item in enumerate(items))
        stopped = runs.find_resumable(request, items) if plan.go_on and counted else None
        writer = runs.resume(stopped.id)[0] if stopped is not None else runs.begin(request, items)
        known = list(_known(plan))
        self._known = len(known)
        writer.write(*known)
        return writer

    def _pass_on(self, writer: RunWriter, events: list[Event]) -> None:
        try:
            writer.write(*events)
        except AimError as error:
            # They are kept, and tried again until the end.
            self._store.failed(error)
        else:
            self._store.works()


def _known(plan: RunPlan) -> Iterator[Event]:
    """What is known already of a run's images and is not going to be computed, as events."""
    yield from map(ModelLoaded, plan.models)
    context, computed = plan.job.context, {item.id for item in plan.job.items}
    values: dict[str, list[MetricValue]] = {}
    for row in plan.rows:
        fresh = plan.plan.metrics if row.item not in computed else _others(plan)
        facts, raws = row.facts, {metric: row.raws.get(metric) for metric in fresh}
        if not any(raws.values()) or plan.replaced(row):
            continue
        if facts is not None:
            yield ImageRead(row.item, facts, row.source)
        if row.error is not None:
            yield ImageFailed(row.item, row.error)
            continue
        for metric, raw in raws.items():
            if raw is not None and raw.against == row.need(metric, context):
                caption = row.captions.get(metric)
                values.setdefault(metric, []).append(MetricValue.of(row.item, raw.outcome, caption))
    for metric, batch in values.items():
        yield MetricBatch(metric, batch)


def _others(plan: RunPlan) -> tuple[str, ...]:
    """The metrics of the run that its job does not compute."""
    computed = set(expanded(plan.job.metrics))
    return tuple(metric for metric in plan.plan.metrics if metric not in computed)


def _summary(plan: RunPlan, item_contexts: Mapping[int, Context | None]) -> Summary:
    """What the run's rows add up to by its own plan, whatever the screen's plan is by now."""
    return summarise(_as_planned(plan, item_contexts), plan.plan, plan.job.context)


def _as_planned(plan: RunPlan, item_contexts: Mapping[int, Context | None]) -> Iterator[Row]:
    """The run's rows with the values that were made for it, scored by its plan."""
    context = plan.job.context
    for row in plan.rows:
        copy = Row(row.item, row.path, own=item_contexts.get(row.item, row.own))
        raws = {metric: row.raws.get(metric) for metric in plan.plan.metrics}
        copy.raws = {
            metric: raw for metric, raw in raws.items() if raw is not None and raw.against == copy.need(metric, context)
        }
        copy.scores = score({metric: raw.outcome for metric, raw in copy.raws.items()}, plan.plan)
        yield copy


class GrowingRecord(RunRecord):
    """The record of one job; its run goes on with the next one's, and ends with `finish`.

    `before` is the record of a job that scored the first of these rows the same way.
    """

    def __init__(self, store: StoreAccess, plan: RunPlan, before: GrowingRecord | None = None) -> None:
        super().__init__(store, plan)
        self._before = before
        self._written = 0
        self._state = "done"
        self._grows, self._ended = True, False

    @property
    def latest(self) -> GrowingRecord | None:
        """The record itself, or the one before where no event of its job came."""
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
        fresh = {item.id: item.context for item in self._plan.job.items if item.id not in before._item_contexts}
        self._item_contexts = {row.item: row.own for row in rows} | fresh | before._item_contexts
        items = [Item(row.item, row.path, context=self._item_contexts[row.item]) for row in rows]
        added = items[len(before._plan.rows) :]
        if added:
            before._writer.extend(added, self._plan.request().digest(items))
        self._known = before._known + before._written
        return before._writer

    def _pass_on(self, writer: RunWriter, events: list[Event]) -> None:
        self._written += len(events)
        super()._pass_on(writer, events)


class RunRecords:
    """Makes the record of each job. While runs are kept open, jobs over all rows fill one run, for what appears."""

    def __init__(self, store: StoreAccess) -> None:
        self.store = store
        self._keep_open = False
        self._open: tuple[object, GrowingRecord] | None = None
        self._finishing: set[asyncio.Task[None]] = set()

    def new(self, plan: RunPlan, setup: object, *, whole: bool) -> RunRecord:
        """The record of a job over all rows (`whole`) or some; an open run goes on while its setup is equal."""
        if not (self._keep_open and whole):
            return RunRecord(self.store, plan)
        before = self._open[1].latest if self._open is not None and self._open[0] == setup else None
        if before is None or not plan.go_on:
            self._finish()
            before = None
        record = GrowingRecord(self.store, plan, before)
        self._open = (setup, record)
        return record

    def keep_open(self) -> None:
        """Keep the next run over all rows open when its job has ended."""
        self._keep_open = True

    def finish(self) -> None:
        """End the run that was kept open, and keep none open any more."""
        self._keep_open = False
        self._finish()

    async def close(self) -> None:
        """End the run that was kept open; it is in the store when this returns."""
        self.finish()
        if self._finishing:
            _, late = await asyncio.wait(self._finishing, timeout=_END_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _finish(self) -> None:
        if self._open is not None:
            # Not among the tasks that are cancelled when the application closes.
            task = asyncio.create_task(self._open[1].finish())
            self._open = None
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)
