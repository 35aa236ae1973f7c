"""Merge the sources of scores and judgements into one study: match ids, infer scales, merge samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aim_tui.core.agreement.match_ids import IdMatch, match
from aim_tui.core.agreement.pairs import collapse
from aim_tui.core.agreement.scales import USUAL, scale_of
from aim_tui.core.agreement.study import Sample, Study, StudyColumn, StudyJudgement, StudySource
from aim_tui.errors import UsageError


def gather(
    scores: StudySource,
    metrics: Sequence[StudyColumn],
    judged: StudySource,
    judgements: Sequence[StudyJudgement],
) -> Study:
    """The study of columns of one source against judgements of another, or of the same.

    The ids of the judgements are matched with those of the scores, and notes say how; scales that nothing declares are
    inferred from the values. UsageError if a metric would only be compared with itself.
    """
    notes: dict[str, None] = {}
    samples, checked = scores.samples, scores.checked
    if judged is not scores:
        matched = match(_ids(scores, metrics), _ids(judged, [c for judgement in judgements for c in judgement.raters]))
        judgements = [
            replace(judgement, raters=tuple(_renamed(column, matched) for column in judgement.raters))
            for judgement in judgements
        ]
        samples = _merged(scores.samples, judged.samples, matched.to_left)
        checked = (*scores.checked, *judged.checked)
        notes |= dict.fromkeys((matched.describe(), *matched.guesses(), *_unmatched(matched)))
    notes |= dict.fromkeys((*scores.notes, *judged.notes))
    metrics = [_scaled_metric(column, notes) for column in metrics]
    judgements = with_scales(judgements, notes)
    _check_not_itself(metrics, judgements)
    return Study(
        metrics=tuple(metrics),
        judgements=tuple(judgements),
        samples=samples,
        checked=checked,
        notes=tuple(notes),
        metadata=scores.metadata,
        integer_ids=scores.integer_ids,
    )


def with_scales(judgements: Sequence[StudyJudgement], notes: dict[str, None]) -> list[StudyJudgement]:
    """The judgements on declared or inferred scales; how a scale was inferred is added to the notes."""
    return [_scaled(judgement, notes) for judgement in judgements]


def is_itself(metric: StudyColumn, judgement: StudyJudgement) -> bool:
    """Whether a judgement is the metric: a rater's column with its name and its values."""
    return any(column == metric or _same_values(column, metric) for column in judgement.raters)


def _same_values(column: StudyColumn, metric: StudyColumn) -> bool:
    if column.name != metric.name:
        return False
    one, other = collapse(column)[0], collapse(metric)[0]
    shared = one.keys() & other.keys()
    return bool(shared) and all(one[name] == other[name] for name in shared)


def _check_not_itself(metrics: Sequence[StudyColumn], judgements: Sequence[StudyJudgement]) -> None:
    if metrics and judgements and all(is_itself(metric, one) for metric in metrics for one in judgements):
        raise UsageError(f"{metrics[0].name} would be compared with itself", "name another column to compare it with")


def _scaled_metric(column: StudyColumn, notes: dict[str, None]) -> StudyColumn:
    # The scale of a metric is that of its kind; only that of a judge's score, taken as a metric, is inferred.
    return _scaled(StudyJudgement(column.name, (column,)), notes).raters[0] if column.name in USUAL else column


def _scaled(judgement: StudyJudgement, notes: dict[str, None]) -> StudyJudgement:
    name = judgement.raters[0].name if len(judgement.raters) == 1 else judgement.name
    scale, note = scale_of(name, judgement.raters)
    if note:
        notes[note] = None
    return replace(judgement, raters=tuple(replace(column, scale=scale) for column in judgement.raters))


def _ids(source: StudySource, columns: Sequence[StudyColumn]) -> dict[str, None]:
    ids = (entry.id for column in columns for entry in column.entries)
    return dict.fromkeys([*source.samples, *ids])


def _renamed(column: StudyColumn, matched: IdMatch) -> StudyColumn:
    entries = (replace(entry, id=matched.to_left.get(entry.id, entry.id)) for entry in column.entries)
    return replace(column, entries=tuple(entries))


def _merged(
    scores: Mapping[str, Sample], judged: Mapping[str, Sample], to_left: Mapping[str, str]
) -> dict[str, Sample]:
    samples = dict(scores)
    for name, sample in judged.items():
        left = to_left.get(name, name)
        samples[left] = samples[left].with_more(sample) if left in samples else replace(sample, id=left)
    return samples


def _unmatched(matched: IdMatch) -> list[str]:
    notes = []
    for names, where in ((matched.only_left, "scores"), (matched.only_right, "judgements")):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            notes.append(f"only among the {where}: {', '.join(names[:5])}{more}")
    return notes
