"""A scoring run without the application: events go to a record, finished rows to a writer, messages to a display."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Item
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.core.scoring.plan import Status
from aim_tui.core.scoring.results import Results
from aim_tui.exports.formats.writer import Writer
from aim_tui.inputs.folder_watcher import Watch
from aim_tui.inputs.listing import Problem
from aim_tui.runs.display import Display, EventReport, Tone
from aim_tui.runs.edit_plan import EditPlan
from aim_tui.runs.executors import Executor, InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.recording import Record
from aim_tui.runs.setup import Setup
from aim_tui.store.errors import StoreError
from aim_tui.store.records import RunState

PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Watching:
    """What finds new images, and what makes items of them, each with its own prompt."""

    seen: Watch
    items: Callable[[Sequence[str]], list[Item]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a run computes, and the messages before it."""

    engine: EngineSettings
    metrics: tuple[str, ...]
    context: Context
    opening: tuple[tuple[str, Tone], ...]
    of_edits: bool = False
    fresh: bool = False
    """Whether every file is read again, even one that looks unchanged."""

    @property
    def noun(self) -> str:
        """The name of the run in messages."""
        return "edit run" if self.of_edits else "run"


def image_work(setup: Setup, problems: Sequence[Problem] = (), left_out: Sequence[str] = ()) -> Work:
    """Scoring images with a setup; `problems` are the paths without an image, `left_out` the files not listed."""
    opening = [(setup.profile.notice, Tone.WARNING)] if setup.profile.notice else []
    opening += [(f"{problem.path}: {problem.reason}", Tone.ERROR) for problem in problems]
    opening += [(f"left out: {line}", Tone.WARNING) for line in left_out]
    lines = [f"skipping {metric}: {reason}" for metric, reason in setup.not_asked.items()]
    lines += [setup.plan().formula(), setup.profile.rules_note()]
    opening += [(line, Tone.PLAIN) for line in lines]
    return Work(setup.engine, setup.metrics, setup.context, tuple(opening), fresh=setup.fresh)


def edit_work(plan: EditPlan, *, fresh: bool = False) -> Work:
    """Scoring the edits of a plan."""
    opening = [(plan.profile.notice, Tone.WARNING)] if plan.profile.notice else []
    left_out = f" ({plan.not_asked})" if plan.not_asked else ""
    opening.append((f"metrics: {', '.join(plan.families)}{left_out}", Tone.PLAIN))
    if side := plan.engine.edit_resize:
        opening.append((f"both images are scaled to {side} x {side} before EditCLIP's image processor", Tone.PLAIN))
    return Work(plan.engine, plan.families, plan.context, tuple(opening), of_edits=True, fresh=fresh)


def run(
    work: Work,
    writer: Writer[Any] | None,
    record: Record,
    display: Display,
    *,
    problems: Sequence[Problem] = (),
    watch: Watching | None = None,
    executor: Executor | None = None,
) -> int:
    """Score the rest of a record and write all its rows; with a watch also new images until Ctrl-C.

    Returns the exit code: 0 all scored, 1 some failed, 130 interrupted.
    """
    for text, tone in work.opening:
        display.say(text, tone)
    if record.resumed:
        count = len(record.results.rows)
        display.say(
            f"resuming {work.noun} {record.run_id}: {count - len(record.left)} of {count} are done", Tone.SUMMARY
        )

    executor = executor or InProcess(work.engine)
    with Interrupt(display) as interrupt, display, contextlib.closing(executor):
        try:
            _score(work, executor, writer, record, interrupt, display, watch)
            # Ctrl-C is the normal end of a watch; it interrupts only if images are unscored.
            interrupted = interrupt.is_set() and (watch is None or bool(record.left))
            record.end(RunState.CANCELLED if interrupted else RunState.DONE)
        except BaseException as error:
            # The first error is the one to report.
            state = _state_after(error, record)
            with contextlib.suppress(StoreError):
                record.end(state)
            if record.run_id and state is not RunState.DONE:
                display.say(f"{work.noun} {record.run_id} is kept: run the same command again to resume it")
            raise
    if watch is not None:
        _say_unfinished(display, watch.seen)
    return _conclude(work, display, record, interrupted, problems)


def _state_after(error: BaseException, record: Record) -> RunState:
    """How a run ended that something ended before all was written."""
    if not isinstance(error, SystemExit):
        return RunState.FAILED
    # A reader of a pipe that went away has seen what it wanted, as one who presses Ctrl-C.
    return RunState.CANCELLED if record.left else RunState.DONE


