"""Scores and judgements from files: which columns there are, what their values mean, and what a file says of itself."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aim_tui.core.agreement.cell_values import outcome_of, said, scalar, truth_of
from aim_tui.core.agreement.error_measures import ErrorMapping
from aim_tui.core.agreement.reported_figures import check
from aim_tui.core.agreement.study import Sample, Scale, StatedFigure, StudyColumn, StudyEntry, StudySource
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.names import did_you_mean
from aim_tui.core.outcomes import Failed, Present
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import Table, TableRow, read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

_IDS = ("id", "sample_id", "path", "image", "image_path", "file", "filename", "file_name", "name", "target_image")
_PATHS = ("target_image", "path", "image_path", "image", "file", "filename")
#: The score that a file is about, where it says so by a known name.
_PRIMARY = ("editclip_score", "image_similarity", "edit_score", "llm_score", "score", "final_score", "rating")
#: Columns that are never values, whatever they hold.
_TEXTS = frozenset({"original_id", "line", "seed", "width", "height", "bytes", "frames", "prompt_tokens"})

_SCALES = {
    "llm_score": Scale(0, 10),
    "instruction_compliance": Scale(0, 10),
    "edit_quality": Scale(0, 10),
    "preservation": Scale(0, 10),
    "is_correct": Scale(0, 1),
}
_LOWER = frozenset(
    {
        spec_name
        for spec in (*METRICS.values(), *MEASURES.values())
        if not spec.higher_is_better
        for spec_name in (spec.id, spec.raw_field)
    }
)

_NUMBER = r"([+-]?\d+(?:\.\d+)?)"
_SCALE = re.compile(rf"\s*{_NUMBER}\s*(?:-|\.\.|:|to)\s*{_NUMBER}\s*", re.ASCII)

# What the seed's summary of a correlation is about.
_CORRELATION = "correlation_metrics"
_CORRELATED = {"clip": "edit_score", "llm": "llm_score"}
_OF_TWO = ("n_samples", "pearson_r", "pearson_p", "spearman_r", "spearman_p", "mae", "rmse")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read, where it does not say so itself."""

    id_column: str = ""
    lower_is_better: frozenset[str] = frozenset()
    scale: Scale | None = None
    """The declared scale of the columns that are judged with."""
    rater_column: str = ""
    """The column that names the rater of a row, where the file holds several."""
    scales: Mapping[str, Scale | None] = field(default_factory=dict)
    """What the file itself declares of single columns; None where it declares that there is none."""


def read_source(path: str | Path, reading: Reading | None = None) -> StudySource:
    """A file's columns of numbers, its samples, and its stated figures held against its rows."""
    reading = reading or Reading()
    table = read_table(path)
    if not table.lines:
        raise UsageError(f"{table.path} holds no rows")
    if reading.rater_column and reading.rater_column not in (known := table.columns()):
        raise UsageError(
            f"{table.path} has no column {reading.rater_column!r} of raters{did_you_mean(reading.rater_column, known)}"
        )
    id_column = _id_column(table, reading.id_column)
    names = [name for name in table.columns() if name not in (id_column, reading.rater_column)]
    reading = _told_by(table, reading)
    columns = tuple(
        column
        for name in names
        if name not in _TEXTS and (column := _column(table, id_column, name, reading)) is not None
    )
    raters: dict[str, tuple[StudyColumn, ...]] = {}
    if reading.rater_column:
        raters = {column.name: _by_rater(table, id_column, column, reading.rater_column) for column in columns}
    return StudySource(
        origin=str(path),
        columns=columns,
        raters=raters,
        samples=_samples(table, id_column),
        checked=check(_stated(table, columns), columns),
        metadata=table.besides.get("metadata", {}),
        id_column=id_column,
        others=tuple(name for name in names if name not in {column.name for column in columns}),
    )


def choose(
    source: StudySource, wanted: Collection[str], option: str, taken: Collection[str] = ()
) -> tuple[StudyColumn, ...]:
    """The named columns of a source; of no name, the one the file is about. UsageError says what there is."""
    by_name = {column.name: column for column in source.columns}
    if not wanted:
        candidates = [name for name in by_name if name not in taken]
        primary = next((name for name in _PRIMARY if name in candidates), None)
        if primary is None and len(candidates) != 1:
            told = ", ".join(candidates) or "none"
            raise UsageError(f"{source.origin}: which column? (columns of numbers: {told})", f"name it with {option}")
        return (by_name[primary or candidates[0]],)
    for name in wanted:
        if name in source.others:
            raise UsageError(f"{source.origin}: the column {name!r} holds no numbers")
        if name not in by_name:
            raise UsageError(f"{source.origin} has no column {name!r}{did_you_mean(name, by_name)}")
    return tuple(by_name[name] for name in wanted)


def read_scale(where: str, text: str) -> Scale | None:
    """A scale from '1-5', '0..10' or '-1 to 1'; None of ''. UsageError names where it was given."""
    if not text:
        return None
    found = _SCALE.fullmatch(text)
    try:
        if found is not None:
            return Scale(float(found[1]), float(found[2]))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    raise UsageError(f"{where}: {text!r} is no scale", "such as 0-1, 1-5 or 0-10")


