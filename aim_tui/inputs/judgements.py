"""Scores and judgements from files: numeric columns, their scales and directions, and the file's own summary."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aim_tui.core.agreement.cell_values import cell_text, is_scalar, outcome_of, truth_of
from aim_tui.core.agreement.error_measures import ErrorMapping
from aim_tui.core.agreement.reported_figures import check
from aim_tui.core.agreement.study import Sample, Scale, StatedFigure, StudyColumn, StudyEntry, StudySource
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.names import did_you_mean
from aim_tui.core.outcomes import Failed, Present
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import Table, TableRow, read_table

_IDS = ("id", "sample_id", "path", "image", "image_path", "file", "filename", "file_name", "name", "target_image")
_PATHS = ("target_image", "path", "image_path", "image", "file", "filename")
#: Known names of the main score of a file, by priority.
_PRIMARY = ("editclip_score", "image_similarity", "edit_score", "llm_score", "score", "final_score", "rating")
#: Columns that are never scores, even if they are numeric.
_NOT_SCORES = frozenset({"original_id", "line", "seed", "width", "height", "bytes", "frames", "prompt_tokens"})

_SCALES = {
    "llm_score": Scale(0, 10),
    "instruction_compliance": Scale(0, 10),
    "edit_quality": Scale(0, 10),
    "preservation": Scale(0, 10),
    "is_correct": Scale(0, 1),
}
_LOWER = frozenset(
    {
        name
        for spec in (*METRICS.values(), *MEASURES.values())
        if not spec.higher_is_better
        for name in (spec.id, spec.raw_field)
    }
)

_NUMBER = r"([+-]?\d+(?:\.\d+)?)"
_SCALE = re.compile(rf"\s*{_NUMBER}\s*(?:-|\.\.|:|to)\s*{_NUMBER}\s*", re.ASCII)

# The block of correlation_results.json that summarises two columns.
_CORRELATION = "correlation_metrics"
_CORRELATED = {"clip": "edit_score", "llm": "llm_score"}
_TWO_COLUMN_FIGURES = ("n_samples", "pearson_r", "pearson_p", "spearman_r", "spearman_p", "mae", "rmse")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file."""

    id_column: str = ""
    lower_is_better: frozenset[str] = frozenset()
    scale: Scale | None = None
    """The declared scale of the judgements."""
    rater_column: str = ""
    """The column that names the rater of each row, if the file has several raters."""
    scales: Mapping[str, Scale | None] = field(default_factory=dict)
    """Scales that the file itself declares by column; None for a column declared to have none."""


