"""Scoring the rows of a manifest as they stream by: a stretch of rows at a time, each written when it is finished.

    file -> rows -> items, a stretch at a time -> engine -> core.results -> cells -> file

What the models saw is kept by the engine's cache, so a command that was stopped finds it again.
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
from aim_tui.inputs.manifests import Manifest, ManifestRow, PathError, UnreadableCell, locate_image
from aim_tui.runs.display import Display, EventReport, Tone
from aim_tui.runs.executors import Executor, InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.manifest_output import ManifestOutput
from aim_tui.runs.runner import TROUBLES_SHOWN
from aim_tui.runs.setup import Setup

# Rows whose results are in memory at once.
_AT_ONCE = 1024
_LONGEST_TROUBLE, _LONGEST_PATH = 500, 200


class OnError(StrEnum):
    """What becomes of a row that cannot be scored."""

    NULL = "null"
    ZERO = "zero"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not given to the models, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the rows of a manifest."""

    manifest: Manifest
    setup: Setup
    plan: ScoringPlan
    columns: Sequence[str]
    """Those that decide about a row."""
    added: Mapping[str, type]
    """The columns that it gets, with their types."""
    context: Callable[[ManifestRow, str], Context | Refused]
    """What a row and its image are judged against, in the place of the same part of the setup's."""
    image: str
    """The column with the paths."""
    cells: Callable[[Result | Refused], Mapping[str, Any]]
    mean_of: str
    """The added column that the summary tells the mean of."""
    on_error: OnError = OnError.NULL
    replace: bool = False
    """Whether columns of the added names may be there already."""

    def check(self) -> None:
        """UsageError where the file has no such column, or has an added one already."""
        from aim_tui.inputs.manifests import require_columns

        require_columns(self.manifest, self.columns)
        there = [name for name in self.added if name in self.manifest.columns()]
        if there and not self.replace:
            names = ", ".join(map(repr, there))
            raise UsageError(
                f"{self.manifest.path} has {names} already",
                "--replace puts the new values there; or give the added columns other names",
            )


@dataclass(slots=True)
class Tally:
    """What the rows add up to."""

    rows: int = 0
    scored: int = 0
    broken: int = 0
    """Rows that are none."""
    total: float = 0.0
    numbers: int = 0
    troubles: list[str] = field(default_factory=list)

    def trouble(self, text: str) -> None:
        """Remember the first ones."""
        if len(self.troubles) < TROUBLES_SHOWN:
            self.troubles.append(text if len(text) <= _LONGEST_TROUBLE else f"{text[:_LONGEST_TROUBLE]}...")


def run(asked: Asked, output: ManifestOutput, store: Path | None, *, no_store: bool) -> int:
    """Score all rows and write them; 0 all scored, 1 some were not, 130 interrupted."""
    asked = _with_store(asked, store, no_store=no_store)
    _find_models(asked)
    tally, display, executor = Tally(), make_display(), InProcess(asked.setup.engine)
    with Interrupt(display) as interrupt, display, contextlib.closing(executor), output:
        display.progress(total=asked.manifest.count())
        shown = _Shown(display, EventReport(display, models=True))
        output.done = all(
            not interrupt.is_set() and _score(asked, stretch, executor, interrupt, output, tally, shown)
            for stretch in _stretches(asked)
        )
    return _conclude(asked, output, tally, display, interrupted=not output.done, kept=not no_store)


def _with_store(asked: Asked, store: Path | None, *, no_store: bool) -> Asked:
    if no_store:
        return asked
    from aim_tui.runs.storage import open_to_score, store_path

    path = store_path(store)
    open_to_score(path).close()
    return replace(asked, setup=asked.setup.with_store(path))


def _find_models(asked: Asked) -> None:
    """ModelUnavailableError before torch is imported, which takes seconds."""
    from aim_tui.hub.inventory import locate

    profile = asked.setup.profile
    for role in profile.roles_for(asked.plan.metrics):
        if role in asked.setup.engine.models:
            locate(role, asked.setup.engine.models[role], profile=profile.name)


def _stretches(asked: Asked) -> Iterator[list[ManifestRow]]:
    rows = asked.manifest.rows((*asked.columns, *asked.added))
    with contextlib.closing(rows):  # type: ignore[type-var]  # they are generators
        while stretch := list(islice(rows, _AT_ONCE)):
            yield [_unless_there(row, asked) for row in stretch]


def _unless_there(row: ManifestRow, asked: Asked) -> ManifestRow:
    """A row further down may have a column that the first ones have not."""
    there = () if asked.replace else [name for name in asked.added if name in row.values]
    return replace(row, problem=f"has {there[0]!r} already (--replace puts the new value there)") if there else row


