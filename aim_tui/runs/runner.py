"""A scoring run without the application: the engine in this process, progress on stderr, rows to a writer."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from aim_tui.core.scoring.events import Event, Notice, Phase, PhaseName, PromptRead
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.plan import Status
from aim_tui.core.text import printable
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.store.errors import StoreError
from aim_tui.store.records import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from aim_tui.core.scoring.events import Item
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.core.scoring.results import Results
    from aim_tui.exports.writers import Writer
    from aim_tui.inputs.folder_watcher import Watch
    from aim_tui.inputs.listing import Problem
    from aim_tui.runs.recording import Record
    from aim_tui.runs.setup import Setup

_TROUBLES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Watching:
    """What finds further images, and what makes items of them, each with the prompt it brings."""

    seen: Watch
    items: Callable[[Sequence[str]], list[Item]]


def run(
    setup: Setup, writer: Writer, record: Record, problems: Sequence[Problem], watch: Watching | None = None
) -> int:
    """Score what is left of a record and write all its rows; with a watch also what appears until Ctrl-C.

    Returns the exit code: 0 all scored, 1 some failed, 130 interrupted.
    """
    from aim_tui.engine.runtime import go_offline, prepare_environment

    stderr = Console(stderr=True, highlight=False)
    _say_what_is_used(stderr, setup, problems)
    if record.resumed:
        there = len(record.results.rows) - len(record.left)
        _say(stderr, f"going on with run {record.run_id}: {there} of {len(record.results.rows)} are there", "bold")

    prepare_environment()
    go_offline()
    with Interrupt() as interrupt, progress_bar(stderr) as progress:
        try:
            _score(setup, writer, record, interrupt, progress, watch)
            # Ctrl-C is how a watch ends; it cuts short what was not scored yet.
            cut_short = interrupt.is_set() and (watch is None or bool(record.left))
            record.end(RunState.CANCELLED if cut_short else RunState.DONE)
        except BaseException as error:
            # The first trouble is the one to be told of.
            with contextlib.suppress(StoreError):
                # A reader of a pipe that went away has seen what it wanted, as one who presses Ctrl-C.
                record.end(RunState.CANCELLED if isinstance(error, SystemExit) else RunState.FAILED)
            if record.run_id:
                _say(stderr, f"run {record.run_id} is kept as far as it came: the same command goes on with it")
            raise
    if watch is not None:
        _say_what_waits(stderr, watch.seen)
    return _conclude(stderr, record, cut_short, problems)


def _score(
    setup: Setup, writer: Writer, record: Record, interrupt: Interrupt, progress: Progress, watch: Watching | None
) -> None:
    results = record.results
    writer.begin(results, setup)
    task = progress.add_task("starting", total=None)
    written = 0
    try:
        written = _write_finished(results, written, writer)
        jobs = (Job(setup.metrics, setup.context, items) for items in _rounds(record, interrupt, progress, task, watch))
        # Closed at once where anything is raised, since the engine then keeps what it has computed.
        with contextlib.closing(engine_events(setup.engine, jobs, interrupt)) as events:
            for event in events:
                # First, so that trouble with the store shows before the output runs ahead of it.
                record.write(event)
                results.apply(event)
                _show(event, progress, task, results)
                if _finished(results, written):
                    record.keep()
                    written = _write_finished(results, written, writer)
                    progress.update(task, completed=written, total=len(results.rows))
    except BaseException:
        # Whatever ended the run, what was finished is kept; with nothing finished an older result stays.
        if written:
            writer.end()
        raise
    writer.end()


def engine_events(settings: EngineSettings, jobs: Iterable[Job], interrupt: Interrupt) -> Generator[Event]:
    """What the engine reports of one job after the other; where nothing is to be scored it is not even loaded."""
    engine = None
    for job in jobs:
        if not job.items:
            continue
        if engine is None:
            from aim_tui.engine.engine import Engine
            from aim_tui.engine.runtime import hush_libraries

            hush_libraries()
            engine = Engine(settings)
        yield from engine.run(job, interrupt.is_set)


def _rounds(
    record: Record, interrupt: Interrupt, progress: Progress, task: TaskID, watch: Watching | None
) -> Iterator[list[Item]]:
    """What is to be scored: what is left, and with a watch what appears."""
    yield record.left
    if watch is None:
        return
    noticed = ""
    for paths in watch.seen.batches(interrupt.is_set):
        if paths:
            yield record.add(watch.items(paths))
        if watch.seen.notice != noticed:
            noticed = watch.seen.notice
            _say(progress.console, noticed, "yellow")
        waiting = f", {len(watch.seen.waiting)} not whole yet" if watch.seen.waiting else ""
        progress.update(task, description=f"watching (Ctrl-C ends){waiting}", total=len(record.results.rows))


def _say_what_waits(stderr: Console, watch: Watch) -> None:
    for path, reason in list(watch.waiting.items())[:_TROUBLES_SHOWN]:
        _say(stderr, f"{path}: left out, for it was not whole when the watch ended ({reason})", "yellow")
    if len(watch.waiting) > _TROUBLES_SHOWN:
        _say(stderr, f"and {len(watch.waiting) - _TROUBLES_SHOWN} more that were not whole")
    for problem in watch.problems:
        _say(stderr, f"{problem.path}: {problem.reason}", "yellow")


def _write_finished(results: Results, written: int, writer: Writer) -> int:
    """Hand finished rows to the writer in the order of the images; returns how many it has now."""
    while _finished(results, written):
        writer.row(results.rows[written])
        written += 1
    return written


def _finished(results: Results, number: int) -> bool:
    return number < len(results.rows) and results.rows[number].status is not Status.PENDING


def _say_what_is_used(stderr: Console, setup: Setup, problems: Sequence[Problem]) -> None:
    if setup.profile.notice:
        _say(stderr, setup.profile.notice, "yellow")
    for problem in problems:
        _say(stderr, f"{problem.path}: {problem.reason}", "red")
    for metric, reason in setup.not_asked.items():
        _say(stderr, f"{metric} is not asked for: {reason}")
    _say(stderr, setup.plan().formula())
    _say(stderr, setup.profile.rules_note())


def _show(event: Event, progress: Progress, task: TaskID, results: Results) -> None:
    stderr = progress.console
    match event:
        case Phase(PhaseName.SCORING, _):
            progress.update(task, description="scoring", total=len(results.rows))
        case Phase(name, detail):
            progress.update(task, description=printable(f"{name} {detail}"))
            if not stderr.is_terminal:
                _say(stderr, f"{name} {detail}")
        case PromptRead(tokens, limit, True):
            _say(stderr, f"the prompt has {tokens} tokens; CLIP reads the first {limit}", "yellow")
        case Notice(text):
            _say(stderr, text, "yellow")


def _conclude(stderr: Console, record: Record, cut_short: bool, problems: Sequence[Problem]) -> int:
    summary = record.results.summary()
    troubled = [row for row in record.results.rows if row.status in (Status.FAILED, Status.PARTIAL)]
    for row in troubled[:_TROUBLES_SHOWN]:
        _say(stderr, f"{row.path}: {row.errors()}", "red")
    if len(troubled) > _TROUBLES_SHOWN:
        _say(stderr, f"and {len(troubled) - _TROUBLES_SHOWN} more; the error of each is in its row", "red")
    counted = f"{summary.n_ok} of {summary.n} scored"
    if summary.n_partial:
        counted += f", {summary.n_partial} in part"
    if summary.n_failed:
        counted += f", {summary.n_failed} failed"
    if summary.n_pending:
        counted += f", {summary.n_pending} not reached"
    if summary.mean is not None and summary.median is not None:
        left_out = summary.n - summary.n_final
        over = f"over {summary.n_final}, {left_out} left out" if left_out else f"over all {summary.n_final}"
        counted += f"; final score mean {summary.mean:.2f}, median {summary.median:.2f} ({over})"
    _say(stderr, counted, "bold")
    if record.run_id:
        _say(stderr, f"stored as run {record.run_id} (aim-tui runs show {record.run_id})")
    if cut_short:
        onwards = "; the same command goes on from there" if record.run_id else ""
        _say(stderr, f"interrupted: what was finished is written{onwards}", "yellow")
        return INTERRUPTED
    return 1 if problems or summary.n_ok < summary.n else 0


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)


@contextlib.contextmanager
def progress_bar(stderr: Console) -> Iterator[Progress]:
    """A bar on stderr where it is a terminal, and none elsewhere."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        yield progress
