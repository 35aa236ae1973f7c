"""Merge the sources of scores and judgements into one study: match ids, merge samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aim_tui.core.agreement.match_ids import IdMatch, match
from aim_tui.core.agreement.study import Sample, Study, StudyColumn, StudyJudgement, StudySource


def gather(
    scores: StudySource,
    metrics: Sequence[StudyColumn],
    judged: StudySource,
    judgements: Sequence[StudyJudgement],
) -> Study:
    """The study of columns of one source against judgements of another, or of the same.

    The ids of the judgements are matched with those of the scores, and a note says how.
    """
    if judged is scores:
        return Study(tuple(metrics), tuple(judgements), scores.samples, scores.checked, metadata=scores.metadata)
    matched = match(
        _ids(scores, metrics), _ids(judged, [column for judgement in judgements for column in judgement.raters])
    )
    renamed = tuple(
        replace(judgement, raters=tuple(_renamed(column, matched) for column in judgement.raters))
        for judgement in judgements
    )
    return Study(
        metrics=tuple(metrics),
        judgements=renamed,
        samples=_merged(scores.samples, judged.samples, matched.to_left),
        checked=(*scores.checked, *judged.checked),
        notes=(matched.describe(), *_unmatched(matched)),
        metadata={**judged.metadata, **scores.metadata},
    )


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
