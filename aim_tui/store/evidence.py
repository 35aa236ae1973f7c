"""A stored run and what people said of its images, as the material of an analysis of agreement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aim_tui.core.agreement.duel_agreement import strengths
from aim_tui.core.agreement.study import Contest, Sample, Scale, StudyColumn, StudyEntry, StudyJudgement, StudySource
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import Missing, Outcome, Present
from aim_tui.core.ratings.opinions import RATINGS
from aim_tui.core.text import portable_path
from aim_tui.store.judgements import DuelOutcome, JudgementKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.store.judgements import Judgements
    from aim_tui.store.records import Run

RATING = "rating"
DUELS = "duels"
FINAL = "final_score"
#: What the keys of the application can give.
RATED = Scale(RATINGS[0], RATINGS[-1])

_NOT_SCORED = Missing("not scored")
_OUTCOMES = {DuelOutcome.LEFT: 1, DuelOutcome.RIGHT: -1, DuelOutcome.TIE: 0}


def source_of_run(run: Run) -> StudySource:
    """The raw and normalised values and the final score of a run, by the path of the image."""
    return source_of_results(run.results.settled(), f"run {run.info.id}")


def source_of_results(results: Results, origin: str) -> StudySource:
    """The same of results in memory; images are told apart by path."""
    columns = [_column(FINAL, results, origin, _final, True, Scale(0, 100))]
    for metric in results.plan.metrics:
        spec = get_metric(metric)
        scale = Scale(spec.low, spec.high) if math.isfinite(spec.low) and math.isfinite(spec.high) else None
        columns.append(_column(spec.raw_field, results, origin, _raw(metric), spec.higher_is_better, scale))
        if metric in results.plan.shares:
            columns.append(_column(spec.norm_field, results, origin, _norm(metric), True, Scale(0, 1)))
    return StudySource(
        origin=origin,
        columns=tuple(columns),
        samples={row.path: _sample(row, results) for row in results.rows},
        id_column="path",
    )


def ratings(judgements: Judgements, results: Results, scale: Scale = RATED) -> StudyJudgement | None:
    """What holds now of the ratings of these images, a column for each rater; None where there are none.

    Images are known by content: copies of one image share its ratings.
    """
    by_content = _by_content(results)
    held = judgements.current(JudgementKind.RATING, set(by_content))
    raters: dict[str, list[StudyEntry]] = {}
    for sha256, words in held.items():
        for rater, word in words.items():
            if isinstance(word.value, (int, float)):
                entries = (StudyEntry(path, Present(float(word.value))) for path in by_content[sha256])
                raters.setdefault(rater, []).extend(entries)
    if not raters:
        return None
    columns = (StudyColumn(rater, tuple(raters[rater]), scale=scale, origin="the store") for rater in sorted(raters))
    return StudyJudgement(RATING, tuple(columns))


def contests(judgements: Judgements, results: Results) -> tuple[Contest, ...]:
    """The duels between images of these results that were not skipped, by path."""
    by_content = _by_content(results)
    found = []
    for duel in judgements.duels():
        sides = (duel.left.sha256, duel.right.sha256)
        if duel.outcome in _OUTCOMES and all(side in by_content for side in sides) and sides[0] != sides[1]:
            first, second = (by_content[side][0] for side in sides)
            found.append(Contest(first, second, _OUTCOMES[duel.outcome], duel.rater))
    return tuple(found)


def duel_judgement(fought: Sequence[Contest]) -> StudyJudgement | None:
    """The strengths that duels give their images; None where there are none.

    All raters together: a strength is made of many contests, and one rater's are seldom enough.
    """
    found = strengths(fought)
    entries = tuple(StudyEntry(path, Present(value)) for path, value in found.items())
    return StudyJudgement(DUELS, (StudyColumn(DUELS, entries, origin="the store"),)) if entries else None


def _by_content(results: Results) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in results.rows:
        if row.facts is not None:
            found.setdefault(row.facts.sha256, []).append(row.path)
    return found


def _column(
    name: str,
    results: Results,
    origin: str,
    outcome: Callable[[Row], Outcome | None],
    higher_is_better: bool,
    scale: Scale | None,
) -> StudyColumn:
    entries = tuple(StudyEntry(row.path, outcome(row) or _NOT_SCORED) for row in results.rows)
    return StudyColumn(name, entries, higher_is_better, scale, origin)


def _final(row: Row) -> Outcome | None:
    return row.scores.final if row.scores else None


def _raw(metric: str) -> Callable[[Row], Outcome | None]:
    return lambda row: row.outcome(metric)


def _norm(metric: str) -> Callable[[Row], Outcome | None]:
    return lambda row: row.scores.norms.get(metric) if row.scores else None


def _sample(row: Row, results: Results) -> Sample:
    folder = portable_path(row.path).rpartition("/")[0]
    labels = {"folder": folder, "format": row.facts.format if row.facts else "", "caption": row.caption or ""}
    return Sample(row.path, path=row.path, instruction=results.context.prompt, labels=labels)
