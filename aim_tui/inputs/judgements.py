"""Scores and judgements from files: numeric columns, their scales and directions, and the file's own summary."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from aim_tui.core.agreement.cell_values import cell_text, is_scalar, outcome_of, truth_of
from aim_tui.core.agreement.error_measures import ErrorMapping
from aim_tui.core.agreement.reported_figures import check, reported_figure
from aim_tui.core.agreement.study import SIMULATED, Sample, Scale, StatedFigure, StudyColumn, StudyEntry, StudySource
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.names import composed, did_you_mean
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present, value_of
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import Table, TableRow, read_table

_IDS = ("id", "sample_id", "path", "image", "image_path", "file", "filename", "file_name", "name", "target_image")
_PATHS = ("target_image", "target_img", "edited_image", "edited_img", "path", "image_path", "image", "file", "filename")
_SOURCES = ("source_image", "source_img", "src_img", "input_image", "original_image")
#: Columns that are never scores, even if they are numeric.
_NOT_SCORES = frozenset({"original_id", "line", "seed", "width", "height", "bytes", "frames", "prompt_tokens"})


class ColumnRole(StrEnum):
    """What a column is wanted for."""

    METRIC = "metric"
    JUDGEMENT = "judgement"


#: Known names of the main column of a file, by priority.
_MAIN = {
    ColumnRole.METRIC: ("editclip_score", "image_similarity", "edit_score", "clip_score", "score", "final_score"),
    ColumnRole.JUDGEMENT: ("llm_score", "human_score", "human_rating", "rating", "score"),
}
#: What a judge gives besides its main score, and what only a judge gives.
_JUDGED = frozenset(
    {"llm_score", "instruction_compliance", "edit_quality", "preservation", "reasoning", "llm_model"}
    | {"human_score", "human_rating", "rating", "is_correct"}
)
_JUDGE_MODEL = ("llm_score", "instruction_compliance", "edit_quality", "preservation")

_SCALES = {"is_correct": Scale(0, 1)}
_MEASURED = frozenset(
    {"editclip_score", "image_similarity", "final_score"}
    | {name for spec in (*METRICS.values(), *MEASURES.values()) for name in (spec.id, spec.raw_field, spec.norm_field)}
) - {""}
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

# A value that stands for a failure, where an error or a reason stands beside it.
_SENTINELS = frozenset({-1.0, -99.0, -100.0, -999.0, -9999.0})
_ERRORS = ("error", "errors", "error_message", "exception", "failure")
_REASONS = ("reason", "reasoning", "message", "status", "note", "comment")
_NO_ERROR = frozenset({"false", "0", "no", "ok", "success", "succeeded", "n/a", "-"})
_FAILURE = re.compile(
    r"error|fail|pars(e|ing)|time(d )?[- ]?out|invalid|refus|exception|unable|could ?n[o']t|cannot|no response|"
    r"unavailable|rate.?limit|not? (valid )?(json|score|number)|traceback",
    re.IGNORECASE,
)
_LONGEST_REASON = 80

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*", re.ASCII)
_DECIMAL_POINT = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*", re.ASCII)
_GROUPED = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+\s*|\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\.\d+\s*", re.ASCII)
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*", re.ASCII)


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
    notes: list[str] = []
    cells = {name: _with_points(table, name, notes) for name in names}
    models = _models(table, names)
    columns = tuple(
        column
        for name in names
        if name not in _NOT_SCORES
        and (column := _column(table, id_column, name, cells[name], reading, models)) is not None
    )
    raters: dict[str, tuple[StudyColumn, ...]] = {}
    if reading.rater_column:
        raters = {column.name: _by_rater(table, id_column, column, reading.rater_column) for column in columns}
    samples = _samples(table, id_column)
    return StudySource(
        origin=str(path),
        columns=columns,
        raters=raters,
        samples=samples,
        checked=check(_stated(table, columns, samples), columns, samples),
        metadata=_block(table, "metadata"),
        id_column=id_column,
        others=tuple(name for name in names if name not in {column.name for column in columns}),
        notes=tuple(notes),
        integer_ids=_integer_ids(table, id_column),
    )


def choose(
    source: StudySource,
    wanted: Collection[str],
    option: str,
    role: ColumnRole,
    taken: Collection[str] = (),
    avoided: Collection[str] = (),
) -> tuple[StudyColumn, ...]:
    """The named columns of a source; without names, its main column for that role. UsageError lists the columns.

    Without a name, one of `taken` is never chosen; a metric's column as a judgement, a judge's as a metric, and one of
    `avoided` only if there is no other.
    """
    by_name = {column.name: column for column in source.columns}
    if not wanted:
        candidates = [name for name in by_name if name not in taken]
        others = _JUDGED if role is ColumnRole.METRIC else _MEASURED
        fitting = [name for name in candidates if name not in avoided] or candidates
        fitting = [name for name in fitting if name not in others] or fitting
        main = next((name for name in _MAIN[role] if name in fitting), None)
        if main is None and len(fitting) != 1:
            listed = ", ".join(candidates) or "none"
            raise UsageError(f"{source.origin}: which column? (numeric columns: {listed})", f"name it with {option}")
        return (by_name[main or fitting[0]],)
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


def _column(
    table: Table,
    id_column: str,
    name: str,
    cells: Sequence[tuple[TableRow, Any]],
    reading: Reading,
    models: Mapping[str, str],
) -> StudyColumn | None:
    """The column as numbers; None if it is not numeric."""
    outcomes = [(line, outcome_of(value, line.where)) for line, value in cells]
    if not any(isinstance(outcome, Present) for _, outcome in outcomes):
        return None
    # A text column in which one cell happens to be a number, such as a note "5", is not numeric.
    texts = sum(isinstance(outcome, Failed) and "not numeric" in outcome.reason for _, outcome in outcomes)
    if texts > len(outcomes) / 2:
        return None
    scale = reading.scale or (reading.scales[name] if name in reading.scales else _SCALES.get(name))
    outcomes = _without_sentinels(name, outcomes, scale)
    entries = [StudyEntry(_id(table, line, id_column), outcome) for line, outcome in outcomes]
    return StudyColumn(
        name,
        tuple(entries),
        higher_is_better=name not in reading.lower_is_better and name not in _LOWER,
        scale=scale,
        origin=table.path,
        model=models.get(name, ""),
    )


def _with_points(table: Table, name: str, notes: list[str]) -> list[tuple[TableRow, Any]]:
    """The cells of a column of numbers with decimal commas as numbers with points; UsageError if they are mixed."""
    cells = table.column(name)
    if not table.delimiter:
        return cells
    texts = [value for _, value in cells if isinstance(value, str) and value.strip()]
    commas = [text for text in texts if _DECIMAL_COMMA.fullmatch(text)]
    grouped = [text for text in texts if _GROUPED.fullmatch(text)]
    numeric = [
        text for text in texts if text in commas or text in grouped or isinstance(outcome_of(text, ""), Present)
    ] if commas or grouped else []  # fmt: skip
    # A comma in a column of texts is punctuation.
    if len(numeric) <= len(texts) / 2 or not numeric:
        return cells
    points = [text for text in numeric if _DECIMAL_POINT.fullmatch(text)]
    problem = ""
    if grouped:
        problem = f"{grouped[0].strip()!r} has a thousands separator"
    elif points:
        problem = f"{commas[0].strip()!r} has a decimal comma, {points[0].strip()!r} a decimal point"
    elif table.delimiter == "," and all(map(_THOUSANDS.fullmatch, commas)):
        problem = f"{commas[0].strip()!r} is a number with a decimal comma or with a thousands separator"
    if problem:
        raise UsageError(
            f"{table.path}: the column {name!r} cannot be read, because of a decimal comma: {problem}",
            "write all numbers with a decimal point and without separators",
        )
    notes.append(f"{name}: read with a decimal comma")
    return [
        (line, value.replace(",", ".") if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value) else value)
        for line, value in cells
    ]


def _without_sentinels(
    name: str, outcomes: Sequence[tuple[TableRow, Outcome]], scale: Scale | None
) -> list[tuple[TableRow, Outcome]]:
    """The outcomes with a judge's -1 beside an error, and the like, as missing for that reason."""
    values = [outcome.value for _, outcome in outcomes if isinstance(outcome, Present)]
    rest = [value for value in values if value not in _SENTINELS]
    reasons = {line.where: _reason(line) for line, outcome in outcomes if value_of(outcome) not in _SENTINELS}
    # Comments may stand beside every score; those that stand beside failures only are reasons.
    only_failures = not any(reasons.values()) and bool(rest) and max(rest) > 1
    found: list[tuple[TableRow, Outcome]] = []
    for line, outcome in outcomes:
        value, error, reason = value_of(outcome), _error(line), _reason(line)
        on_scale = scale is not None and value is not None and scale.low <= value <= scale.high
        failed = ""
        if value in _SENTINELS and not on_scale and not any(other < 0 for other in rest):
            failed = error or (reason if _FAILURE.search(reason) or only_failures else "")
        elif value == 0 and error and name in _JUDGED:
            failed = error
        found.append((line, Missing(failed) if failed else outcome))
    return found


