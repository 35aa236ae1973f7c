"""A scoring run without the application: the engine in this process, progress on stderr, rows to a writer."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

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

from aim_tui.core.events import Event, Item, Notice, Phase, PhaseName, PromptRead
from aim_tui.core.jobs import Job
from aim_tui.core.results import Results
from aim_tui.core.scoring import Status
from aim_tui.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aim_tui.cli.options import Setup
    from aim_tui.cli.writers import Writer
    from aim_tui.inputs.listing import Problem

INTERRUPTED = 130
_TROUBLES_SHOWN = 20


def run(setup: Setup, images: Sequence[str], writer: Writer, problems: Sequence[Problem]) -> int:
    """Score `images` and write their rows; returns the exit code (0 all, 1 some failed, 130 interrupted)."""
    from aim_tui.worker.runtime import go_offline, hush_libraries, prepare_environment

    stderr = Console(stderr=True, highlight=False)
    results = Results(setup.plan(), setup.context)
    results.add(Item(number, path) for number, path in enumerate(images))
    _say_what_is_used(stderr, setup, problems)

    prepare_environment()
    go_offline()
    from aim_tui.worker.engine import Engine

    with _Interrupt() as interrupt, _progress(stderr) as progress:
        hush_libraries()
        writer.begin(results, setup)
        task = progress.add_task("starting", total=None)
        written = 0
        job = Job(setup.metrics, setup.context, [Item(row.item, row.path) for row in results.rows])
        try:
            for event in Engine(setup.engine).run(job, interrupt.is_set):
                results.apply(event)
                _show(event, progress, task, results, stderr)
                written = _write_finished(results, written, writer)
                progress.update(task, completed=written)
        except BaseException:
            # Whatever ended the run, what was finished is kept; with nothing finished an older result stays.
            if written:
                writer.end()
            raise
        writer.end()
    return _conclude(stderr, results, interrupt, problems)


def _write_finished(results: Results, written: int, writer: Writer) -> int:
    """Hand finished rows to the writer in the order of the images; returns how many it has now."""
    while written < len(results.rows) and results.rows[written].status is not Status.PENDING:
        writer.row(results.rows[written])
        written += 1
    return written


def _say_what_is_used(stderr: Console, setup: Setup, problems: Sequence[Problem]) -> None:
    if setup.profile.notice:
        _say(stderr, setup.profile.notice, "yellow")
    for problem in problems:
        _say(stderr, f"{problem.path}: {problem.reason}", "red")
    for metric, reason in setup.not_asked.items():
        _say(stderr, f"{metric} is not asked for: {reason}")
    _say(stderr, setup.plan().formula())
    _say(stderr, setup.profile.rules_note())


def _show(event: Event, progress: Progress, task: TaskID, results: Results, stderr: Console) -> None:
    match event:
        case Phase(PhaseName.SCORING, _):
            progress.update(task, description="scoring", total=len(results.rows))
        case Phase(name, detail):
            progress.update(task, description=printable(f"{name} {detail}"))
            if not stderr.is_terminal:
                _say(stderr, f"{name} {detail}")
        case PromptRead(tokens, limit, True):
            _say(progress.console, f"the prompt has {tokens} tokens; CLIP reads the first {limit}", "yellow")
        case Notice(text):
            _say(progress.console, text, "yellow")


def _conclude(stderr: Console, results: Results, interrupt: _Interrupt, problems: Sequence[Problem]) -> int:
    summary = results.summary()
    troubled = [row for row in results.rows if row.status in (Status.FAILED, Status.PARTIAL)]
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
    if interrupt.is_set():
        _say(stderr, "interrupted: what was finished is written", "yellow")
        return INTERRUPTED
    return 1 if problems or summary.n_ok < summary.n else 0


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)


@contextlib.contextmanager
def _progress(stderr: Console) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        yield progress


class _Interrupt:
    """The first Ctrl-C (or SIGTERM) asks the engine to stop after its batch; the second one ends at once."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._before: dict[int, Any] = {}

    def is_set(self) -> bool:
        return self._asked_at is not None

    def __enter__(self) -> _Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _frame: object) -> None:
        if self._asked_at is not None:
            os._exit(128 + number)
        self._asked_at = time.monotonic()
        print("\nstopping after this batch (once more: at once)", file=sys.stderr, flush=True)
