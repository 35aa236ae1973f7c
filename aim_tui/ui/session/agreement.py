"""How well scores agree with judgements: from the rows, the store and files, computed in threads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.scoring.results import Results, Row
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.core.agreement.analysis import AgreementCell, Analysis
    from aim_tui.core.agreement.study import Study, StudyColumn, StudySource
    from aim_tui.store.judgements import Judgements
    from aim_tui.ui.session.judgement_files import JudgementFile, Preview

# Rows that are looked at between two looks at the keyboard.
_ROWS_AT_ONCE = 1000
#: How many of the best, the worst ... pairs are listed.
TOP = 20

_OR_FILE = "i reads judgements from a file."


@dataclass(frozen=True, slots=True)
class Gathered:
    """A study, and the rows that it is about."""

    study: Study
    rows: Sequence[Row]
    ids: tuple[str, ...]
    """What the study calls the sample of each row."""
    missing: str = ""
    """Why nothing can be analysed and which key helps; empty where something can."""


class AgreementService:
    """What the Correlation screen needs, over whatever rows are `shown` when it is asked: of images, edits or a run."""

    def __init__(self, store: StoreAccess, shown: Callable[[], tuple[Results, str]]) -> None:
        """`shown` gives the rows and, in a few words, where they come from."""
        self._store = store
        self._shown = shown

    @property
    def own(self) -> str:
        """What judges where no file does."""
        return "known truth and own ratings" if self._shown()[0].of_edits else "own ratings and duels"

    @property
    def origin(self) -> str:
        """Where the rows come from, in a few words."""
        return self._shown()[1]

    async def gather(self, file: JudgementFile | None = None) -> Gathered:
        """The rows against a file of judgements, else against known truth and the program's own ratings and duels.

        UsageError says what is wrong with the file, or with the known truth; StoreError where the store cannot be read.
        """
        results, origin = await self._settled(), self.origin
        if file is not None:
            study = await asyncio.to_thread(_against_file, results, origin, file)
        else:

            def own_study(judgements: Judgements) -> Study:
                return _against_own(results, origin, judgements)

            study = await self._store.judged(own_study, await asyncio.to_thread(_against_own, results, origin, None))
        missing = _unscored(results, study)
        if not missing and not study.judgements:
            missing = _unrated(of_edits=results.of_edits, stored=self._store.path is not None)
        return Gathered(study, results.rows, tuple(row.id for row in results.rows), missing)

    async def preview(self, file: JudgementFile) -> Preview:
        """What a file of judgements has to do with the rows; UsageError says what is wrong with it."""
        results, origin = await self._settled(), self.origin
        return await asyncio.to_thread(_preview, results, origin, file)

    async def analyse(
        self, study: Study, group_by: str = "", progress: Callable[[int, int, str], object] = lambda *_: None
    ) -> Analysis:
        """All statistics of a study, the same for the same study.

        `progress` is called on the loop with the number of steps done, of all, and the next one.
        """
        loop = asyncio.get_running_loop()

        def report(done: int, total: int, step: str) -> None:
            # The application may be gone.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(progress, done, total, step)

        return await asyncio.to_thread(_analyse, study, group_by, report)

    async def write(self, analysis: Analysis, cell: AgreementCell | None, path: Path) -> None:
        """Write everything as .json or .md, or the figure of one cell as .png or .svg.

        ExportError where it cannot be written, or where a figure needs what is not installed.
        """
        await asyncio.to_thread(_write, analysis, cell, path)

    async def _settled(self) -> Results:
        """The rows without values of another prompt or reference, as they are now.

        On the loop, where no fact can come between two values of a row, and in portions.
        """
        live = self._shown()[0]
        settled = Results(live.plan, live.context)
        rows = live.rows
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            portion = (live.settled_row(row) for row in rows[start : start + _ROWS_AT_ONCE])
            settled.rows.extend(replace(row, raws=dict(row.raws)) for row in portion)
            await asyncio.sleep(0)
        return settled


def groupings(study: Study) -> dict[str, int]:
    """The labels that split the samples into two or more groups, with how many groups; one of each sample is none."""
    values: dict[str, set[str]] = {}
    samples = list(study.samples.values())
    for sample in samples:
        for label, value in sample.labels.items():
            values.setdefault(label, set()).add(value)
    return {label: len(distinct) for label, distinct in values.items() if 1 < len(distinct) < len(samples)}


def _scores(results: Results, origin: str) -> tuple[StudySource, tuple[StudyColumn, ...]]:
    """The rows as a source, and the columns of their final score and raw values."""
    from aim_tui.store import evidence

    source = evidence.source_of(results, origin)
    wanted = {evidence.FINAL, *(spec.raw_field for spec in results.specs)}
    return source, tuple(column for column in source.columns if column.name in wanted)


def _against_own(results: Results, origin: str, stored: Judgements | None) -> Study:
    from aim_tui.core.agreement.study import Study
    from aim_tui.store import evidence

    source, metrics = _scores(results, origin)
    contests = evidence.contests(stored, results) if stored is not None else ()
    rated = evidence.ratings(stored, results) if stored is not None else None
    candidates = (evidence.truth_judgement(source), rated, evidence.duel_judgement(contests))
    judgements = tuple(judgement for judgement in candidates if judgement is not None)
    return Study(metrics, judgements, source.samples, contests=contests, metadata=source.metadata)


def _against_file(results: Results, origin: str, file: JudgementFile) -> Study:
    from aim_tui.ui.session.judgement_files import judged_by

    source, metrics = _scores(results, origin)
    return judged_by(file, source, metrics)


def _preview(results: Results, origin: str, file: JudgementFile) -> Preview:
    from aim_tui.ui.session.judgement_files import preview

    return preview(file, _scores(results, origin)[0])


def _analyse(study: Study, group_by: str, progress: Callable[[int, int, str], object]) -> Analysis:
    # Brings scipy.stats, which takes a second: never on the loop.
    from aim_tui.core.agreement.analysis import Options, analyse

    return analyse(study, Options(group_by=group_by, top=TOP), progress)


def _write(analysis: Analysis, cell: AgreementCell | None, path: Path) -> None:
    from aim_tui.errors import ExportError
    from aim_tui.exports.agreement import AgreementFigure, AgreementReport
    from aim_tui.exports.formats import export, find_by_ending, format_of

    if (chosen := find_by_ending(path, AgreementReport)) is not None:
        export(AgreementReport(analysis), chosen, path)
    elif cell is None:
        raise ExportError("there is nothing to draw")
    else:
        export(AgreementFigure(cell), format_of(path, AgreementFigure), path)


def _unscored(results: Results, study: Study) -> str:
    from aim_tui.core.outcomes import Present

    things = "edits" if results.of_edits else "images"
    if not results.rows:
        elsewhere = "" if results.of_edits else "; in the files (o), l opens a folder"
        return f"There are no {things} here. q goes back{elsewhere}."
    if any(isinstance(entry.outcome, Present) for column in study.metrics for entry in column.entries):
        return ""
    return f"None of these {len(results.rows)} {things} has a score to compare with a judgement. q goes back; s scores."


def _unrated(*, of_edits: bool, stored: bool) -> str:
    if of_edits:
        return (
            "Nobody has rated one of these edits, and their file does not say which instructions are right "
            f"(is_correct).\n{_OR_FILE}"
        )
    if not stored:
        return f"There are no ratings: the application was opened without a store.\n{_OR_FILE}"
    return (
        "Nobody has rated one of these images, and there are no duels between them.\n"
        f"q goes back; there, enter reviews and 1 to 5 rate, D duels.\n{_OR_FILE}"
    )
