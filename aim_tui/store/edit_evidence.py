"""A run over edits, what is known of it and what people said, as the material of an analysis of agreement."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from aim_tui.core.agreement.cell_values import cell_text, truth_of
from aim_tui.core.agreement.study import Sample, Scale, StudyColumn, StudyEntry, StudyJudgement, StudySource
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.errors import UsageError
from aim_tui.store.evidence import RATED, RATING
from aim_tui.store.judgements import Image, JudgementKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aim_tui.core.metrics.spec import MetricSpec
    from aim_tui.core.scoring.edit_results import EditResult, EditResults
    from aim_tui.store.edit_runs import EditRun, StoredEdit
    from aim_tui.store.judgements import Judgements

TRUTH = "is_correct"

_NOT_SCORED = Missing("not scored")


def source_of_edit_run(run: EditRun) -> StudySource:
    """Every number of a stored run and its known truth, by the id of the edit."""
    return source_of_edits(run.results, run.edits, f"edit run {run.id}")


def source_of_edits(results: EditResults, edits: Sequence[StoredEdit], origin: str) -> StudySource:
    """The same of results in memory; UsageError where an edit says neither yes nor no of being right."""
    samples = {edit.id: _sample(edit, origin) for edit in edits}
    columns = [_column(spec, results, edits, origin) for spec in results.specs]
    known = [StudyEntry(name, Present(float(one.correct))) for name, one in samples.items() if one.correct is not None]
    if known:
        columns.append(StudyColumn(TRUTH, tuple(known), scale=Scale(0, 1), origin=origin))
    return StudySource(origin=origin, columns=tuple(columns), samples=samples, id_column="id")


def metrics_of(source: StudySource) -> tuple[StudyColumn, ...]:
    """The columns that were measured."""
    return tuple(column for column in source.columns if column.name != TRUTH)


def truth_judgement(source: StudySource) -> StudyJudgement | None:
    """Whether each instruction is right, 1 or 0; None where nobody says."""
    column = next((column for column in source.columns if column.name == TRUTH), None)
    return StudyJudgement(TRUTH, (column,)) if column is not None else None


def edit_ratings(
    judgements: Judgements, results: EditResults, edits: Sequence[StoredEdit], scale: Scale = RATED
) -> StudyJudgement | None:
    """What holds now of the ratings of these edits, a column for each rater; None where there are none."""
    by_content: dict[str, list[str]] = {}
    for row, edit in zip(results.rows, edits, strict=True):
        if (judged := judged_edit(row, edit.instruction, edit.target)) is not None:
            by_content.setdefault(judged.sha256, []).append(edit.id)
    raters: dict[str, list[StudyEntry]] = {}
    for sha256, words in judgements.current(JudgementKind.RATING, set(by_content)).items():
        for rater, word in words.items():
            if isinstance(word.value, (int, float)):
                entries = (StudyEntry(name, Present(float(word.value))) for name in by_content[sha256])
                raters.setdefault(rater, []).extend(entries)
    if not raters:
        return None
    columns = (StudyColumn(rater, tuple(raters[rater]), scale=scale, origin="the store") for rater in sorted(raters))
    return StudyJudgement(RATING, tuple(columns))


def judged_edit(row: EditResult, instruction: str, target: str) -> Image | None:
    """What a judgement of an edit is of: both images by content and the instruction; None before they are read.

    The same pair under another instruction is another edit, and the target alone another thing again.
    """
    if row.source is None or row.target is None:
        return None
    return Image(edit_identity(row.source.sha256, row.target.sha256, instruction), target)


def edit_identity(source_sha256: str, target_sha256: str, instruction: str) -> str:
    """What stands for an edit where the store has the hash of an image."""
    parts = ("edit", source_sha256, target_sha256, instruction)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _column(spec: MetricSpec, results: EditResults, edits: Sequence[StoredEdit], origin: str) -> StudyColumn:
    entries = []
    for row, edit in zip(results.rows, edits, strict=True):
        outcome = Failed(row.error) if row.error is not None else row.outcomes.get(spec.id)
        entries.append(StudyEntry(edit.id, outcome or _NOT_SCORED))
    scale = Scale(spec.low, spec.high) if spec.high < float("inf") else None
    return StudyColumn(spec.id, tuple(entries), spec.higher_is_better, scale, origin)


def _sample(edit: StoredEdit, origin: str) -> Sample:
    truth = edit.truth
    try:
        correct = truth_of(truth.get(TRUTH))
    except ValueError as error:
        raise UsageError(f"{origin}, edit {edit.id}: {error}") from None
    labels = {
        "source_image": os.path.basename(edit.source),  # noqa: PTH119  # as text: any bytes
        "target_image": os.path.basename(edit.target),  # noqa: PTH119
        "instruction": edit.instruction,
        **{name: cell_text(value) for name, value in truth.items()},
    }
    return Sample(
        id=edit.id,
        path=edit.target,
        source=edit.source,
        instruction=edit.instruction,
        labels=labels,
        correct=correct,
        match=cell_text(truth.get("original_id")),
        error_type=cell_text(truth.get("error_type")),
    )