def read_source(path: str | Path, reading: Reading | None = None) -> StudySource:
    """A file's numeric columns, its samples, and its stated figures checked against its rows."""
    reading = reading or Reading()
    table = read_table(path)
    if not table.lines:
        raise UsageError(f"{table.path} has no rows")
    if reading.rater_column and reading.rater_column not in (known := table.columns()):
        raise UsageError(
            f"{table.path} has no rater column {reading.rater_column!r}{did_you_mean(reading.rater_column, known)}"
        )
    id_column = _id_column(table, reading.id_column)
    names = [name for name in table.columns() if name not in (id_column, reading.rater_column)]
    reading = _with_declarations(table, reading)
    columns = tuple(
        column
        for name in names
        if name not in _NOT_SCORES and (column := _column(table, id_column, name, reading)) is not None
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
    """The named columns of a source; without names, its main score. UsageError lists the columns."""
    by_name = {column.name: column for column in source.columns}
    if not wanted:
        candidates = [name for name in by_name if name not in taken]
        primary = next((name for name in _PRIMARY if name in candidates), None)
        if primary is None and len(candidates) != 1:
            listed = ", ".join(candidates) or "none"
            raise UsageError(f"{source.origin}: which column? (numeric columns: {listed})", f"name it with {option}")
        return (by_name[primary or candidates[0]],)
    for name in wanted:
        if name in source.others:
            raise UsageError(f"{source.origin}: the column {name!r} has no numbers")
        if name not in by_name:
            raise UsageError(f"{source.origin} has no column {name!r}{did_you_mean(name, by_name)}")
    return tuple(by_name[name] for name in wanted)


def read_scale(where: str, text: str) -> Scale | None:
    """A scale from '1-5', '0..10' or '-1 to 1'; None for ''. UsageError names the option `where`."""
    if not text:
        return None
    match = _SCALE.fullmatch(text)
    if match is None:
        raise UsageError(f"{where}: {text!r} is not a scale", "for example 0-1, 1-5 or 0-10")
    try:
        return Scale(float(match[1]), float(match[2]))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _id_column(table: Table, option: str) -> str:
    columns = table.columns()
    if option and option not in columns:
        raise UsageError(f"{table.path} has no column {option!r}{did_you_mean(option, columns)}")
    name = option or next((name for name in _IDS if name in columns), "")
    if not name:
        raise UsageError(
            f"{table.path}: which column holds the ids of the samples? (columns: {', '.join(columns)})",
            "name it with --id",
        )
    return name


def _column(table: Table, id_column: str, name: str, reading: Reading) -> StudyColumn | None:
    """The column as numbers; None if it is not numeric."""
    cells = table.column(name)
    outcomes = [(line, outcome_of(value, line.where)) for line, value in cells]
    if not any(isinstance(outcome, Present) for _, outcome in outcomes):
        return None
    # A text column in which one cell happens to be a number, such as a note "5", is not numeric.
    texts = sum(isinstance(outcome, Failed) and "not numeric" in outcome.reason for _, outcome in outcomes)
    if texts > len(outcomes) / 2:
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
    by_rater: dict[str, list[StudyEntry]] = {}
    for (line, _), entry in zip(cells, column.entries, strict=True):
        rater = str(line.values.get(rater_column) or "").strip()
        if not rater:
            raise UsageError(f"{table.path}, {line.where}: has no rater in {rater_column!r}")
        by_rater.setdefault(rater, []).append(entry)
    return tuple(
        StudyColumn(rater, tuple(entries), column.higher_is_better, column.scale, column.origin)
        for rater, entries in by_rater.items()
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
            instruction=cell_text(values.get("instruction")),
            labels={key: cell_text(value) for key, value in values.items() if key != id_column and is_scalar(value)},
            correct=_correct(table, line),
            match=cell_text(values.get("original_id")),
            error_type=cell_text(values.get("error_type")),
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
    """The file's own summary of its rows: `statistics` of one column, `correlation_metrics` of two."""
    names = [column.name for column in columns]
    primary = next((name for name in _PRIMARY if name in names), names[0] if names else "")
    figures = []
    for name, value in _numbers(table.besides.get("statistics")):
        column = name.partition("_")[2]
        figures.append(StatedFigure(table.path, name, value, column if column in names else primary))
    block = table.besides.get(_CORRELATION, {})
    for name, value in _numbers(block):
        side, _, measure = name.partition("_")
        if side in _CORRELATED and measure in ("mean", "std", "min", "max"):
            figures.append(StatedFigure(table.path, name, value, _CORRELATED[side]))
        elif name in _TWO_COLUMN_FIGURES:
            mapping = block.get("mapping")
            mapping = mapping if isinstance(mapping, str) and mapping in set(ErrorMapping) else ErrorMapping.MINMAX
            figures.append(StatedFigure(table.path, name, value, _CORRELATED["clip"], _CORRELATED["llm"], mapping))
    return figures


def _with_declarations(table: Table, reading: Reading) -> Reading:
    """The reading with the directions and scales that a correlation_results.json declares."""
    block = table.besides.get(_CORRELATION, {})
    lower = {name for name in _list(block.get("lower_is_better")) if isinstance(name, str)}
    scales: dict[str, Scale | None] = {}
    for side, column in _CORRELATED.items():
        if (key := f"{side}_scale") in block:
            ends = [value for value in _list(block[key]) if isinstance(value, (int, float))]
            scales[column] = Scale(*ends) if len(ends) == 2 and ends[0] < ends[1] else None
    return replace(reading, lower_is_better=reading.lower_is_better | lower, scales=scales)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(block: Any) -> list[tuple[str, float]]:
    if not isinstance(block, dict):
        return []
    outcomes = (
        (str(name), outcome_of(value, "")) for name, value in block.items() if not isinstance(value, (str, bool))
    )
    return [(name, outcome.value) for name, outcome in outcomes if isinstance(outcome, Present)]
