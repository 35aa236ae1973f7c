"""The study of `aim-tui correlate`: metrics and judgements from a stored run or from files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from aim_tui.core.agreement.error_measures import ErrorMapping
from aim_tui.core.agreement.merge_sources import gather
from aim_tui.core.agreement.study import Scale, Study, StudyJudgement, StudySource
from aim_tui.core.metrics.edits import FAMILIES
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError
from aim_tui.inputs.judgements import ColumnRole, Reading, choose, read_source
from aim_tui.runs.storage import open_existing, store_path
from aim_tui.store import evidence
from aim_tui.store.judgements import Judgements
from aim_tui.store.records import Run, RunKind
from aim_tui.store.runs import Runs


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """The options of `aim-tui correlate` that say what to read."""

    run: str | None
    metrics: tuple[str, ...]
    against: tuple[str, ...]
    scores: Path | None
    judgements: Path | None
    ids: tuple[str, ...]
    rater_column: str
    raters: tuple[str, ...]
    scale: Scale | None
    metric_scale: Scale | None
    lower_is_better: frozenset[str]
    store: Path | None


def gather_study(request: StudyRequest) -> Study:
    """The study of a run or of files; UsageError if something is missing or no sample can be joined."""
    if request.scores is not None and request.run is not None:
        raise UsageError("a run and --scores cannot be combined", "give one of them")
    if len(request.ids) > 2:
        raise UsageError("--id names at most two columns: of the scores, of the judgements")
    study = _study_of_files(request) if request.scores is not None else _study_of_run(request)
    _check_joined(study)
    if request.metric_scale is None:
        return study
    return replace(study, metrics=tuple(replace(column, scale=request.metric_scale) for column in study.metrics))


def error_mapping(name: str) -> ErrorMapping:
    """The mapping of a --normalize option; UsageError for an unknown one."""
    try:
        return ErrorMapping(name)
    except ValueError:
        raise UsageError(f"--normalize: unknown {name!r}{did_you_mean(name, [*map(str, ErrorMapping)])}") from None


def _study_of_files(request: StudyRequest) -> Study:
    assert request.scores is not None
    reading = Reading(lower_is_better=request.lower_is_better, scale=request.scale, rater_column=request.rater_column)
    scores_id = request.ids[0] if request.ids else ""
    if request.judgements is None:
        # One file with both: the declared scale and the raters are those of the judgements only.
        scores = judged = read_source(request.scores, replace(reading, id_column=scores_id))
    else:
        scores = read_source(request.scores, Reading(scores_id, request.lower_is_better))
        judged = read_source(request.judgements, replace(reading, id_column=request.ids[-1] if request.ids else ""))
    _check_lower_is_better(request.lower_is_better, scores, judged)
    taken = (*request.against, *request.raters) if judged is scores else ()
    metrics = choose(scores, request.metrics, "--metric", ColumnRole.METRIC, taken)
    if judged is scores and request.scale:
        metrics = tuple(replace(column, scale=None) for column in metrics)
    names = [column.name for column in metrics]
    return gather(scores, metrics, judged, _judgements(judged, request, names, one_file=judged is scores))


def _study_of_run(request: StudyRequest) -> Study:
    with open_existing(store_path(request.store)) as database:
        runs = Runs(database)
        run = runs.load(runs.find(request.run or "last", kind=None))
        study = _study_of_edits if run.info.kind is RunKind.EDITS else _study_of_images
        return study(request, run, Judgements(database))


def _study_of_images(request: StudyRequest, run: Run, stored: Judgements) -> Study:
    ratings = evidence.ratings(stored, run.results, request.scale or evidence.RATED)
    duels = evidence.contests(stored, run.results)
    scores = evidence.source_of_run(run)
    default = (evidence.FINAL, *(get_metric(metric).raw_field for metric in run.results.plan.metrics))
    own = {evidence.RATING: ratings, evidence.DUELS: evidence.duel_judgement(duels)}
    study = _study_of_scores(request, scores, default, own, "image")
    names = {judgement.name for judgement in study.judgements}
    return replace(study, contests=duels if request.judgements is None and evidence.DUELS in names else ())


def _study_of_edits(request: StudyRequest, run: Run, stored: Judgements) -> Study:
    scores = evidence.source_of_run(run)
    ratings = evidence.ratings(stored, run.results, request.scale or evidence.RATED)
    default = tuple(column.name for column in evidence.metrics_of(scores))
    # The name of a family stands for all its metrics, as with --metrics of `aim-tui edit`.
    of_families = (spec.id for name in request.metrics for spec in FAMILIES.get(name, ()))
    request = replace(request, metrics=(*of_families, *(name for name in request.metrics if name not in FAMILIES)))
    own = {evidence.RATING: ratings, evidence.TRUTH: evidence.truth_judgement(scores)}
    return _study_of_scores(request, scores, default, own, "edit")


def _study_of_scores(
    request: StudyRequest, scores: StudySource, default: tuple[str, ...], own: dict[str, StudyJudgement | None], of: str
) -> Study:
    """A run's columns against a file of judgements, or else against the judgements of the store (`own`)."""
    columns = (
        replace(column, higher_is_better=False) if column.name in request.lower_is_better else column
        for column in scores.columns
    )
    scores = replace(scores, columns=tuple(columns))
    metrics = choose(scores, tuple(_field(name) for name in request.metrics) or default, "--metric", ColumnRole.METRIC)
    if request.judgements is not None:
        reading = Reading(
            request.ids[-1] if request.ids else "", request.lower_is_better, request.scale, request.rater_column
        )
        judged = read_source(request.judgements, reading)
        _check_lower_is_better(request.lower_is_better, scores, judged)
        names = [column.name for column in metrics]
        return gather(scores, metrics, judged, _judgements(judged, request, names, one_file=False))
    _check_lower_is_better(request.lower_is_better, scores)
    judgements = _stored_judgements(scores, own, tuple(_field(name) for name in request.against), of)
    return gather(scores, metrics, scores, judgements)