def _id_column(table: Table, named: str) -> str:
    known = table.columns()
    if named:
        if named not in known:
            raise UsageError(f"{table.path} has no column {named!r}{did_you_mean(named, known)}")
        return named
    found = next((name for name in _IDS if name in known), None)
    if found is None:
        raise UsageError(
            f"{table.path}: which column names the samples? (columns: {', '.join(known)})", "name it: --id"
        )
    return found


def _column(table: Table, id_column: str, name: str, reading: Reading) -> StudyColumn | None:
    """The column as numbers, or None where not one row of it holds one."""
    cells = table.column(name)
    outcomes = [(line, outcome_of(value, line.where)) for line, value in cells]
    if not any(isinstance(outcome, Present) for _, outcome in outcomes):
        return None
    # A column of texts in which one happens to be a number, such as a note "5", is no column of numbers.
    words = sum(isinstance(outcome, Failed) and "no number" in outcome.reason for _, outcome in outcomes)
    if words > len(outcomes) / 2:
        return None
    entries = [StudyEntry(_id(table, line, id_column), outcome) for line, outcome in outcomes]
    return StudyColumn(
        name,
        tuple(entries),
        higher_is_better=name not in reading.lower_is_better and name not in _LOWER,
        scale=reading.scale or (reading.scales[name] if name in reading.scales else _SCALES.get(name)),
        origin=table.path,
    )


def _by_rater(table: Table, id_column: str, column: StudyColumn, rater_column: str) -> tuple[StudyColumn, ...]:
    cells = table.column(column.name)
    found: dict[str, list[StudyEntry]] = {}
    for (line, _), entry in zip(cells, column.entries, strict=True):
        rater = str(line.values.get(rater_column) or "").strip()
        if not rater:
            raise UsageError(f"{table.path}, {line.where}: names no rater in {rater_column!r}")
        found.setdefault(rater, []).append(entry)
    return tuple(
        StudyColumn(rater, tuple(entries), column.higher_is_better, column.scale, column.origin)
        for rater, entries in found.items()
    )


def _id(table: Table, line: TableRow, id_column: str) -> str:
    value = line.values.get(id_column)
    name = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if not name:
        raise UsageError(f"{table.path}, {line.where}: has no {id_column!r}")
    return name


def _samples(table: Table, id_column: str) -> dict[str, Sample]:
    folder = os.path.dirname(os.path.abspath(table.path))  # noqa: PTH100, PTH120  # as text: keeps any bytes
    samples: dict[str, Sample] = {}
    for line in table.lines:
        name = _id(table, line, id_column)
        values = line.values
        sample = Sample(
            id=name,
            path=_file(folder, next((values[key] for key in _PATHS if values.get(key)), "")),
            source=_file(folder, values.get("source_image")),
            instruction=said(values.get("instruction")),
            labels={key: said(value) for key, value in values.items() if key != id_column and scalar(value)},
            correct=_correct(table, line),
            match=said(values.get("original_id")),
            error_type=said(values.get("error_type")),
        )
        samples[name] = samples[name].with_more(sample) if name in samples else sample
    return samples


def _correct(table: Table, line: TableRow) -> bool | None:
    try:
        return truth_of(line.values.get("is_correct"))
    except ValueError as error:
        raise UsageError(f"{table.path}, {line.where}: {error}") from None


def _file(folder: str, value: Any) -> str:
    return os.path.join(folder, value) if isinstance(value, str) and value else ""  # noqa: PTH118  # as text


def _stated(table: Table, columns: Iterable[StudyColumn]) -> list[StatedFigure]:
    """The figures beside the rows: `statistics` of one column, `correlation_metrics` of two."""
    names = [column.name for column in columns]
    primary = next((name for name in _PRIMARY if name in names), names[0] if names else "")
    found = []
    for name, value in _numbers(table.besides.get("statistics")):
        column = name.partition("_")[2]
        found.append(StatedFigure(table.path, name, value, column if column in names else primary))
    block = table.besides.get(_CORRELATION, {})
    for name, value in _numbers(block):
        side, _, measure = name.partition("_")
        if side in _CORRELATED and measure in ("mean", "std", "min", "max"):
            found.append(StatedFigure(table.path, name, value, _CORRELATED[side]))
        elif name in _OF_TWO:
            mapping = block.get("mapping")
            mapping = mapping if isinstance(mapping, str) and mapping in set(ErrorMapping) else ErrorMapping.MINMAX
            found.append(StatedFigure(table.path, name, value, _CORRELATED["clip"], _CORRELATED["llm"], mapping))
    return found


def _told_by(table: Table, reading: Reading) -> Reading:
    """What a correlation_results.json of ours says of its columns besides the seed's keys."""
    block = table.besides.get(_CORRELATION, {})
    lower = {name for name in _listed(block.get("lower_is_better")) if isinstance(name, str)}
    scales: dict[str, Scale | None] = {}
    for side, column in _CORRELATED.items():
        if (key := f"{side}_scale") in block:
            ends = [value for value in _listed(block[key]) if isinstance(value, (int, float))]
            scales[column] = Scale(*ends) if len(ends) == 2 and ends[0] < ends[1] else None
    return replace(reading, lower_is_better=reading.lower_is_better | lower, scales=scales)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(block: Any) -> list[tuple[str, float]]:
    if not isinstance(block, dict):
        return []
    outcomes = (
        (str(name), outcome_of(value, "")) for name, value in block.items() if not isinstance(value, (str, bool))
    )
    return [(name, outcome.value) for name, outcome in outcomes if isinstance(outcome, Present)]
