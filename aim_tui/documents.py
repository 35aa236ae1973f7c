"""Read JSON, JSON Lines, CSV, TOML, .env and Parquet: one door for each format, and one kind of refusal.

Whatever is wrong with a file, its reader raises a UsageError that names the file, the line where there is one, and the
fault. Nothing that a parser raises on damaged or hostile bytes leaves this module.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aim_tui.core.text import plain_cell, printable
from aim_tui.errors import ConfigError, UsageError

#: Files are read as a whole; a larger one could fill the memory.
MOST_BYTES = 256 * 1024 * 1024
#: The longest line or cell, in characters.
LONGEST = 4 * 1024 * 1024

_SHOWN = 200
_BLANK = " \t\r\n"


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file or pipe; UsageError if it cannot be read or is too large."""
    name, most = printable(str(path)), MOST_BYTES if most is None else most
    try:
        if os.path.isdir(path):
            raise UsageError(f"{name} is a folder", "name a file")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise UsageError(f"{name} has {max(path.stat().st_size, len(data)):,} bytes; the limit is {most:,}")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {_brief(name)}: {_reason(error)}") from None
    return data


def read_text(path: Path, most: int | None = None) -> str:
    """The text of a UTF-8 file, without a byte order mark; UsageError names the line that is not text."""
    name, data = printable(str(path)), read_bytes(path, most)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{name} is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{name}, line {line}: is not UTF-8 (byte 0x{data[error.start]:02x})", "save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{name}, line {line}: contains a zero byte, so it is not text")
    return text


# -- JSON -------------------------------------------------------------------------------------------------------------


def parse_json(path: Path | str, text: str, first_line: int = 1) -> Any:
    """A JSON text; UsageError if it is not valid, too deep, or has a key twice in one object."""
    with _json_errors(path, first_line):
        return _DECODER.decode(text)


def parse_json_lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """The values of a JSON Lines file with the line that each begins on; a value may span several lines."""
    at, line = 0, 1
    while True:
        begin = at
        while at < len(text) and text[at] in _BLANK:
            at += 1
        line += text.count("\n", begin, at)
        if at == len(text):
            return
        # Not splitlines: texts may contain U+2028, which does not end a line of JSON.
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if end - at > LONGEST:
            raise UsageError(f"{path}, line {line}: has {end - at:,} characters; the limit is {LONGEST:,}")
        with _json_errors(path, line, whole=text, begin=at):
            value, stop = _DECODER.raw_decode(text, at)
            rest = text.find("\n", stop)
            if trailing := text[stop : len(text) if rest < 0 else rest].strip(_BLANK):
                raise UsageError(
                    f"{path}, line {line + text.count(chr(10), at, stop)}: is not valid JSON (something follows its "
                    f"end: {printable(trailing)[:40]})"
                )
        yield line, value
        line += text.count("\n", at, stop)
        at = stop


@contextlib.contextmanager
def _json_errors(path: Path | str, line: int, whole: str = "", begin: int = 0) -> Iterator[None]:
    name = printable(str(path))
    where = f", line {line}" if line > 1 else ""
    try:
        yield
    except json.JSONDecodeError as error:
        # An object without an end is named by the line that it begins on.
        unfinished = bool(whole) and not whole[error.pos :].strip()
        number = line + (0 if unfinished else whole.count("\n", begin, error.pos) if whole else error.lineno - 1)
        raise UsageError(f"{name}, line {number}: is not valid JSON ({error.msg})") from None
    except _RepeatedKeyError as error:
        raise UsageError(f"{name}{where}: an object has the key {error.key!r} more than once") from None
    except RecursionError:
        raise UsageError(f"{name}{where}: is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{name}{where}: {_number_problem(error)}") from None