def _stored_judgements(
    scores: StudySource, own: dict[str, StudyJudgement | None], against: tuple[str, ...], of: str
) -> list[StudyJudgement]:
    """The named ratings, duels, known truth or columns of the run; without names, all judgements of the store."""
    if not against:
        stored = [judgement for judgement in own.values() if judgement is not None]
        if not stored:
            raise UsageError(
                f"no {of} of {scores.origin} has a judgement (looked for: {', '.join(own)})",
                f"rate the {of}s in the application, or name a file: --judgements FILE",
            )
        return stored
    judgements = []
    for name in against:
        judgement = own.get(name)
        if name in own and judgement is None:
            raise UsageError(f"no {of} of {scores.origin} has a judgement named {name!r}")
        judgements.append(judgement or StudyJudgement(name, choose(scores, (name,), "--against", ColumnRole.JUDGEMENT)))
    return judgements


def _judgements(
    judged: StudySource, request: StudyRequest, metrics: list[str], *, one_file: bool
) -> list[StudyJudgement]:
    """The judgements of a file: its columns, split by rater if rows or columns name raters."""
    if request.raters:
        if request.rater_column:
            raise UsageError("--rater and --raters cannot be combined", "give one of them")
        name = request.against[0] if request.against else "rating"
        return [StudyJudgement(name, choose(judged, request.raters, "--raters", ColumnRole.JUDGEMENT))]
    columns = choose(
        judged,
        request.against,
        "--against",
        ColumnRole.JUDGEMENT,
        taken=metrics if one_file else (),
        # A judge's file may repeat the metric beside its own score.
        avoided=metrics,
    )
    return [StudyJudgement(column.name, judged.raters.get(column.name) or (column,)) for column in columns]


def _field(name: str) -> str:
    """The column name of a metric's short name; other names stay."""
    try:
        return get_metric(name).raw_field
    except KeyError:
        return "final_score" if name == "final" else name


def _check_lower_is_better(lower: frozenset[str], *sources: StudySource) -> None:
    """UsageError for an unknown column: a mistyped one would leave a metric with the wrong direction."""
    known = dict.fromkeys(column.name for source in sources for column in source.columns)
    for name in sorted(lower - known.keys()):
        raise UsageError(f"--lower-is-better: no column {name!r}{did_you_mean(name, known)}")


def _check_joined(study: Study) -> None:
    left = dict.fromkeys(entry.id for column in study.metrics for entry in column.entries)
    right = dict.fromkeys(e.id for judgement in study.judgements for column in judgement.raters for e in column.entries)
    if left.keys().isdisjoint(right):
        names = [", ".join(map(repr, list(side)[:3])) or "none" for side in (left, right)]
        raise UsageError(
            f"no sample has both a score and a judgement: ids of the scores: {names[0]}; of the judgements: {names[1]}",
            "name the id columns with --id",
        )
