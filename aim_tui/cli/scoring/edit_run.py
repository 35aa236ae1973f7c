"""A run over edits without the application: what is asked, the engine, and the exit code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from aim_tui.cli.console import console, say
from aim_tui.core.scoring.events import Event, ImageFailed, MetricBatch, Notice, Phase, PhaseName
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.plan import Status
from aim_tui.core.text import printable
from aim_tui.runs import edit_plan
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.runner import engine_events, progress_bar
from aim_tui.store.errors import StoreError
from aim_tui.store.records import RunState

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from aim_tui.core.scoring.results import Results
    from aim_tui.exports.edit_writers import Output
    from aim_tui.inputs.edits import EditFile
    from aim_tui.runs.edit_plan import EditPlan, EditWish
    from aim_tui.runs.recording import Record
    from aim_tui.runs.setup import Setup

_TROUBLES_SHOWN = 20


def plan(setup: Setup, file: EditFile, wish: EditWish) -> EditPlan:
    """Put options and edits together; UsageError names what is wrong."""
    return edit_plan.plan(setup.profile, setup.engine, file, wish)


def run(asked: EditPlan, output: Output, record: Record) -> int:
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


def _score(asked: EditPlan, output: Output, record: Record, interrupt: Interrupt, progress: Progress) -> None:
    results, task, written = record.results, progress.add_task("starting", total=None), 0
    output.begin(results)
    try:
        written = _write(output, record, written)
        job = Job(asked.families, asked.context, record.left)
        with contextlib.closing(engine_events(asked.engine, [job], interrupt)) as events:
            for event in events:
                record.write(event)
                results.apply(event)
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


def _finished(results: Results, number: int) -> bool:
    return number < len(results.rows) and results.rows[number].status is not Status.PENDING


def _write(output: Output, record: Record, written: int) -> int:
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


def _say_what_is_used(asked: EditPlan, record: Record) -> None:
    if asked.profile.notice:
        say(asked.profile.notice, "yellow")
    say(f"metrics: {', '.join(asked.families)}" + (f" ({asked.not_asked})" if asked.not_asked else ""))
    if asked.engine.edit_resize:
        side = asked.engine.edit_resize
        say(f"both images are scaled to {side} x {side} before EditCLIP's image processor")
    if record.resumed:
        there = len(record.results.rows) - len(record.left)
        say(f"going on with edit run {record.run_id}: {there} of {len(record.results.rows)} are there", "bold")


def _conclude(record: Record, interrupted: bool) -> int:
    results = record.results
    states = [row.status for row in results.rows]
    troubled = [row for row in results.rows if row.status in (Status.PARTIAL, Status.FAILED)]
    for row in troubled[:_TROUBLES_SHOWN]:
        say(f"edit {row.item + 1}: {row.errors()}", "red")
    if len(troubled) > _TROUBLES_SHOWN:
        say(f"and {len(troubled) - _TROUBLES_SHOWN} more; the error of each is in its row", "red")
    counted = f"{states.count(Status.OK)} of {len(states)} edits scored"
    for state, words in ((Status.PARTIAL, "in part"), (Status.FAILED, "failed"), (Status.PENDING, "not reached")):
        if states.count(state):
            counted += f", {states.count(state)} {words}"
    say(counted, "bold")
    if record.run_id:
        say(f"stored as edit run {record.run_id}")
    if interrupted:
        onwards = "; the same command goes on from there" if record.run_id else ""
        say(f"interrupted: what was finished is written{onwards}", "yellow")
        return INTERRUPTED
    return 1 if states.count(Status.OK) < len(states) else 0
