"""Score the rows of a manifest in chunks; each row is written as soon as it is finished.

    file -> rows -> items, a chunk at a time -> engine -> results -> cells -> file

The engine caches what the models compute, so a command that is run again after a stop does not compute it again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from aim_tui.cli.progress import display as make_display
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.plan import ScoringPlan, Status
from aim_tui.core.scoring.results import Results
from aim_tui.core.scoring.results import Row as Result
from aim_tui.errors import AimError, UsageError
from aim_tui.inputs.manifests import Manifest, ManifestRow, PathError, UnreadableCell, locate_image, require_columns
from aim_tui.runs.display import Display, EventReport, Tone
from aim_tui.runs.executors import Executor, InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.manifest_output import ManifestOutput
from aim_tui.runs.recording import find_models
from aim_tui.runs.runner import PROBLEMS_SHOWN
from aim_tui.runs.setup import Setup
from aim_tui.runs.storage import open_to_score

# Rows of a chunk, whose results are in memory at once.
_AT_ONCE = 1024
_LONGEST_PROBLEM, _LONGEST_PATH = 500, 200


class OnError(StrEnum):
    """What to do with a row that cannot be scored."""

    NULL = "null"
    ZERO = "zero"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not scored, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ManifestTask:
    """How to score the rows of a manifest."""

    manifest: Manifest
    setup: Setup
    plan: ScoringPlan
    columns: Sequence[str]
    """The columns that are read."""
    added: Mapping[str, type]
    """The columns to add, with their types."""
    context: Callable[[ManifestRow, str], Context | Refused]
    """The context of a row and its image; it overrides the same parts of the setup's."""
    image: str
    """The column of image paths."""
    cells: Callable[[Result | Refused], Mapping[str, Any]]
    mean_of: str
    """The added column whose mean the summary reports."""
    on_error: OnError = OnError.NULL
    replace: bool = False
    """Whether existing columns of the added names are overwritten."""

    def check(self) -> None:
        """UsageError where the file lacks a column, or already has one of the added columns."""
        require_columns(self.manifest, self.columns)
        there = [name for name in self.added if name in self.manifest.columns()]
        if there and not self.replace:
            names = ", ".join(map(repr, there))
            raise UsageError(
                f"{self.manifest.path} has {names} already",
                "overwrite with --replace, or give the added columns other names",
            )


@dataclass(slots=True)
class RowCounts:
    """Counts over the rows, and the first problems."""

    rows: int = 0
    scored: int = 0
    broken: int = 0
    """Rows that cannot be parsed."""
    total: float = 0.0
    numbers: int = 0
    problems: list[str] = field(default_factory=list)

    def add_problem(self, text: str) -> None:
        """Keep the first ones."""
        if len(self.problems) < PROBLEMS_SHOWN:
            self.problems.append(text if len(text) <= _LONGEST_PROBLEM else f"{text[:_LONGEST_PROBLEM]}...")


def run(task: ManifestTask, output: ManifestOutput, store: Path | None) -> int:
    """Score all rows and write them; 0 all scored, 1 some were not, 130 interrupted."""
    if store is not None:
        open_to_score(store).close()
        task = replace(task, setup=task.setup.with_store(store))
    find_models(task.setup, task.plan.metrics)
    counts, display, executor = RowCounts(), make_display(), InProcess(task.setup.engine)
    with Interrupt(display) as interrupt, display, contextlib.closing(executor), output:
        display.progress(total=task.manifest.count())
        report = EventReport(display, models=True)
        output.done = all(
            not interrupt.is_set() and _score(task, chunk, executor, interrupt, output, counts, report)
            for chunk in _chunks(task)
        )
    return _conclude(task, output, counts, display, interrupted=not output.done, kept=store is not None)


def _chunks(task: ManifestTask) -> Iterator[list[ManifestRow]]:
    rows = task.manifest.rows((*task.columns, *task.added))
    with contextlib.closing(rows):  # type: ignore[type-var]  # they are generators
        while chunk := list(islice(rows, _AT_ONCE)):
            yield [_without_existing(row, task) for row in chunk]


def _without_existing(row: ManifestRow, task: ManifestTask) -> ManifestRow:
    """The row, with a problem if it already has an added column: later rows may have columns that the first lack."""
    there = () if task.replace else [name for name in task.added if name in row.values]
    return replace(row, problem=f"has {there[0]!r} already (--replace puts the new value there)") if there else row