def _error(line: TableRow) -> str:
    texts = (cell_text(line.values.get(name)) for name in _ERRORS)
    return next((_short(text) for text in texts if text and text.lower() not in _NO_ERROR), "")


def _reason(line: TableRow) -> str:
    texts = (cell_text(line.values.get(name)) for name in _REASONS)
    return next((_short(text) for text in texts if text and text.lower() not in _NO_ERROR), "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"


def _by_rater(table: Table, id_column: str, column: StudyColumn, rater_column: str) -> tuple[StudyColumn, ...]:
    cells = table.column(column.name)
    by_rater: dict[str, list[StudyEntry]] = {}
    for (line, _), entry in zip(cells, column.entries, strict=True):
        rater = str(line.values.get(rater_column) or "").strip()
        if not rater:
            raise UsageError(f"{table.path}, {line.where}: has no rater in {rater_column!r}")
        by_rater.setdefault(rater, []).append(entry)
    return tuple(replace(column, name=rater, entries=tuple(entries)) for rater, entries in by_rater.items())


def _id(table: Table, line: TableRow, id_column: str) -> str:
    value = line.values.get(id_column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    name = composed(text)
    if not name:
        raise UsageError(f"{table.path}, {line.where}: has no {id_column!r}")
    return name


def _samples(table: Table, id_column: str) -> dict[str, Sample]:
    folder = os.path.dirname(os.path.abspath(table.path))  # as text: keeps any bytes
    samples: dict[str, Sample] = {}
    for line in table.lines:
        name = _id(table, line, id_column)
        values = line.values
        sample = Sample(
            id=name,
            path=_file(folder, next((values[key] for key in _PATHS if values.get(key)), "")),
            source=_file(folder, next((values[key] for key in _SOURCES if values.get(key)), "")),
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
    return os.path.join(folder, value) if isinstance(value, str) and value else ""  # as text


def _integer_ids(table: Table, id_column: str) -> frozenset[str]:
    """The ids that JSON holds as whole numbers."""
    values = (line.values.get(id_column) for line in table.lines)
    return frozenset(str(int(v)) for v in values if type(v) is int or (type(v) is float and v.is_integer()))


def _models(table: Table, names: Sequence[str]) -> dict[str, str]:
    """The model that each column's values come from, as far as the file says so."""
    metadata, statistics = _block(table, "metadata"), _block(table, "statistics")
    judges = [name for name in names if name in _JUDGE_MODEL]
    metrics = [name for name in _MAIN[ColumnRole.METRIC] if name in names and name != "score"]
    own = _text_of(statistics.get("model")) or _of_rows(table, "model")
    judge = _text_of(metadata.get("llm_type")) or _of_rows(table, "llm_model") or (own if judges else "")
    metric = _text_of(metadata.get("model_type")) or ("" if judges else own)
    if judges and any(block.get("simulated") is True for block in (metadata, statistics)) or _all_simulated(table):
        judge = judge if SIMULATED.search(judge) else f"{judge} (simulated)" if judge else "simulated"
    return dict.fromkeys(metrics, metric) | dict.fromkeys(judges, judge)


def _all_simulated(table: Table) -> bool:
    flags = [line.values["simulated"] for line in table.lines if "simulated" in line.values]
    return bool(flags) and all(flag is True or str(flag).strip().lower() == "true" for flag in flags)


def _of_rows(table: Table, name: str) -> str:
    """What the rows say under a name, if they are written as the edit project writes them; several joined."""
    texts = dict.fromkeys(_text_of(line.values.get(name)) for line in table.lines if line.section)
    known = [text for text in texts if text]
    return ", ".join(known) if len(known) <= 3 else ""


def _text_of(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _block(table: Table, name: str) -> Mapping[str, Any]:
    block = table.besides.get(name)
    return block if isinstance(block, dict) else {}


def _stated(table: Table, columns: Sequence[StudyColumn], samples: Mapping[str, Sample]) -> list[StatedFigure]:
    """The file's own summary of its rows: `statistics` of one column, `correlation_metrics` of two."""
    figures = _of_statistics(table, columns, samples)
    block = _block(table, _CORRELATION)
    for name, value in _numbers(block):
        side, _, measure = name.partition("_")
        if side in _CORRELATED and measure in ("mean", "std", "min", "max"):
            figures.append(StatedFigure(table.path, name, value, _CORRELATED[side]))
        elif name in _TWO_COLUMN_FIGURES:
            mapping = block.get("mapping")
            mapping = mapping if isinstance(mapping, str) and mapping in set(ErrorMapping) else ErrorMapping.MINMAX
            figures.append(
                StatedFigure(table.path, name, value, _CORRELATED["clip"], against=_CORRELATED["llm"], mapping=mapping)
            )
    return figures


def _of_statistics(table: Table, columns: Sequence[StudyColumn], samples: Mapping[str, Sample]) -> list[StatedFigure]:
    """The figures of `statistics`, each with the column that it is about.

    A figure that names a column is of it; the others are of the column that `score_type` names, else of the one that
    gives most of them, else of the judge's column of a judge's file.
    """
    block = _block(table, "statistics")
    names = [column.name for column in columns]
    figures: list[StatedFigure] = []
    unnamed: list[StatedFigure] = []
    for path, value in _numbers(block):
        figure = reported_figure(table.path, path, value, names)
        (figures if figure.column else unnamed).append(figure)
    if unnamed and names:
        column = _named_column(block, names) or _best_column(unnamed, columns, samples)
        unnamed = [replace(figure, column=column) for figure in unnamed]
    order = {path: place for place, (path, _) in enumerate(_numbers(block))}
    return sorted([*figures, *unnamed], key=lambda figure: order[figure.name])


def _named_column(block: Mapping[str, Any], names: Sequence[str]) -> str:
    kind = _text_of(block.get("score_type")) or _text_of(block.get("metric"))
    return next((name for name in (kind, f"{kind}_score") if kind and name in names), "")


def _best_column(figures: Sequence[StatedFigure], columns: Sequence[StudyColumn], samples: Mapping[str, Sample]) -> str:
    """The column that reproduces most of the figures; of equal ones the judge's, then the metric's, then the first."""
    names = [column.name for column in columns]
    mains = [*_MAIN[ColumnRole.JUDGEMENT][:-1], *_MAIN[ColumnRole.METRIC]]
    order = sorted(names, key=lambda name: mains.index(name) if name in mains else len(mains))

    def reproduced(name: str) -> int:
        checked = check([replace(figure, column=name) for figure in figures], columns, samples)
        return sum(one.recomputed is not None and not one.differs for one in checked)

    # A count of rows is the same in every column.
    return max(order, key=reproduced)


def _with_declarations(table: Table, reading: Reading) -> Reading:
    """The reading with the directions and scales that the file itself declares."""
    block = _block(table, _CORRELATION)
    lower = {name for name in _list(block.get("lower_is_better")) if isinstance(name, str)}
    scales: dict[str, Scale | None] = {}
    for side, column in _CORRELATED.items():
        if (key := f"{side}_scale") in block:
            ends = [value for value in _list(block[key]) if isinstance(value, (int, float))]
            scales[column] = Scale(*ends) if len(ends) == 2 and ends[0] < ends[1] else None
    statistics = _block(table, "statistics")
    if (match := _SCALE.fullmatch(_text_of(statistics.get("score_range")))) and float(match[1]) < float(match[2]):
        main = _named_column(statistics, table.columns())
        judged = main or next((name for name in _MAIN[ColumnRole.JUDGEMENT] if name in table.columns()), "")
        scales[judged] = Scale(float(match[1]), float(match[2]))
    return replace(reading, lower_is_better=reading.lower_is_better | lower, scales=scales)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(block: Any, prefix: str = "", depth: int = 3) -> list[tuple[str, float]]:
    """The numbers of a block by name; those of a nested block as `outer.inner`."""
    if not isinstance(block, dict):
        return []
    found: list[tuple[str, float]] = []
    for name, value in block.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and depth:
            found += _numbers(value, f"{path}.", depth - 1)
        elif not isinstance(value, (str, bool)) and isinstance(outcome := outcome_of(value, ""), Present):
            found.append((path, outcome.value))
    return found
