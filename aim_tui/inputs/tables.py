"""Rows with named columns from CSV, TSV, JSON and JSON Lines; errors name the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aim_tui.core.names import did_you_mean
from aim_tui.documents import parse_csv, parse_json, parse_json_lines, read_text
from aim_tui.errors import UsageError

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# Keys of a JSON object that hold lists of rows.
_SECTIONS = ("results", "samples", "rows", "data", "judgements", "ratings", "clip_results", "llm_results")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its values by column, and its position in the file."""

    values: Mapping[str, Any]
    where: str
    section: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and the other objects in it."""

    path: str
    lines: tuple[TableRow, ...]
    besides: Mapping[str, Any] = field(default_factory=dict)
    """Further objects in the file, such as `statistics` and `metadata`."""
    delimiter: str = ""
    """The character between the cells of a CSV file; '' for JSON."""

    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in order of first appearance."""
        return tuple(dict.fromkeys(name for line in self.lines for name in line.values))

    def column(self, name: str) -> list[tuple[TableRow, Any]]:
        """The rows of the sections that have this column, each with its value or None."""
        if name not in (known := self.columns()):
            raise UsageError(f"{self.path} has no column {name!r}{did_you_mean(name, known)}")
        sections = {line.section for line in self.lines if name in line.values}
        return [(line, line.values.get(name)) for line in self.lines if line.section in sections]


def read_table(path: str | Path) -> Table:
    """Read a table; UsageError names the file, the line and the mistake."""
    path = Path(path)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: unknown file extension", f"known: {', '.join(_SUFFIXES)}")
    text = read_text(path)
    if not text.strip():
        raise UsageError(f"{path} is empty")
    match kind:
        case "jsonl":
            lines = (_line(path, row, f"line {number}") for number, row in parse_json_lines(path, text))
            return Table(str(path), tuple(lines))
        case "json":
            return _json(path, text)
        case _:
            content = parse_csv(path, text)
            rows = tuple(
                TableRow(dict(zip(content.header, cells, strict=False)), f"line {line}")
                for line, cells in content.records
            )
            return Table(str(path), rows, delimiter=content.delimiter)


def _json(path: Path, text: str) -> Table:
    data = parse_json(path, text)
    if isinstance(data, list):
        return Table(str(path), tuple(_rows(path, data, "")))
    if not isinstance(data, dict):
        raise UsageError(f"{path} is neither a list of objects nor an object with such a list")
    sections = [name for name in _SECTIONS if isinstance(data.get(name), list)]
    if not sections and data and all(isinstance(row, dict) for row in data.values()):
        # One object per sample, keyed by its id.
        return Table(str(path), tuple(TableRow({"id": name, **row}, repr(name)) for name, row in data.items()))
    if not sections:
        keys = ", ".join(map(repr, list(data)[:8])) or "none"
        raise UsageError(f"{path}: no list of rows (its keys: {keys})", f"known keys: {', '.join(_SECTIONS)}")
    lines = [line for name in sections for line in _rows(path, data[name], name)]
    besides = {name: value for name, value in data.items() if isinstance(value, dict)}
    return Table(str(path), tuple(lines), besides)


def _rows(path: Path, rows: list[Any], section: str) -> Iterable[TableRow]:
    for number, row in enumerate(rows):
        yield _line(path, row, f"{section}[{number}]", section)


def _line(path: Path, row: Any, where: str, section: str = "") -> TableRow:
    if not isinstance(row, dict):
        raise UsageError(f"{path}, {where}: is {_kind(row)}, not an object")
    return TableRow(row, where, section)


def _kind(value: Any) -> str:
    return "null" if value is None else {"list": "a list", "str": "a text"}.get(type(value).__name__, "a number")