def _score(
    task: ManifestTask,
    rows: Sequence[ManifestRow],
    executor: Executor,
    interrupt: Interrupt,
    output: ManifestOutput,
    counts: RowCounts,
    report: EventReport,
) -> bool:
    """Score a chunk and write its finished rows, in order; returns whether all are finished."""
    results = Results(task.plan, task.setup.context)
    numbers: dict[int, int] = {}
    refused: dict[int, Refused] = {}
    items: list[Item] = []
    for at, row in enumerate(rows):
        if row.problem or row.blank:
            continue
        item = _item(task, row, len(items))
        if isinstance(item, Refused):
            refused[at] = item
        else:
            numbers[at] = item.id
            items.append(item)
    results.add(items)
    writing = _Writing(task, rows, numbers, refused, results, output, counts)
    writing.write_finished()
    if items:
        job = Job(task.plan.metrics, task.setup.context, items, fresh=task.setup.fresh)
        with contextlib.closing(executor.run(job, interrupt.is_set)) as events:
            for event in events:
                results.apply(event)
                report.event(event)
                if writing.write_finished():
                    output.flush()
                    report.display.progress(done=counts.rows + counts.broken)
    output.flush()
    return writing.at == len(rows)


def _item(task: ManifestTask, row: ManifestRow, number: int) -> Item | Refused:
    image = row.text(task.image)
    if isinstance(image, UnreadableCell):
        return Refused(image.reason)
    if not image:
        return Refused(f"no {task.image}")
    folder = os.path.dirname(os.path.abspath(task.manifest.path))
    try:
        path = locate_image(image, folder)
    except PathError as error:
        return Refused(str(error))
    context = task.context(row, path)
    return context if isinstance(context, Refused) else Item(number, path, context=context)


def shortened(path: str) -> str:
    """A path for a message; of a very long one only the end."""
    return path if len(path) <= _LONGEST_PATH else f"...{path[-_LONGEST_PATH:]}"


def cell_text(row: ManifestRow, column: str) -> str | Refused:
    """The text of a cell as a model can read it; empty if there is none."""
    text = row.text(column)
    if isinstance(text, UnreadableCell):
        return Refused(text.reason)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return Refused(f"{column} has an unpaired surrogate, which is not a character")
    return text


@dataclass(slots=True)
class _Writing:
    """Writes finished rows to the output, in order."""

    task: ManifestTask
    rows: Sequence[ManifestRow]
    numbers: Mapping[int, int]
    refused: Mapping[int, Refused]
    results: Results
    output: ManifestOutput
    counts: RowCounts
    at: int = 0

    def write_finished(self) -> bool:
        """Write what is finished; returns whether there was anything."""
        before = self.at
        while self.at < len(self.rows) and self._finished(self.at):
            self._write(self.at)
            self.at += 1
        return self.at > before

    def _finished(self, at: int) -> bool:
        number = self.numbers.get(at)
        return number is None or self.results.rows[number].status is not Status.PENDING

    def _write(self, at: int) -> None:
        row, counts = self.rows[at], self.counts
        if row.problem:
            counts.broken += 1
            self._problem(f"{row.where}: {row.problem}")
        elif not row.blank:
            counts.rows += 1
            found = self.refused.get(at) or self.results.rows[self.numbers[at]]
            reason = found.reason if isinstance(found, Refused) else found.errors()
            if reason is None:
                counts.scored += 1
            else:
                what = "" if isinstance(found, Refused) else f"{shortened(found.path)}: "
                self._problem(f"{row.where}: {what}{reason}")
            cells = self.task.cells(found)
            if reason is None and (number := cells[self.task.mean_of]) is not None:
                counts.total += number
                counts.numbers += 1
            self.output.write(row, cells)
            return
        self.output.write(row, {})

    def _problem(self, text: str) -> None:
        if self.task.on_error is OnError.FAIL:
            raise AimError(
                f"{self.task.manifest.path}, {text}", "--on-error null continues, and gives the reason in a column"
            )
        self.counts.add_problem(text)


def _conclude(
    task: ManifestTask, output: ManifestOutput, counts: RowCounts, display: Display, *, interrupted: bool, kept: bool
) -> int:
    for problem in counts.problems:
        display.say(problem, Tone.ERROR)
    failed = counts.rows - counts.scored
    more = failed + counts.broken - len(counts.problems)
    if more > 0:
        display.say(f"and {more} more", Tone.ERROR)
    counted = f"{counts.scored} of {counts.rows} rows scored"
    if failed:
        counted += f", {failed} not scored" + (" (0.0 instead)" if task.on_error is OnError.ZERO else "")
    if counts.broken:
        counted += f"; {counts.broken} invalid rows left out"
        counted += f" (see {output.failures})" if output.failures is not None else ""
    if counts.numbers:
        over = "all" if counts.numbers == counts.rows else "those"
        counted += f"; {task.mean_of} mean {counts.total / counts.numbers:.4f} (over {over} {counts.numbers})"
    display.say(counted, Tone.SUMMARY)
    if interrupted:
        where = f"; it is in {output.partial}" if output.partial is not None and counts.rows else ""
        onwards = "; run the same command again: nothing is computed twice" if kept else ""
        display.say(f"interrupted: finished rows are written{where}{onwards}", Tone.WARNING)
        return INTERRUPTED
    return 1 if failed or counts.broken else 0