class _RepeatedKeyError(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names: set[str] = set()
        raise _RepeatedKeyError(next(name for name, _ in pairs if name in names or names.add(name)))  # type: ignore[func-returns-value]
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


# -- CSV --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CsvText:
    """The cells of a CSV file: the header, and each record with the line that it begins on."""

    delimiter: str
    header: Sequence[str]
    records: Sequence[tuple[int, Sequence[str]]]


def delimiter_of(header: str) -> str:
    """A semicolon or tab if the header has more of them than commas, as spreadsheets in many locales write it."""
    counts = dict.fromkeys(",;\t", 0)
    quoted = False
    for char in header:
        quoted ^= char == '"'
        if char in counts and not quoted:
            counts[char] += 1
    return max(counts, key=lambda char: counts[char])


def parse_csv(path: Path, text: str) -> CsvText:
    """The records of a CSV or TSV file; cells that a spreadsheet would take for a formula lose our apostrophe."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter_of(text.lstrip("\r\n").partition("\n")[0])
    name = printable(str(path))
    records: list[tuple[int, Sequence[str]]] = []
    default_limit = csv.field_size_limit(LONGEST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [plain_cell(cell).strip() for cell in next((row for row in reader if any(row)), [])]
        _check_header(name, header, reader.line_num)
        start = reader.line_num + 1
        for row in reader:
            if len(row) > len(header):
                raise UsageError(
                    f"{name}, line {start}: has {len(row)} cells, but the header has {len(header)}",
                    "a decimal comma? then separate the columns by semicolons" if _digits_follow(row) else "",
                )
            if any(row):
                records.append((start, [plain_cell(cell) for cell in row]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(default_limit)
    return CsvText(delimiter, header, records)


def _digits_follow(row: Sequence[str]) -> bool:
    """Whether two neighbouring cells could be the halves of a number with a decimal comma."""
    cells = [cell.strip() for cell in row]
    return any(one.lstrip("+-").isdigit() and other.isdigit() for one, other in zip(cells, cells[1:], strict=False))


def _check_header(name: str, header: list[str], line: int) -> None:
    if not header:
        raise UsageError(f"{name} has no header")
    if "" in header:
        raise UsageError(f"{name}, line {line}: column {header.index('') + 1} of the header has no name")
    duplicate = next((column for column in header if header.count(column) > 1), None)
    if duplicate is not None:
        raise UsageError(f"{name}, line {line}: the header has {duplicate!r} more than once")


# -- settings ---------------------------------------------------------------------------------------------------------


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """A TOML text; ConfigError if it is not valid, too deep, or has a number that is too long."""
    name = printable(str(path))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {_brief(str(error))}") from None
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: it is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{name}: not valid TOML: {_number_problem(error)}") from None


def parse_env(path: Path, text: str) -> Mapping[str, str]:
    """The variables of a .env file that have a value; ConfigError if one of them has a zero byte."""
    from dotenv import dotenv_values

    name = printable(str(path))
    try:
        values = dotenv_values(stream=io.StringIO(text))
    except (ValueError, RecursionError, OSError) as error:
        raise ConfigError(f"{name}: is not a valid .env file: {_reason(error)}") from None
    found = {key: value for key, value in values.items() if value}
    if broken := next((key for key, value in found.items() if "\0" in value), None):
        raise ConfigError(f"{name}: {printable(broken)} contains a zero byte")
    return found


# -- Parquet ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def parquet_errors(path: Path) -> Iterator[None]:
    """UsageError for whatever pyarrow raises on a damaged file: OSError, ArrowException, OverflowError and others."""
    try:
        yield
    except UsageError:
        raise
    except MemoryError:
        raise UsageError(f"{printable(path.name)} cannot be read as Parquet: it needs too much memory") from None
    except Exception as error:  # nearly every kind of exception is raised on one damaged byte or another
        raise UsageError(f"{printable(path.name)} cannot be read as Parquet: {_reason(error)}") from None


def _number_problem(error: Exception) -> str:
    """Python refuses to convert a number of too many digits; its own message is about Python."""
    text = str(error)
    return "has a number of more than 4,300 digits" if "integer string conversion" in text else _brief(text)


def _reason(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return _brief(text)


def _brief(text: str) -> str:
    """The first line of a message, on one line and of moderate length."""
    line = printable((text.splitlines() or [""])[0].strip())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
