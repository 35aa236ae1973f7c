"""What `aim-tui correlate` is asked for, and the study that it adds up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aim_tui.core.agreement.error_measures import ErrorMapping
from aim_tui.core.agreement.merge_sources import gather
from aim_tui.core.agreement.study import Study, StudyColumn, StudyJudgement, StudySource
from aim_tui.core.metrics.edits import FAMILIES
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError
from aim_tui.inputs.judgements import Reading, choose, read_source

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.core.agreement.study import Scale
    from aim_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """The options that decide about what is read."""

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


def gather_study(asked: StudyRequest) -> Study:
    """The study of a run or of files; UsageError says what is missing, and where nothing at all can be joined."""
    if asked.scores is not None and asked.run is not None:
        raise UsageError("a run and --scores are two sources of scores", "give one of them")
    if len(asked.ids) > 2:
        raise UsageError("--id names at most two columns: of the scores, of the judgements")
    study = _of_files(asked) if asked.scores is not None else _of_run(asked)
    _refuse_nothing(study)
    _refuse_itself(study)
    return _with_metric_scale(study, asked.metric_scale)


def mapping_of(name: str) -> ErrorMapping:
    """The mapping of that name; UsageError of another."""
    try:
        return ErrorMapping(name)
    except ValueError:
        raise UsageError(f"--normalize: unknown {name!r}{did_you_mean(name, [*map(str, ErrorMapping)])}") from None


def _of_files(asked: StudyRequest) -> Study:
    assert asked.scores is not None
    reading = Reading(lower_is_better=asked.lower_is_better, scale=asked.scale, rater_column=asked.rater_column)
    scores_id = asked.ids[0] if asked.ids else ""
    if asked.judgements is None:
        # One file with both: only what is judged with has the declared scale, and only it has raters.
        scores = judged = read_source(asked.scores, replace(reading, id_column=scores_id))
    else:
        plain = Reading(scores_id, asked.lower_is_better)
        scores = read_source(asked.scores, plain)
        judged = read_source(asked.judgements, replace(reading, id_column=asked.ids[-1] if asked.ids else ""))
    _refuse_unknown(asked.lower_is_better, scores, judged)
    taken = (*asked.against, *asked.raters) if judged is scores else ()
    metrics = choose(scores, asked.metrics, "--metric", taken)
    if judged is scores:
        undeclared = (replace(column, scale=None) if asked.scale else column for column in metrics)
        metrics = tuple(undeclared)
    judgements = _judgements(judged, asked, [column.name for column in metrics] if judged is scores else ())
    return gather(scores, metrics, judged, judgements)


def _of_run(asked: StudyRequest) -> Study:
    from aim_tui.runs.storage import open_existing, store_path
    from aim_tui.store.any_runs import RunKind, find_any

    with open_existing(store_path(asked.store)) as database:
        kind, run_id = find_any(database, asked.run or "last")
        gathered = _of_edits if kind is RunKind.EDITS else _of_images
        return gathered(asked, database, run_id)


def _of_images(asked: StudyRequest, database: Database, run_id: str) -> Study:
    from aim_tui.store import evidence
    from aim_tui.store.judgements import Judgements
    from aim_tui.store.runs import Runs

    said, run = Judgements(database), Runs(database).load(run_id)
    rated = evidence.ratings(said, run.results, asked.scale or evidence.RATED)
    fought = evidence.contests(said, run.results)
    scores = evidence.source_of_run(run)
    wanted = (evidence.FINAL, *(get_metric(metric).raw_field for metric in run.results.plan.metrics))
    own = {evidence.RATING: rated, evidence.DUELS: evidence.duel_judgement(fought)}
    study = _of_scores(asked, scores, wanted, own, "an image")
    told = {judgement.name for judgement in study.judgements}
    return replace(study, contests=fought if asked.judgements is None and evidence.DUELS in told else ())


def _of_edits(asked: StudyRequest, database: Database, run_id: str) -> Study:
    from aim_tui.store import edit_evidence
    from aim_tui.store.edit_runs import EditRuns
    from aim_tui.store.evidence import RATED, RATING
    from aim_tui.store.judgements import Judgements

    run = EditRuns(database).load(run_id)
    scores = edit_evidence.source_of_edit_run(run)
    rated = edit_evidence.edit_ratings(Judgements(database), run.results, run.edits, asked.scale or RATED)
    wanted = tuple(column.name for column in edit_evidence.metrics_of(scores))
    # A family stands for its numbers, as --metrics of `aim-tui edit` names it.
    named = (spec.id for name in asked.metrics for spec in FAMILIES.get(name, ()))
    asked = replace(asked, metrics=(*named, *(name for name in asked.metrics if name not in FAMILIES)))
    own = {RATING: rated, edit_evidence.TRUTH: edit_evidence.truth_judgement(scores)}
    return _of_scores(asked, scores, wanted, own, "an edit")


def _of_scores(
    asked: StudyRequest, scores: StudySource, wanted: tuple[str, ...], own: dict[str, StudyJudgement | None], of: str
) -> Study:
    """A run's columns against a file of judgements, else against what the store says itself."""
    scores = replace(scores, columns=tuple(_turned(column, asked.lower_is_better) for column in scores.columns))
    metrics = choose(scores, tuple(_field(name) for name in asked.metrics) or wanted, "--metric")
    if asked.judgements is not None:
        reading = Reading(asked.ids[-1] if asked.ids else "", asked.lower_is_better, asked.scale, asked.rater_column)
        judged = read_source(asked.judgements, reading)
        _refuse_unknown(asked.lower_is_better, scores, judged)
        return gather(scores, metrics, judged, _judgements(judged, asked))
    _refuse_unknown(asked.lower_is_better, scores)
    made = _of_store(scores, own, tuple(_field(name) for name in asked.against), of)
    return gather(scores, metrics, scores, made)


