"""A run and the judgements of its images or edits, as sources for an analysis of agreement."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from aim_tui.core.agreement.cell_values import cell_text, truth_of
from aim_tui.core.agreement.duel_agreement import strengths
from aim_tui.core.agreement.study import Contest, Sample, Scale, StudyColumn, StudyEntry, StudyJudgement, StudySource
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present, value_of
from aim_tui.core.ratings.opinions import RATINGS
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import portable_path
from aim_tui.errors import UsageError
from aim_tui.store.judgements import DuelOutcome, Image, JudgementKind, Judgements
from aim_tui.store.records import Run, RunKind

RATING = "rating"
DUELS = "duels"
FINAL = "final_score"
TRUTH = "is_correct"
#: The scale of the ratings that the application has keys for.
RATED = Scale(RATINGS[0], RATINGS[-1])

_NOT_SCORED = Missing("not scored")
_OUTCOMES = {DuelOutcome.LEFT: 1, DuelOutcome.RIGHT: -1, DuelOutcome.TIE: 0}


def source_of_run(run: Run) -> StudySource:
    """The raw and normalised values and the final score of a run by path, or every number of edits by id."""
    if run.info.kind is RunKind.EDITS:
        return source_of(run.results, f"edit run {run.info.id}")
    return source_of(run.results.settled(), f"run {run.info.id}")


def source_of(results: Results, origin: str) -> StudySource:
    """The same of results in memory."""
    return source_of_edits(results, origin) if results.of_edits else source_of_results(results, origin)


def source_of_results(results: Results, origin: str) -> StudySource:
    """The raw and normalised values and the final score of images, by path."""
    columns = [_column(FINAL, results, origin, lambda row: row.final_outcome, True, Scale(0, 100))]
    for metric in results.plan.metrics:
        spec, raw = get_metric(metric), partial(Row.outcome, metric=metric)
        scale = Scale(spec.low, spec.high) if math.isfinite(spec.low) and math.isfinite(spec.high) else None
        model = _model(results, spec.roles)
        columns.append(_column(spec.raw_field, results, origin, raw, spec.higher_is_better, scale, model))
        if metric in results.plan.shares:
            norm = partial(Row.norm, metric=metric)
            columns.append(_column(spec.norm_field, results, origin, norm, True, Scale(0, 1), model))
    return StudySource(
        origin=origin,
        columns=tuple(columns),
        samples={row.path: _sample(row, results) for row in results.rows},
        metadata=_devices(results),
        id_column="path",
    )


def source_of_edits(results: Results, origin: str) -> StudySource:
    """Every number of edits and their known truth, by id; UsageError if a truth is neither right nor wrong."""
    samples = {row.id: _edit_sample(row, origin, results.specs) for row in results.rows}
    columns = []
    for spec in results.specs:
        scale = Scale(spec.low, spec.high) if math.isfinite(spec.high) else None
        outcome, model = partial(_outcome_or_error, metric=spec.id), _model(results, spec.roles)
        columns.append(_column(spec.id, results, origin, outcome, spec.higher_is_better, scale, model))
    known = [StudyEntry(name, Present(float(one.correct))) for name, one in samples.items() if one.correct is not None]
    if known:
        columns.append(StudyColumn(TRUTH, tuple(known), scale=Scale(0, 1), origin=origin))
    return StudySource(
        origin=origin, columns=tuple(columns), samples=samples, metadata=_devices(results), id_column="id"
    )


def metrics_of(source: StudySource) -> tuple[StudyColumn, ...]:
    """The columns of metrics."""
    return tuple(column for column in source.columns if column.name != TRUTH)


def truth_judgement(source: StudySource) -> StudyJudgement | None:
    """Whether each instruction is right, 1 or 0; None if that is unknown."""
    column = next((column for column in source.columns if column.name == TRUTH), None)
    return StudyJudgement(TRUTH, (column,)) if column is not None else None


def judged_edit(row: Row) -> Image | None:
    """The edit as judgements know it: both images by content, and the instruction; None before they are read.

    The same pair with another instruction is another edit, and neither is the target image alone.
    """
    if row.source is None or row.facts is None:
        return None
    return Image(edit_identity(row.source.sha256, row.facts.sha256, row.instruction), row.path)


def edit_identity(source_sha256: str, target_sha256: str, instruction: str) -> str:
    """The identity of an edit, stored in place of the hash of an image."""
    parts = ("edit", source_sha256, target_sha256, instruction)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def ratings(judgements: Judgements, results: Results, scale: Scale = RATED) -> StudyJudgement | None:
    """The current ratings of these images or edits, a column for each rater; None without any.

    Images are identified by content: copies of one image share its ratings. Edits by both images and the instruction.
    """
    by_content = _by_content(results)
    current = judgements.current(JudgementKind.RATING, set(by_content))
    raters: dict[str, list[StudyEntry]] = {}
    for sha256, by_rater in current.items():
        for rater, judgement in by_rater.items():
            if isinstance(judgement.value, (int, float)):
                entries = (StudyEntry(name, Present(float(judgement.value))) for name in by_content[sha256])
                raters.setdefault(rater, []).extend(entries)
    if not raters:
        return None
    columns = (StudyColumn(rater, tuple(raters[rater]), scale=scale, origin="the store") for rater in sorted(raters))
    return StudyJudgement(RATING, tuple(columns))


def contests(judgements: Judgements, results: Results) -> tuple[Contest, ...]:
    """The duels between images of these results, without skipped ones, by path."""
    by_content = _by_content(results)
    found = []
    for duel in judgements.duels():
        sides = (duel.left.sha256, duel.right.sha256)
        if duel.outcome in _OUTCOMES and all(side in by_content for side in sides) and sides[0] != sides[1]:
            first, second = (by_content[side][0] for side in sides)
            found.append(Contest(first, second, _OUTCOMES[duel.outcome], duel.rater))
    return tuple(found)


def duel_judgement(duels: Sequence[Contest]) -> StudyJudgement | None:
    """The Bradley-Terry strengths from duels; None without any.

    All raters together: a strength needs many duels, and one rater's are seldom enough.
    """
    found = strengths(duels)
    entries = tuple(StudyEntry(path, Present(value)) for path, value in found.items())
    return StudyJudgement(DUELS, (StudyColumn(DUELS, entries, origin="the store"),)) if entries else None


def _by_content(results: Results) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in results.rows:
        if row.edit is None:
            sha256 = row.facts.sha256 if row.facts is not None else None
        else:
            judged = judged_edit(row)
            sha256 = judged.sha256 if judged is not None else None
        if sha256 is not None:
            found.setdefault(sha256, []).append(row.id)
    return found


def _column(
    name: str,
    results: Results,
    origin: str,
    outcome: Callable[[Row], Outcome | None],
    higher_is_better: bool,
    scale: Scale | None,
    model: str = "",
) -> StudyColumn:
    entries = tuple(StudyEntry(row.id, outcome(row) or _NOT_SCORED) for row in results.rows)
    return StudyColumn(name, entries, higher_is_better, scale, origin, model)


def _model(results: Results, roles: Iterable[str]) -> str:
    """The models of these roles that made the values, as far as they are stored."""
    infos = (results.models.get(role) for role in roles)
    return ", ".join(dict.fromkeys(info.id for info in infos if info is not None))


def _devices(results: Results) -> dict[str, str]:
    """The devices that the models ran on."""
    devices = dict.fromkeys(info.device for info in results.models.values() if info.device)
    return {"device": ", ".join(devices)} if devices else {}


def _outcome_or_error(row: Row, metric: str) -> Outcome | None:
    return Failed(row.error) if row.error is not None else row.outcome(metric)


def _sample(row: Row, results: Results) -> Sample:
    folder = portable_path(row.path).rpartition("/")[0]
    labels = {"folder": folder, "format": row.facts.format if row.facts else "", "caption": row.caption or ""}
    return Sample(row.path, path=row.path, instruction=results.context.prompt, labels=labels)


def _edit_sample(row: Row, origin: str, specs: Sequence[MetricSpec]) -> Sample:
    edit, truth = row.edit, row.truth
    if edit is None:
        raise UsageError(f"{origin} is damaged: one of its rows is not an edit")
    try:
        correct = truth_of(truth.get(TRUTH))
    except ValueError as error:
        raise UsageError(f"{origin}, edit {row.id}: {error}") from None
    labels = {
        "source_image": os.path.basename(edit.source),
        "target_image": os.path.basename(row.path),
        "instruction": edit.instruction,
        **{name: cell_text(value) for name, value in truth.items()},
    }
    return Sample(
        id=row.id,
        path=row.path,
        source=edit.source,
        instruction=edit.instruction,
        labels=labels,
        correct=correct,
        match=cell_text(truth.get("original_id")),
        error_type=cell_text(truth.get("error_type")),
        values={spec.id: value for spec in specs if (value := value_of(row.outcome(spec.id))) is not None},
    )
