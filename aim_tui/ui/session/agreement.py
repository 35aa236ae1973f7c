"""How well scores agree with judgements: gathered from the rows, the store and files, and worked out in threads."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.scoring.results import Results, Row
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.core.agreement.analysis import AgreementCell, Analysis
    from aim_tui.core.agreement.study import Study, StudySource
    from aim_tui.store.judgements import Judgements
    from aim_tui.ui.session.judgement_files import JudgementFile, Preview
    from aim_tui.ui.session.workspace import Workspace

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


class AgreementService(abc.ABC):
    """What the Correlation screen needs; `gather` and `preview` know where the numbers come from."""

    own = "own ratings and duels"
    """What judges where no file does."""

    @property
    @abc.abstractmethod
    def origin(self) -> str:
        """Where the numbers come from, in a few words."""

    @abc.abstractmethod
    async def gather(self, file: JudgementFile | None = None) -> Gathered:
        """The numbers against a file of judgements, else against what is known without one.

        UsageError says what is wrong with the file; StoreError where the store cannot be read.
        """

    @abc.abstractmethod
    async def preview(self, file: JudgementFile) -> Preview:
        """What a file of judgements has to do with the numbers; UsageError says what is wrong with it."""

    async def analyse(self, study: Study, group_by: str = "") -> Analysis:
        """All statistics of a study, the same for the same study."""
        return await asyncio.to_thread(_analyse, study, group_by)

    async def write(self, analysis: Analysis, cell: AgreementCell | None, path: Path) -> None:
        """Write everything as .json or .md, or the figure of one cell as .png or .svg.

        ExportError where it cannot be written, or where a figure needs what is not installed.
        """
        await asyncio.to_thread(_write, analysis, cell, path)


class ImageAgreementService(AgreementService):
    """The agreement of the rows that are shown, whether of a folder or of a stored run."""

    def __init__(self, workspace: Workspace, store: StoreAccess) -> None:
        self._workspace = workspace
        self._store = store

    @property
    def origin(self) -> str:
        """Where the rows come from."""
        return self._workspace.source

    async def gather(self, file: JudgementFile | None = None) -> Gathered:
        """The rows against a file of judgements, else against the program's own ratings and duels.

        UsageError says what is wrong with the file; StoreError where the store cannot be read.
        """
        results, origin = await self._settled(), self.origin
        if file is not None:
            study = await asyncio.to_thread(_against_file, results, origin, file)
            return _gathered(study, results, _unscored(results, study))

        def own_study(judgements: Judgements) -> Study:
            return _against_own(results, origin, judgements)

        study = await self._store.judged(own_study, await asyncio.to_thread(_alone, results, origin))
        missing = _unscored(results, study)
        if not missing and not study.judgements:
            missing = _unrated(stored=self._store.path is not None)
        return _gathered(study, results, missing)

    async def preview(self, file: JudgementFile) -> Preview:
        """What a file of judgements has to do with the rows; UsageError says what is wrong with it."""
        results, origin = await self._settled(), self.origin
        return await asyncio.to_thread(_preview, results, origin, file)

    async def _settled(self) -> Results:
        """The rows without values of another prompt or reference, as they are now.

        On the loop, where no fact can come between two values of a row, and in portions.
        """
        live = self._workspace.results
        settled = Results(live.plan, live.context)
        rows = live.rows
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            portion = (live.settled_row(row) for row in rows[start : start + _ROWS_AT_ONCE])
            settled.rows.extend(replace(row, raws=dict(row.raws)) for row in portion)
            await asyncio.sleep(0)
        return settled


def _gathered(study: Study, results: Results, missing: str) -> Gathered:
    return Gathered(study, results.rows, tuple(row.path for row in results.rows), missing)


def groupings(study: Study) -> dict[str, int]:
    """The labels that split the samples into two or more groups, with how many groups; one of each sample is none."""
    values: dict[str, set[str]] = {}
    samples = list(study.samples.values())
    for sample in samples:
        for label, value in sample.labels.items():
            values.setdefault(label, set()).add(value)
    return {label: len(distinct) for label, distinct in values.items() if 1 < len(distinct) < len(samples)}


def _scores(results: Results, origin: str) -> tuple[StudySource, Study]:
    """The rows as a source, and a study of their final score and raw values against nothing."""
    from aim_tui.core.agreement.study import Study
    from aim_tui.core.metrics.registry import get_metric
    from aim_tui.store import evidence

    source = evidence.source_of_results(results, origin)
    wanted = {evidence.FINAL, *(get_metric(metric).raw_field for metric in results.plan.metrics)}
    metrics = tuple(column for column in source.columns if column.name in wanted)
    return source, Study(metrics, (), source.samples)


def _alone(results: Results, origin: str) -> Study:
    return _scores(results, origin)[1]


def _against_own(results: Results, origin: str, stored: Judgements) -> Study:
    from aim_tui.store import evidence

    contests = evidence.contests(stored, results)
    candidates = (evidence.ratings(stored, results), evidence.duel_judgement(contests))
    judgements = tuple(judgement for judgement in candidates if judgement is not None)
    return replace(_alone(results, origin), judgements=judgements, contests=contests)


def _against_file(results: Results, origin: str, file: JudgementFile) -> Study:
    from aim_tui.ui.session.judgement_files import judged_by

    source, alone = _scores(results, origin)
    return judged_by(file, source, alone.metrics)


def _preview(results: Results, origin: str, file: JudgementFile) -> Preview:
    from aim_tui.ui.session.judgement_files import preview

    return preview(file, _scores(results, origin)[0])


def _analyse(study: Study, group_by: str) -> Analysis:
    # Brings scipy.stats, which takes a second: never on the loop.
    from aim_tui.core.agreement.analysis import Options, analyse

    return analyse(study, Options(group_by=group_by, top=TOP))


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

    if not results.rows:
        return "There are no images here. q goes back; in the files (o), l opens a folder."
    if any(isinstance(entry.outcome, Present) for column in study.metrics for entry in column.entries):
        return ""
    return f"None of these {len(results.rows)} images has a score to hold against a judgement. q goes back; s scores."


def _unrated(*, stored: bool) -> str:
    if not stored:
        return f"There are no ratings: the application was opened without a store.\n{_OR_FILE}"
    return (
        "Nobody has rated one of these images, and there are no duels between them.\n"
        f"q goes back; there, enter reviews and 1 to 5 rate, D duels.\n{_OR_FILE}"
    )