def _of_store(
    scores: StudySource, own: dict[str, StudyJudgement | None], against: tuple[str, ...], of: str
) -> list[StudyJudgement]:
    """Ratings, duels, known truth, or other columns of the run; of none named, whatever is said."""
    there = [judgement for judgement in own.values() if judgement is not None]
    if not against:
        if not there:
            from aim_tui.store.evidence import RATING

            other = ", ".join(name for name in own if name != RATING)
            raise UsageError(
                f"nobody has rated {of} of {scores.origin}, and there is no other word on them: no {other}",
                "rate them in the application, or name a file: --judgements FILE",
            )
        return there
    made = []
    for name in against:
        judgement = own.get(name)
        if name in own and judgement is None:
            raise UsageError(f"there is no {name} of {of} of {scores.origin}")
        made.append(judgement or StudyJudgement(name, choose(scores, (name,), "--against")))
    return made


def _judgements(
    judged: StudySource, asked: StudyRequest, taken: tuple[str, ...] | list[str] = ()
) -> list[StudyJudgement]:
    """The judgements of a file: its columns, with raters apart where rows or columns name them."""
    if asked.raters:
        if asked.rater_column:
            raise UsageError("--rater and --raters are two ways to tell raters apart", "give one of them")
        name = asked.against[0] if asked.against else "rating"
        return [StudyJudgement(name, choose(judged, asked.raters, "--raters"))]
    columns = choose(judged, asked.against, "--against", taken)
    return [StudyJudgement(column.name, judged.raters.get(column.name) or (column,)) for column in columns]


def _field(name: str) -> str:
    """The field that a metric's short name stands for."""
    try:
        return get_metric(name).raw_field
    except KeyError:
        return "final_score" if name == "final" else name


def _turned(column: StudyColumn, lower: frozenset[str]) -> StudyColumn:
    return replace(column, higher_is_better=False) if column.name in lower else column


def _with_metric_scale(study: Study, scale: Scale | None) -> Study:
    if scale is None:
        return study
    return replace(study, metrics=tuple(replace(column, scale=scale) for column in study.metrics))


def _refuse_unknown(lower: frozenset[str], *sources: StudySource) -> None:
    """A direction that no column takes would be a metric judged the wrong way round."""
    known = dict.fromkeys(column.name for source in sources for column in source.columns)
    for name in sorted(lower - known.keys()):
        raise UsageError(f"--lower-is-better: no column is called {name!r}{did_you_mean(name, known)}")


def _refuse_itself(study: Study) -> None:
    if all(metric in judgement.raters for metric in study.metrics for judgement in study.judgements):
        raise UsageError(f"{study.metrics[0].name} would be held against itself", "name another column: --against")


def _refuse_nothing(study: Study) -> None:
    left = dict.fromkeys(entry.id for column in study.metrics for entry in column.entries)
    right = dict.fromkeys(e.id for judgement in study.judgements for column in judgement.raters for e in column.entries)
    if left.keys().isdisjoint(right):
        names = [", ".join(map(repr, list(side)[:3])) or "none" for side in (left, right)]
        raise UsageError(
            f"no sample has both a score and a judgement: the scores name {names[0]}; the judgements {names[1]}",
            "name the columns of ids with --id",
        )
