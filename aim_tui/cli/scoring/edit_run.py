"""A run over edits without the application: what is asked, what outlives it, the engine, and the exit code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from aim_tui.cli.console import console, say
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.edit_results import EditResults
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, MetricBatch, Notice, Phase, PhaseName
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.text import printable
from aim_tui.runs import edit_plan
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.runner import engine_events, progress_bar
from aim_tui.store.errors import StoreError
from aim_tui.store.records import RunState

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from aim_tui.exports.edit_writers import Output
    from aim_tui.inputs.edits import EditFile
    from aim_tui.runs.edit_plan import EditPlan, EditWish
    from aim_tui.runs.setup import Setup
    from aim_tui.store.edit_runs import EditRuns

_TROUBLES_SHOWN = 20


def plan(setup: Setup, file: EditFile, wish: EditWish) -> EditPlan:
    """Put options and edits together; UsageError names what is wrong."""
    return edit_plan.plan(setup.profile, setup.engine, file, wish)


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


def run(asked: EditPlan, output: Output, record: EditRecord) -> int:
    """Score what is left of a record and write all its rows; 0 all scored, 1 some failed, 130 interrupted."""
    from aim_tui.engine.runtime import go_offline, prepare_environment

    _say_what_is_used(asked, record)
    prepare_environment()
    go_offline()
    with Interrupt() as interrupt, progress_bar(console(stderr=True)) as progress:
        try:
            _score(asked, output, record, interrupt, progress)
            record.end(RunState.CANCELLED if interrupt.is_set() else RunState.DONE)
        except BaseException as error:
            # The first trouble is the one to be told of.
            with contextlib.suppress(StoreError):
                record.end(RunState.CANCELLED if isinstance(error, SystemExit) else RunState.FAILED)
            if record.run_id:
                say(f"edit run {record.run_id} is kept as far as it came: the same command goes on with it")
            raise
    return _conclude(record, interrupt.is_set())


def _score(asked: EditPlan, output: Output, record: EditRecord, interrupt: Interrupt, progress: Progress) -> None:
    results, task, written = record.results, progress.add_task("starting", total=None), 0
    output.begin(results)
    try:
        written = _write(output, record, written)
        left = frozenset(results.left())
        job = Job(asked.families, Context(), [item for item in asked.items() if item.id in left])
        with contextlib.closing(engine_events(asked.engine, [job], interrupt)) as events:
            for event in events:
                record.write(event)
                _show(event, progress, task, len(results.rows))
                if isinstance(event, (ImageFailed, MetricBatch)) and _finished(results, written):
                    # On disk before it is put out.
                    record.keep()
                    written = _write(output, record, written)
                    progress.update(task, completed=written)
    except BaseException:
        if written:
            output.end()
        raise
    record.keep()
    output.end()


def _finished(results: EditResults, number: int) -> bool:
    return number < len(results.rows) and results.settled(results.rows[number])


def _write(output: Output, record: EditRecord, written: int) -> int:
    while _finished(record.results, written):
        output.row(record.results.rows[written])
        written += 1
    return written


def _show(event: Event, progress: Progress, task: TaskID, total: int) -> None:
    match event:
        case Phase(PhaseName.SCORING, _):
            progress.update(task, description="scoring", total=total)
        case Phase(name, detail):
            progress.update(task, description=printable(f"{name} {detail}"))
            if not progress.console.is_terminal:
                say(f"{name} {detail}")
        case Notice(text):
            say(text, "yellow")


def _say_what_is_used(asked: EditPlan, record: EditRecord) -> None:
    if asked.profile.notice:
        say(asked.profile.notice, "yellow")
    say(f"metrics: {', '.join(asked.families)}" + (f" ({asked.not_asked})" if asked.not_asked else ""))
    if asked.engine.edit_resize:
        side = asked.engine.edit_resize
        say(f"both images are scaled to {side} x {side} before EditCLIP's image processor")
    if record.resumed:
        there = len(record.results.rows) - len(record.results.left())
        say(f"going on with edit run {record.run_id}: {there} of {len(record.results.rows)} are there", "bold")


def _conclude(record: EditRecord, interrupted: bool) -> int:
    results = record.results
    states = [results.status(row) for row in results.rows]
    troubled = [row for row, state in zip(results.rows, states, strict=True) if state in ("partial", "failed")]
    for row in troubled[:_TROUBLES_SHOWN]:
        say(f"edit {row.item + 1}: {row.reasons()}", "red")
    if len(troubled) > _TROUBLES_SHOWN:
        say(f"and {len(troubled) - _TROUBLES_SHOWN} more; the error of each is in its row", "red")
    counted = f"{states.count('ok')} of {len(states)} edits scored"
    for state, words in (("partial", "in part"), ("failed", "failed"), ("pending", "not reached")):
        if states.count(state):
            counted += f", {states.count(state)} {words}"
    say(counted, "bold")
    if record.run_id:
        say(f"stored as edit run {record.run_id}")
    if interrupted:
        onwards = "; the same command goes on from there" if record.run_id else ""
        say(f"interrupted: what was finished is written{onwards}", "yellow")
        return INTERRUPTED
    return 1 if states.count("ok") < len(states) else 0