def _score(
    asked: Asked,
    rows: Sequence[ManifestRow],
    executor: Executor,
    interrupt: Interrupt,
    output: ManifestOutput,
    tally: Tally,
    shown: _Shown,
) -> bool:
    """Score a stretch and write its rows as far as they are finished; whether all are."""
    results = Results(asked.plan, asked.setup.context)
    numbers: dict[int, int] = {}
    refused: dict[int, Refused] = {}
    items: list[Item] = []
    for at, row in enumerate(rows):
        if row.problem or row.blank:
            continue
        item = _item(asked, row, len(items))
        if isinstance(item, Refused):
            refused[at] = item
        else:
            numbers[at] = item.id
            items.append(item)
    results.add(items)
    writing = _Writing(asked, rows, numbers, refused, results, output, tally)
    writing.on()
    if items:
        job = Job(asked.plan.metrics, asked.setup.context, items, fresh=asked.setup.fresh)
        with contextlib.closing(executor.run(job, interrupt.is_set)) as events:
            for event in events:
                results.apply(event)
                shown.report.event(event)
                if writing.on():
                    output.flush()
                    shown.display.progress(done=tally.rows + tally.broken)
    output.flush()
    return writing.at == len(rows)


def _item(asked: Asked, row: ManifestRow, number: int) -> Item | Refused:
    image = row.text(asked.image)
    if isinstance(image, UnreadableCell):
        return Refused(image.reason)
    if not image:
        return Refused(f"no {asked.image}")
    folder = os.path.dirname(os.path.abspath(asked.manifest.path))  # noqa: PTH100, PTH120  # as text: any bytes
    try:
        path = locate_image(image, folder)
    except PathError as error:
        return Refused(str(error))
    context = asked.context(row, path)
    return context if isinstance(context, Refused) else Item(number, path, context=context)


def shortened(path: str) -> str:
    """A path as it can be told: the end of one that is very long."""
    return path if len(path) <= _LONGEST_PATH else f"...{path[-_LONGEST_PATH:]}"


def cell_text(row: ManifestRow, column: str) -> str | Refused:
    """A text that a model can be given; empty where there is none."""
    text = row.text(column)
    if isinstance(text, UnreadableCell):
        return Refused(text.reason)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return Refused(f"{column} holds half of a character (an unpaired surrogate)")
    return text


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where the work is shown."""

    display: Display
    report: EventReport


@dataclass(slots=True)
class _Writing:
    """Hands rows to the output, in their order, as far as they are finished."""

    asked: Asked
    rows: Sequence[ManifestRow]
    numbers: Mapping[int, int]
    refused: Mapping[int, Refused]
    results: Results
    output: ManifestOutput
    tally: Tally
    at: int = 0

    def on(self) -> bool:
        """Write what is finished; whether there was anything."""
        before = self.at
        while self.at < len(self.rows) and self._finished(self.at):
            self._write(self.at)
            self.at += 1
        return self.at > before

    def _finished(self, at: int) -> bool:
        number = self.numbers.get(at)
        return number is None or self.results.rows[number].status is not Status.PENDING

    def _write(self, at: int) -> None:
        row, tally = self.rows[at], self.tally
        if row.problem:
            tally.broken += 1
            self._trouble(f"{row.where}: {row.problem}")
        elif not row.blank:
            tally.rows += 1
            found = self.refused.get(at) or self.results.rows[self.numbers[at]]
            reason = found.reason if isinstance(found, Refused) else found.errors()
            if reason is None:
                tally.scored += 1
            else:
                what = "" if isinstance(found, Refused) else f"{shortened(found.path)}: "
                self._trouble(f"{row.where}: {what}{reason}")
            cells = self.asked.cells(found)
            if reason is None and (number := cells[self.asked.mean_of]) is not None:
                tally.total += number
                tally.numbers += 1
            self.output.write(row, cells)
            return
        self.output.write(row, {})

    def _trouble(self, text: str) -> None:
        if self.asked.on_error is OnError.FAIL:
            raise AimError(f"{self.asked.manifest.path}, {text}", "--on-error null goes on, and says why in a column")
        self.tally.trouble(text)


def _conclude(
    asked: Asked, output: ManifestOutput, tally: Tally, display: Display, *, interrupted: bool, kept: bool
) -> int:
    for trouble in tally.troubles:
        display.say(trouble, Tone.ERROR)
    failed = tally.rows - tally.scored
    more = failed + tally.broken - len(tally.troubles)
    if more > 0:
        display.say(f"and {more} more", Tone.ERROR)
    counted = f"{tally.scored} of {tally.rows} rows scored"
    if failed:
        counted += f", {failed} not" + (" (0.0 in their place)" if asked.on_error is OnError.ZERO else "")
    if tally.broken:
        counted += f"; {tally.broken} left out, being no rows"
        counted += f" (they are in {output.failures})" if output.failures is not None else ""
    if tally.numbers:
        over = "all" if tally.numbers == tally.rows else "those"
        counted += f"; {asked.mean_of} mean {tally.total / tally.numbers:.4f} (over {over} {tally.numbers})"
    display.say(counted, Tone.SUMMARY)
    if interrupted:
        where = f"; it is in {output.partial}" if output.partial is not None and tally.rows else ""
        onwards = "; the same command begins anew and finds again what was computed" if kept else ""
        display.say(f"interrupted: what was finished is written{where}{onwards}", Tone.WARNING)
        return INTERRUPTED
    return 1 if failed or tally.broken else 0
