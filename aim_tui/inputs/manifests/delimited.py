"""Manifests in CSV and TSV: every record stays as it is written, quotes and line ends included."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from aim_tui.core.scoring.records import spreadsheet_cell
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests.base import LONGEST, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_lines import BOM, TOO_LONG, count_lines, numbered_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its text without the line end, the line end, its cells, or what is wrong with it."""

    line: int
    text: str
    end: str
    cells: Sequence[str]
    problem: str = ""


class Delimited(Manifest):
    """Records with a heading; empty lines stay."""

    suffixes = (".csv", ".tsv")

    def columns(self) -> tuple[str, ...]:
        """The heading."""
        return tuple(self._heading().cells)

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """A row a record."""
        heading = self._heading()
        places = {name: heading.cells.index(name) for name in wanted if name in heading.cells}
        for record in self._records(heading.line):
            where = f"line {record.line}"
            many = len(record.cells)
            if record.problem:
                yield ManifestRow(where, raw=record.text, problem=record.problem)
            elif many > len(heading.cells):
                problem = f"has {many} cells where the heading has {len(heading.cells)}"
                yield ManifestRow(where, raw=record.text, problem=problem)
            elif not record.cells:
                yield ManifestRow(where, raw=record, blank=True)
            else:
                yield ManifestRow(where, {name: record.cells[at] for name, at in places.items() if at < many}, record)

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """Writes each record as it is, with the cells added."""
        with self.path.open("rb") as source:
            if source.read(len(BOM)) == BOM:
                stream.write(BOM)
        return _Writer(stream, self._heading(), self._delimiter(), tuple(added))

    def count(self) -> int:
        """About as many as there are lines."""
        return max(count_lines(self) - 1, 0)

    def _delimiter(self) -> str:
        """A semicolon where the heading has no comma: spreadsheets of half the world write that."""
        if self.path.suffix.lower() == ".tsv":
            return "\t"
        heading = next((line for _, line in self._lines() if line is None or line.strip()), None) or b""
        return ";" if b"," not in heading and b";" in heading else ","

    def _heading(self) -> _Record:
        record = next((record for record in self._records() if record.cells or record.problem), None)
        if record is None:
            raise UsageError(f"{self.path.name} is empty")
        if record.problem:
            raise UsageError(f"{self.path.name}, line {record.line}: the heading {record.problem}")
        return record

    def _lines(self) -> Iterator[tuple[int, bytes | None]]:
        with self.path.open("rb") as stream:
            yield from numbered_lines(stream)

    def _records(self, after: int = 0) -> Iterator[_Record]:
        """The records that begin after a line."""
        lines = _Lines(self._lines())
        delimiter = self._delimiter()
        before = csv.field_size_limit()
        while True:
            csv.field_size_limit(LONGEST)
            record = lines.record(delimiter)
            csv.field_size_limit(before)
            if record is None:
                return
            if record.line > after:
                yield record


class _Lines:
    """Records out of lines. Where one is broken its first line alone is given up, and the next is tried."""

    def __init__(self, lines: Iterator[tuple[int, bytes | None]]) -> None:
        self._lines = lines
        self._ahead: deque[tuple[int, bytes | None]] = deque()

    def record(self, delimiter: str) -> _Record | None:
        """The next record, or None at the end."""
        taken: list[tuple[int, bytes | None]] = []
        reader = csv.reader(self._texts(taken), delimiter=delimiter, strict=True)
        try:
            cells = next(reader)
        except StopIteration:
            return None
        except (_BrokenLineError, csv.Error) as error:
            self._ahead.extendleft(reversed(taken[1:]))
            number, line = taken[0]
            unclosed = len(taken) > 1 or str(error) == "unexpected end of data"
            problem = "has a quote that is not closed as it should be" if unclosed else _said(error)
            return _Record(number, (line or b"").decode("utf-8", "backslashreplace"), "", (), problem)
        text = b"".join(line or b"" for _, line in taken).decode("utf-8")
        body = text.rstrip("\r\n") if len(taken) == 1 else text.removesuffix("\n").removesuffix("\r")
        return _Record(taken[0][0], body, text[len(body) :], cells)

    def _texts(self, taken: list[tuple[int, bytes | None]]) -> Iterator[str]:
        size = 0
        while True:
            numbered = self._ahead.popleft() if self._ahead else next(self._lines, None)
            if numbered is None:
                return
            taken.append(numbered)
            line = numbered[1]
            size += len(line or b"")
            if line is None or size > LONGEST:
                raise _BrokenLineError(TOO_LONG)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _BrokenLineError(f"is not UTF-8 (byte 0x{line[error.start]:02x})") from None
            if "\0" in text:
                raise _BrokenLineError("holds a zero byte, so it is no text")
            yield text


def _said(error: Exception) -> str:
    return "has a carriage return within a line" if "new-line character" in str(error) else str(error)


class _BrokenLineError(Exception):
    """A line that no record can have."""


class _Writer(RowWriter):
    def __init__(self, stream: BinaryIO, heading: _Record, delimiter: str, added: Sequence[str]) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._columns = tuple(heading.cells)
        self._added = tuple(added)
        self._end = heading.end or "\n"
        cell = re.escape(delimiter)
        self._cell = re.compile(rf'(?:"(?:[^"]|"")*"|[^{cell}]*)')
        self._put(heading, {name: name for name in added})

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        if row.blank:
            self._stream.write((row.raw.text + row.raw.end).encode("utf-8"))
        elif not row.problem:
            self._put(row.raw, cells)

    def end(self) -> None:
        """A record is whole by itself."""

    def _put(self, record: _Record, cells: Mapping[str, Any]) -> None:
        text = record.text
        lacking = len(self._columns) - len(record.cells)
        if lacking:
            # A record may leave out its last cells; what is added must not take their place.
            text += self._delimiter * lacking
        known = [name for name in self._added if name in self._columns]
        if known:
            parts = self._split(text)
            for name in known:
                parts[self._columns.index(name)] = self._written(cells[name])
            text = self._delimiter.join(parts)
        new = [self._written(cells[name]) for name in self._added if name not in self._columns]
        # The last record of a file may have no line end.
        self._stream.write((self._delimiter.join([text, *new]) + (record.end or self._end)).encode("utf-8"))

    def _split(self, text: str) -> list[str]:
        """The cells as they are written."""
        parts, at = [], 0
        while True:
            match = self._cell.match(text, at)
            assert match is not None  # it matches nothing, too
            parts.append(match[0])
            at = match.end() + 1
            if at > len(text):
                return parts

    def _written(self, value: Any) -> str:
        if value is None:
            return ""
        out = io.StringIO()
        # With both characters of a line end, so that a cell with one of them is quoted.
        csv.writer(out, delimiter=self._delimiter, lineterminator="\r\n").writerow([spreadsheet_cell(value)])
        written = out.getvalue().removesuffix("\r\n")
        return "" if written == '""' else written
