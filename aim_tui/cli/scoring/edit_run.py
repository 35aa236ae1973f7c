"""A run over edits without the application: what is asked, what outlives it, the engine, and the exit code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.edit_results import EditResults
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, MetricBatch
from aim_tui.core.scoring.jobs import Job
from aim_tui.exports.edits import ScoredEdits
from aim_tui.runs import edit_plan
from aim_tui.runs.display import EventReport, Tone
from aim_tui.runs.executors import InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.runner import TROUBLES_SHOWN, events_of
from aim_tui.store.errors import StoreError
from aim_tui.store.records import RunState

if TYPE_CHECKING:
    from aim_tui.exports.formats.writer import Writer
    from aim_tui.inputs.edits import EditFile
    from aim_tui.runs.display import Display
    from aim_tui.runs.edit_plan import EditPlan, EditWish
    from aim_tui.runs.executors import Executor
    from aim_tui.runs.setup import Setup
    from aim_tui.store.edit_runs import EditRuns


def plan(setup: Setup, file: EditFile, wish: EditWish) -> EditPlan:
    """Put options and edits together; UsageError names what is wrong."""
    return edit_plan.plan(setup.profile, setup.engine, file, wish)


def scored_edits(asked: EditPlan, record: EditRecord) -> ScoredEdits:
    """The edits of a run as something to export."""
    engine = asked.engine
    return ScoredEdits(
        record.results,
        asked.named(),
        asked.provenance(),
        families=asked.families,
        models=engine.models,
        pre_resize=engine.edit_resize,
    )


class EditRecord:
    """A run that only its output outlives."""

    run_id = ""
    resumed = False

    def __init__(self, asked: EditPlan) -> None:
        self.results = EditResults(asked.families, len(asked.file.rows))

    def write(self, event: Event) -> None:
        """Take an event of the engine; StoreError where it cannot be kept."""
        self.results.apply(event)

    def keep(self) -> None:
        """Have what was taken so far on disk."""

    def end(self, state: RunState) -> None:
        """Say how the run ended."""


class StoredEditRecord(EditRecord):
    """A run that is kept in the store; one that stopped before its end goes on. Begun with the first edit read."""

    def __init__(self, runs: EditRuns, asked: EditPlan, *, fresh: bool) -> None:
        super().__init__(asked)
        self._runs = runs
        self._edits = asked.stored()
        # Before torch is imported, which takes seconds: is everything here?
        self._request = asked.request(models_needed=True)
        self._waiting: list[Event] = []
        found = None if fresh else runs.resume(self._request, self._edits)
        if found is not None:
            self.run_id, self.resumed, self.results = found.id, True, found.results

    def write(self, event: Event) -> None:
        """Take an event; it is on disk after the next `keep`."""
        super().write(event)
        self._waiting.append(event)

    def keep(self) -> None:
        """Commit what was taken; a run is begun with the first edit that something is known of."""
        if not self.run_id:
            if not any(isinstance(event, (ImageRead, ImageFailed, MetricBatch)) for event in self._waiting):
                return
            self.run_id = self._runs.begin(self._request, self._edits)
        self._runs.write(self.run_id, self._waiting)
        self._waiting.clear()

    def end(self, state: RunState) -> None:
        """Commit what is left, and how the run ended."""
        self.keep()
        if self.run_id:
            self._runs.end(self.run_id, state)


def run(asked: EditPlan, output: Writer[Any] | None, record: EditRecord, display: Display) -> int:
    """Score what is left of a record and write all its rows; 0 all scored, 1 some failed, 130 interrupted."""
    _say_what_is_used(asked, record, display)
    executor = InProcess(asked.engine)
    with Interrupt(display) as interrupt, display, contextlib.closing(executor):
        try:
            _score(asked, executor, output, record, interrupt, display)
            record.end(RunState.CANCELLED if interrupt.is_set() else RunState.DONE)
        except BaseException as error:
            # The first trouble is the one to be told of.
            with contextlib.suppress(StoreError):
                record.end(RunState.CANCELLED if isinstance(error, SystemExit) else RunState.FAILED)
            if record.run_id:
                display.say(f"edit run {record.run_id} is kept as far as it came: the same command goes on with it")
            raise
    return _conclude(record, interrupt.is_set(), display)


def _score(
    asked: EditPlan,
    executor: Executor,
    output: Writer[Any] | None,
    record: EditRecord,
    interrupt: Interrupt,
    display: Display,
) -> None:
    results, report, written = record.results, EventReport(display), 0
    try:
        written = _write(output, record, written)
        left = frozenset(results.left())
        job = Job(asked.families, Context(), [item for item in asked.items() if item.id in left])
        display.progress(total=len(results.rows))
        with contextlib.closing(events_of(executor, [job], interrupt)) as events:
            for event in events:
                record.write(event)
                report.event(event)
                if isinstance(event, (ImageFailed, MetricBatch)) and _finished(results, written):
                    # On disk before it is put out.
                    record.keep()
                    written = _write(output, record, written)
                    display.progress(done=written)
    except BaseException:
        if written and output is not None:
            output.end()
        raise
    record.keep()
    if output is not None:
        output.end()


def _finished(results: EditResults, number: int) -> bool:
    return number < len(results.rows) and results.settled(results.rows[number])


def _write(output: Writer[Any] | None, record: EditRecord, written: int) -> int:
    while _finished(record.results, written):
        if output is not None:
            output.row(record.results.rows[written])
        written += 1
    return written


def _say_what_is_used(asked: EditPlan, record: EditRecord, display: Display) -> None:
    if asked.profile.notice:
        display.say(asked.profile.notice, Tone.WARNING)
    display.say(f"metrics: {', '.join(asked.families)}" + (f" ({asked.not_asked})" if asked.not_asked else ""))
    if asked.engine.edit_resize:
        side = asked.engine.edit_resize
        display.say(f"both images are scaled to {side} x {side} before EditCLIP's image processor")
    if record.resumed:
        there = len(record.results.rows) - len(record.results.left())
        display.say(
            f"going on with edit run {record.run_id}: {there} of {len(record.results.rows)} are there", Tone.SUMMARY
        )


def _conclude(record: EditRecord, interrupted: bool, display: Display) -> int:
    results = record.results
    states = [results.status(row) for row in results.rows]
    troubled = [row for row, state in zip(results.rows, states, strict=True) if state in ("partial", "failed")]
    for row in troubled[:TROUBLES_SHOWN]:
        display.say(f"edit {row.item + 1}: {row.reasons()}", Tone.ERROR)
    if len(troubled) > TROUBLES_SHOWN:
        display.say(f"and {len(troubled) - TROUBLES_SHOWN} more; the error of each is in its row", Tone.ERROR)
    counted = f"{states.count('ok')} of {len(states)} edits scored"
    for state, words in (("partial", "in part"), ("failed", "failed"), ("pending", "not reached")):
        if states.count(state):
            counted += f", {states.count(state)} {words}"
    display.say(counted, Tone.SUMMARY)
    if record.run_id:
        display.say(f"stored as edit run {record.run_id}")
    if interrupted:
        onwards = "; the same command goes on from there" if record.run_id else ""
        display.say(f"interrupted: what was finished is written{onwards}", Tone.WARNING)
        return INTERRUPTED
    return 1 if states.count("ok") < len(states) else 0
