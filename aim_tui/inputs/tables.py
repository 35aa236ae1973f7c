"""Rows with named columns from CSV, TSV, JSON and JSON Lines; whatever is wrong is named with file and line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Larger files are no judgements; reading them whole would take the machine's memory.
MOST_BYTES = 256 * 1024 * 1024
#: A longer line or cell is no row of values.
_LONGEST = 4 * 1024 * 1024

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# Where the rows are, in objects that hold more than rows.
_SECTIONS = ("results", "samples", "rows", "data", "judgements", "ratings", "clip_results", "llm_results")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its values by column, and where it stands in the file."""

    values: Mapping[str, Any]
    where: str
    section: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and what the file says besides."""

    path: str
    lines: tuple[TableRow, ...]
    besides: Mapping[str, Any] = field(default_factory=dict)
    """Objects beside the rows, such as `statistics` and `metadata`."""

    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in the order they are first seen."""
        return tuple(dict.fromkeys(name for line in self.lines for name in line.values))

    def column(self, name: str) -> list[tuple[TableRow, Any]]:
        """Each row that could have a value, and the value or None: rows of other sections are not among them."""
        if name not in (known := self.columns()):
            raise UsageError(f"{self.path} has no column {name!r}{did_you_mean(name, known)}")
        sections = {line.section for line in self.lines if name in line.values}
        return [(line, line.values.get(name)) for line in self.lines if line.section in sections]


def read_table(path: str | Path) -> Table:
    """Read a table; UsageError names the file, the line and what is wrong with it."""
    path = Path(path)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: its ending names no format", f"known: {', '.join(_SUFFIXES)}")
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
            raise UsageError(f"{path} has {size:,} bytes; more than {MOST_BYTES:,} are not read")
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
        raise UsageError(f"{path}, line {line}: holds a zero byte, so it is no text")
    if not text.strip():
        raise UsageError(f"{path} is empty")
    return text


# -- CSV --------------------------------------------------------------------------------------------------------------


def _delimiter(text: str) -> str:
    """A semicolon where the heading has no comma: spreadsheets of half the world write that."""
    heading = text.lstrip("\r\n").partition("\n")[0]
    return ";" if "," not in heading and ";" in heading else ","


def _csv(path: Path, text: str, delimiter: str) -> Iterable[TableRow]:
    before = csv.field_size_limit(_LONGEST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heading = [name.strip() for name in next((row for row in reader if any(row)), [])]
        _check_heading(path, heading, reader.line_num)
        start = reader.line_num + 1
        for row in reader:
            if len(row) > len(heading):
                raise UsageError(f"{path}, line {start}: has {len(row)} cells where the heading has {len(heading)}")
            if any(row):
                yield TableRow(dict(zip(heading, row, strict=False)), f"line {start}")
            start = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(before)


def _check_heading(path: Path, heading: list[str], line: int) -> None:
    if not heading:
        raise UsageError(f"{path} has no heading")
    if "" in heading:
        raise UsageError(f"{path}, line {line}: column {heading.index('') + 1} of the heading has no name")
    twice = next((name for name in heading if heading.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}, line {line}: the heading has {twice!r} more than once")


# -- JSON -------------------------------------------------------------------------------------------------------------


def _json_lines(path: Path, text: str) -> Iterable[TableRow]:
    # Not splitlines: a text may hold U+2028, which ends no line of JSON.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        if len(line) > _LONGEST:
            raise UsageError(f"{path}, {where}: has {len(line):,} characters; more than {_LONGEST:,} are not read")
        yield _line(path, _parse(path, line, number), where)


def _json(path: Path, text: str) -> Table:
    data = _parse(path, text, 1)
    if isinstance(data, list):
        return Table(str(path), tuple(_rows(path, data, "")))
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds neither a list of objects nor an object with one")
    sections = [name for name in _SECTIONS if isinstance(data.get(name), list)]
    if not sections and data and all(isinstance(row, dict) for row in data.values()):
        # One object a sample, under its name.
        return Table(str(path), tuple(TableRow({"id": name, **row}, repr(name)) for name, row in data.items()))
    if not sections:
        found = ", ".join(map(repr, list(data)[:8])) or "nothing"
        raise UsageError(
            f"{path}: none of its keys holds a list of rows (found {found})", f"known: {', '.join(_SECTIONS)}"
        )
    lines = [line for name in sections for line in _rows(path, data[name], name)]
    besides = {name: value for name, value in data.items() if isinstance(value, dict)}
    return Table(str(path), tuple(lines), besides)


def _rows(path: Path, rows: list[Any], section: str) -> Iterable[TableRow]:
    for number, row in enumerate(rows):
        yield _line(path, row, f"{section}[{number}]", section)


def _line(path: Path, row: Any, where: str, section: str = "") -> TableRow:
    if not isinstance(row, dict):
        raise UsageError(f"{path}, {where}: is no object but {_kind(row)}")
    return TableRow(row, where, section)


def _parse(path: Path, text: str, first_line: int) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"{path}{where}: an object has the key {twice!r} more than once")
        return found

    where = f", line {first_line}" if first_line > 1 else ""
    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}, line {first_line + error.lineno - 1}: is no JSON ({error.msg})") from None
    except RecursionError:
        raise UsageError(f"{path}{where}: is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{path}{where}: {error}") from None


def _kind(value: Any) -> str:
    return "null" if value is None else {"list": "a list", "str": "a text"}.get(type(value).__name__, "a number")