def _score(
    work: Work,
    executor: Executor,
    writer: Writer[Any] | None,
    record: Record,
    interrupt: Interrupt,
    display: Display,
    watch: Watching | None,
) -> None:
    results, report, written = record.results, EventReport(display), 0
    try:
        written = _write_finished(record, written, writer)
        rounds = _rounds(record, interrupt, display, watch)
        jobs = (Job(work.metrics, work.context, items, fresh=work.fresh) for items in rounds)
        # Closed at once on any exception, so that the engine keeps what it has computed.
        with contextlib.closing(events_of(executor, jobs, interrupt)) as events:
            for event in events:
                # First, so that an error of the store comes before any output of the event.
                record.write(event)
                results.apply(event)
                report.event(event)
                if _finished(results, written) or any(_finished(results, item) for item in record.replaced):
                    record.keep()
                    written = _write_finished(record, written, writer)
                    display.progress(done=written, total=len(results.rows))
    except BaseException:
        # Finished rows are kept; without any, an older result stays.
        if written and writer is not None:
            writer.end()
        raise
    if writer is not None:
        writer.end()


def events_of(executor: Executor, jobs: Iterable[Job], interrupt: Interrupt) -> Generator[Event]:
    """The events of all jobs; without items the engine is not even loaded."""
    for job in jobs:
        if job.items:
            yield from executor.run(job, interrupt.is_set)


def _rounds(record: Record, interrupt: Interrupt, display: Display, watch: Watching | None) -> Iterator[list[Item]]:
    """The items to score: the rest of the record, and with a watch new images."""
    display.progress(total=len(record.results.rows))
    yield record.left
    if watch is None:
        return
    last_notice = ""
    for paths in watch.seen.batches(interrupt.is_set):
        if paths:
            items = record.add(watch.items(paths))
            for item in items:
                if item.id in record.replaced:
                    display.say(f"{item.path} has changed since it was scored: it is scored again")
            yield items
        if watch.seen.notice != last_notice:
            last_notice = watch.seen.notice
            display.say(last_notice, Tone.WARNING)
        waiting = f", {len(watch.seen.waiting)} not fully written yet" if watch.seen.waiting else ""
        display.progress(f"watching (Ctrl-C ends){waiting}", total=len(record.results.rows))


def _say_unfinished(display: Display, watch: Watch) -> None:
    for path, reason in list(watch.waiting.items())[:PROBLEMS_SHOWN]:
        display.say(f"{path}: left out: not fully written when the watch ended ({reason})", Tone.WARNING)
    if len(watch.waiting) > PROBLEMS_SHOWN:
        display.say(f"and {len(watch.waiting) - PROBLEMS_SHOWN} more that were not fully written")
    for line in watch.left_out.lines():
        display.say(f"left out: {line}", Tone.WARNING)
    for problem in watch.problems:
        display.say(f"{problem.path}: {problem.reason}", Tone.WARNING)


def _write_finished(record: Record, written: int, writer: Writer[Any] | None) -> int:
    """Write finished rows in the order of the images; returns how many are written now.

    A row whose file has changed since is written once more.
    """
    results = record.results
    for item in sorted(item for item in record.replaced if _finished(results, item)):
        record.replaced.remove(item)
        if writer is not None and item < written:
            writer.row(results.rows[item])
    while _finished(results, written):
        if writer is not None:
            writer.row(results.rows[written])
        written += 1
    return written


def _finished(results: Results, number: int) -> bool:
    return number < len(results.rows) and results.rows[number].status is not Status.PENDING


def _conclude(work: Work, display: Display, record: Record, interrupted: bool, problems: Sequence[Problem]) -> int:
    summary = record.results.summary()
    failed = [row for row in record.results.rows if row.status in (Status.FAILED, Status.PARTIAL)]
    for row in failed[:PROBLEMS_SHOWN]:
        name = f"edit {row.item + 1}" if work.of_edits else row.path
        display.say(f"{name}: {row.errors()}", Tone.ERROR)
    if len(failed) > PROBLEMS_SHOWN:
        display.say(f"and {len(failed) - PROBLEMS_SHOWN} more; the error of each is in its row", Tone.ERROR)
    damaged = [(row.path, row.facts.damage) for row in record.results.rows if row.facts and row.facts.damage]
    for path, damage in damaged[:PROBLEMS_SHOWN]:
        display.say(f"{path}: {damage} (its pixels are whole)", Tone.WARNING)
    if len(damaged) > PROBLEMS_SHOWN:
        rest = len(damaged) - PROBLEMS_SHOWN
        display.say(f"and {rest} more with whole pixels and something broken or left out beside them", Tone.WARNING)
    scored = f"{summary.n_ok} of {summary.n}{' edits' if work.of_edits else ''} scored"
    counted = ", ".join([scored, *summary.unscored])
    display.say(f"{counted}; {summary.averages}" if summary.averages else counted, Tone.SUMMARY)
    if record.run_id:
        see = "" if work.of_edits else f" (aim-tui runs show {record.run_id})"
        display.say(f"stored as {work.noun} {record.run_id}{see}")
    if interrupted:
        onwards = "; run the same command again to resume" if record.run_id else ""
        display.say(f"interrupted: what was finished is written{onwards}", Tone.WARNING)
        return INTERRUPTED
    return 1 if problems or summary.n_ok < summary.n else 0
