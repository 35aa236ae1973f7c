"""Rows with named columns from CSV, TSV, JSON and JSON Lines; errors name the file and the line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError

#: Files are read as a whole; a larger one could fill the memory.
MOST_BYTES = 256 * 1024 * 1024
#: The longest line or cell, in characters.
_LONGEST = 4 * 1024 * 1024

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
    text = _text(path)
    match kind:
        case "jsonl":
            return Table(str(path), tuple(_json_lines(path, text)))
        case "json":
            return _json(path, text)
        case _:
            return Table(str(path), tuple(_csv(path, text, "\t" if kind == "tsv" else _delimiter(text))))


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder", "name a file")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UsageError(f"{path} has {size:,} bytes; the limit is {MOST_BYTES:,}")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"cannot read {path}: {reason or error}") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}, line {line}: is not UTF-8 (byte 0x{data[error.start]:02x})", "save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{path}, line {line}: contains a zero byte, so it is not text")
    if not text.strip():
        raise UsageError(f"{path} is empty")
    return text


# -- CSV --------------------------------------------------------------------------------------------------------------


def _delimiter(text: str) -> str:
    """A semicolon if the header has one and no comma, as spreadsheets in many locales write it."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return ";" if "," not in header and ";" in header else ","


def _csv(path: Path, text: str, delimiter: str) -> Iterable[TableRow]:
    default_limit = csv.field_size_limit(_LONGEST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next((row for row in reader if any(row)), [])]
        _check_header(path, header, reader.line_num)
        start = reader.line_num + 1
        for row in reader:
            if len(row) > len(header):
                raise UsageError(f"{path}, line {start}: has {len(row)} cells, but the header has {len(header)}")
            if any(row):
                yield TableRow(dict(zip(header, row, strict=False)), f"line {start}")
            start = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(default_limit)


def _check_header(path: Path, header: list[str], line: int) -> None:
    if not header:
        raise UsageError(f"{path} has no header")
    if "" in header:
        raise UsageError(f"{path}, line {line}: column {header.index('') + 1} of the header has no name")
    duplicate = next((name for name in header if header.count(name) > 1), None)
    if duplicate is not None:
        raise UsageError(f"{path}, line {line}: the header has {duplicate!r} more than once")


# -- JSON -------------------------------------------------------------------------------------------------------------


def _json_lines(path: Path, text: str) -> Iterable[TableRow]:
    # Not splitlines: texts may contain U+2028, which does not end a line of JSON.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        if len(line) > _LONGEST:
            raise UsageError(f"{path}, {where}: has {len(line):,} characters; the limit is {_LONGEST:,}")
        yield _line(path, _parse(path, line, number), where)


def _json(path: Path, text: str) -> Table:
    data = _parse(path, text, 1)
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


def _parse(path: Path, text: str, first_line: int) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            names = [name for name, _ in pairs]
            duplicate = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"{path}{where}: an object has the key {duplicate!r} more than once")
        return members

    where = f", line {first_line}" if first_line > 1 else ""
    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}, line {first_line + error.lineno - 1}: is not valid JSON ({error.msg})") from None
    except RecursionError:
        raise UsageError(f"{path}{where}: is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{path}{where}: {error}") from None


def _kind(value: Any) -> str:
    return "null" if value is None else {"list": "a list", "str": "a text"}.get(type(value).__name__, "a number")
