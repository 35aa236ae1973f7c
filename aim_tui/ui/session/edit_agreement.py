"""How well the metrics of edits agree with their known truth, with ratings and with files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.scoring.results import Results
from aim_tui.ui.session.agreement import AgreementService, Gathered
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.core.agreement.study import Study, StudySource
    from aim_tui.store.judgements import Judgements
    from aim_tui.ui.session.judgement_files import JudgementFile, Preview


@dataclass(frozen=True, slots=True)
class ShownEdits:
    """The edits on the screen."""

    results: Results
    origin: str
    """Where they come from, in a few words."""


class EditAgreementDesk(AgreementService):
    """The agreement of the edits that are shown, whether of a file or of a stored run."""

    own = "known truth and own ratings"

    def __init__(self, store: StoreAccess, shown: Callable[[], ShownEdits]) -> None:
        self._store = store
        self._shown = shown

    @property
    def origin(self) -> str:
        """Where the edits come from."""
        return self._shown().origin

    async def gather(self, file: JudgementFile | None = None) -> Gathered:
        """The edits against a file of judgements, else against their known truth and the ratings they were given."""
        shown = self._shown()
        # On the loop, where no fact can come between two numbers of a row.
        source = _source(shown)
        if file is not None:
            study = await asyncio.to_thread(_against_file, source, file)
            return _gathered(shown, study)

        def own_study(judgements: Judgements) -> Study:
            return _against_own(source, shown, judgements)

        return _gathered(shown, await self._store.judged(own_study, _against_own(source, shown, None)))

    async def preview(self, file: JudgementFile) -> Preview:
        """What a file of judgements has to do with the edits; UsageError says what is wrong with it."""
        from aim_tui.ui.session.judgement_files import preview

        return await asyncio.to_thread(preview, file, _source(self._shown()))


def _source(shown: ShownEdits) -> StudySource:
    from aim_tui.store.evidence import source_of_edits

    return source_of_edits(shown.results, shown.origin)


def _against_own(source: StudySource, shown: ShownEdits, judgements: Judgements | None) -> Study:
    from aim_tui.core.agreement.study import Study
    from aim_tui.store import evidence

    rated = evidence.ratings(judgements, shown.results) if judgements is not None else None
    known = tuple(one for one in (evidence.truth_judgement(source), rated) if one is not None)
    return Study(evidence.metrics_of(source), known, source.samples, metadata=source.metadata)


def _against_file(source: StudySource, file: JudgementFile) -> Study:
    from aim_tui.store.evidence import metrics_of
    from aim_tui.ui.session.judgement_files import judged_by

    return judged_by(file, source, metrics_of(source))


def _gathered(shown: ShownEdits, study: Study) -> Gathered:
    rows = shown.results.rows
    return Gathered(study, rows, tuple(row.id for row in rows), _missing(shown, study))


def _missing(shown: ShownEdits, study: Study) -> str:
    from aim_tui.core.outcomes import Present

    edits = len(shown.results.rows)
    if not edits:
        return "There are no edits here. q goes back."
    if not any(isinstance(entry.outcome, Present) for column in study.metrics for entry in column.entries):
        return f"None of these {edits} edits has a value to compare with a judgement. q goes back; s scores."
    if not study.judgements:
        return (
            "Nobody has rated one of these edits, and their file does not say which instructions are right "
            "(is_correct).\ni reads judgements from a file."
        )
    return ""
