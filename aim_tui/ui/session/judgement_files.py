"""A file of judgements as the user describes it: what of it belongs to the rows, and the study that it makes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aim_tui.core.agreement.match_ids import IdMatch, match
from aim_tui.core.agreement.merge_sources import gather, with_scales
from aim_tui.core.agreement.pairs import collapse
from aim_tui.core.agreement.study import Study, StudyColumn, StudyJudgement, StudySource
from aim_tui.core.outcomes import Failed
from aim_tui.errors import UsageError
from aim_tui.inputs.judgements import ColumnRole, Reading, choose, read_scale, read_source

_NAMED = 3


@dataclass(frozen=True, slots=True)
class JudgementFile:
    """Which file, and what it does not say of itself; texts as the user types them."""

    path: str
    columns: str = ""
    """Names between commas; of none, the column that the file is about."""
    scale: str = ""
    rater: str = ""
    """The column that names a row's rater."""
    lower: str = ""
    """Columns of which lower is better."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a file and the rows find each other."""

    judgements: tuple[StudyJudgement, ...]
    columns: tuple[str, ...]
    """All columns of numbers."""
    matched: IdMatch
    repeated: int
    """Ids that are given more than once with one value."""
    conflicting: int
    """Ids that are given with different values, so that they are left out."""
    notes: tuple[str, ...] = ()
    """How the file was read, where that is not obvious."""

    def lines(self) -> Iterator[str]:
        """In words, the most important first."""
        matched = self.matched
        names = ", ".join(_described(judgement) for judgement in self.judgements)
        yield f"{matched.describe()}; judged by {names}"
        yield from (*matched.guesses(_NAMED), *self.notes)
        yield f"orphans: {_some(matched.only_left, 'image')}; {_some(matched.only_right, 'judgement')}"
        yield f"duplicates: {self.repeated} repeated and counted once, {self.conflicting} contradicting and left out"
        others = [name for name in self.columns if name not in {one.name for one in self.judgements}]
        if others:
            yield f"other columns of numbers: {', '.join(others)}"


def preview(file: JudgementFile, scores: StudySource) -> Preview:
    """What of the file belongs to the scores; UsageError says what is wrong with it."""
    judged, judgements = _read(file, scores)
    matched = match(scores.samples, _names(judged, judgements))
    if not matched.to_left:
        sides = [", ".join(map(repr, side[:_NAMED])) or "nothing" for side in (matched.only_left, matched.only_right)]
        raise UsageError(f"no judgement is of an image here: the images are {sides[0]}; the file names {sides[1]}")
    columns = [column for judgement in judgements for column in judgement.raters]
    collapsed = [collapse(column) for column in columns]
    repeated = {name for _, again in collapsed for name in again}
    conflicting = {
        name
        for outcomes, _ in collapsed
        for name, outcome in outcomes.items()
        if isinstance(outcome, Failed) and outcome.reason.endswith("different values")
    }
    notes = dict.fromkeys(judged.notes)
    shown = tuple(with_scales(judgements, notes))
    names = tuple(column.name for column in judged.columns)
    return Preview(shown, names, matched, len(repeated), len(conflicting), tuple(notes))


def judged_by(file: JudgementFile, scores: StudySource, metrics: Sequence[StudyColumn]) -> Study:
    """The metrics against the judgements of the file, raters apart; UsageError as in `preview`."""
    judged, judgements = _read(file, scores)
    return gather(scores, metrics, judged, judgements)


def _read(file: JudgementFile, scores: StudySource) -> tuple[StudySource, tuple[StudyJudgement, ...]]:
    scale = read_scale("scale", file.scale.strip())
    reading = Reading(lower_is_better=frozenset(_parts(file.lower)), scale=scale, rater_column=file.rater.strip())
    source = read_source(Path(os.path.expanduser(file.path.strip())), reading)
    measured = {column.name for column in scores.columns}
    columns = choose(source, _parts(file.columns), "the field Columns", ColumnRole.JUDGEMENT, avoided=measured)
    return source, tuple(StudyJudgement(column.name, source.raters.get(column.name) or (column,)) for column in columns)


def _names(judged: StudySource, judgements: Sequence[StudyJudgement]) -> dict[str, None]:
    ids = (entry.id for one in judgements for column in one.raters for entry in column.entries)
    return dict.fromkeys([*judged.samples, *ids])


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _described(judgement: StudyJudgement) -> str:
    raters = f" of {len(judgement.raters)} raters" if len(judgement.raters) > 1 else ""
    scale = f" ({judgement.scale})" if judgement.scale else ""
    simulated = ", simulated judge" if judgement.simulated else ""
    return f"{judgement.name}{scale}{simulated}{'' if judgement.higher_is_better else ', lower is better'}{raters}"


def _some(names: Sequence[str], what: str) -> str:
    shown = ", ".join(name.rpartition("/")[2] or name for name in names[:_NAMED])
    more = " …" if len(names) > _NAMED else ""
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} without a match{f' ({shown}{more})' if names else ''}"
