"""Manifests in CSV and TSV; records keep their exact text, quotes and line ends included."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from aim_tui.core.text import plain_cell, spreadsheet_cell
from aim_tui.documents import delimiter_of
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests.base import LONGEST, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_lines import BOM, TOO_LONG, count_lines, numbered_lines


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its text without the line end, the line end, and its cells or a problem."""

    line: int
    text: str
    end: str
    cells: Sequence[str]
    problem: str = ""


class Delimited(Manifest):
    """Records with a header; empty lines are kept."""

    suffixes = (".csv", ".tsv")

    def columns(self) -> tuple[str, ...]:
        """The names in the header."""
        return tuple(self._header().cells)

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """One row per record."""
        header = self._header()
        places = {name: header.cells.index(name) for name in wanted if name in header.cells}
        for record in self._records(header.line):
            where = f"line {record.line}"
            count = len(record.cells)
            if record.problem:
                yield ManifestRow(where, raw=record.text, problem=record.problem)
            elif count > len(header.cells):
                problem = f"has {count} cells, but the header has {len(header.cells)}"
                yield ManifestRow(where, raw=record.text, problem=problem)
            elif not record.cells:
                yield ManifestRow(where, raw=record, blank=True)
            else:
                yield ManifestRow(where, {name: record.cells[at] for name, at in places.items() if at < count}, record)

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer that adds cells to the unchanged text of each record."""
        with self.path.open("rb") as source:
            if source.read(len(BOM)) == BOM:
                stream.write(BOM)
        return _DelimitedWriter(stream, self._header(), self._delimiter(), tuple(added))

    def count(self) -> int:
        """The number of lines below the header, which is an upper bound."""
        return max(count_lines(self) - 1, 0)

    def _delimiter(self) -> str:
        if self.path.suffix.lower() == ".tsv":
            return "\t"
        header = next((line for _, line in self._lines() if line is None or line.strip()), None) or b""
        return delimiter_of(header.decode("utf-8", "replace"))

    def _header(self) -> _Record:
        record = next((record for record in self._records() if record.cells or record.problem), None)
        if record is None:
            raise UsageError(f"{self.path.name} is empty")
        if record.problem:
            raise UsageError(f"{self.path.name}, line {record.line}: the header {record.problem}")
        return record

    def _lines(self) -> Iterator[tuple[int, bytes | None]]:
        with self.path.open("rb") as stream:
            yield from numbered_lines(stream)

    def _records(self, after: int = 0) -> Iterator[_Record]:
        """The records that begin after a line."""
        lines = _RecordReader(self._lines())
        delimiter = self._delimiter()
        default_limit = csv.field_size_limit()
        while True:
            csv.field_size_limit(LONGEST)
            record = lines.record(delimiter)
            csv.field_size_limit(default_limit)
            if record is None:
                return
            if record.line > after:
                yield record


class _RecordReader:
    """Joins lines to records. Of a broken record only the first line is dropped; the next line is tried again."""

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
            problem = "has an unclosed or misplaced quote" if unclosed else _reason(error)
            return _Record(number, (line or b"").decode("utf-8", "backslashreplace"), "", (), problem)
        text = b"".join(line or b"" for _, line in taken).decode("utf-8")
        body = text.rstrip("\r\n") if len(taken) == 1 else text.removesuffix("\n").removesuffix("\r")
        return _Record(taken[0][0], body, text[len(body) :], [plain_cell(cell) for cell in cells])

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
                raise _BrokenLineError("contains a zero byte, so it is not text")
            yield text


def _reason(error: Exception) -> str:
    return "has a carriage return within a line" if "new-line character" in str(error) else str(error)


class _BrokenLineError(Exception):
    """A line that cannot be part of a record."""


class _DelimitedWriter(RowWriter):
    def __init__(self, stream: BinaryIO, header: _Record, delimiter: str, added: Sequence[str]) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._columns = tuple(header.cells)
        self._added = tuple(added)
        self._end = header.end or "\n"
        cell = re.escape(delimiter)
        self._cell = re.compile(rf'(?:"(?:[^"]|"")*"|[^{cell}]*)')
        self._put(header, {name: name for name in added})

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        if row.blank:
            self._stream.write((row.raw.text + row.raw.end).encode("utf-8"))
        elif not row.problem:
            self._put(row.raw, cells)

    def end(self) -> None:
        """Nothing to do: each record is complete by itself."""

    def _put(self, record: _Record, cells: Mapping[str, Any]) -> None:
        text = record.text
        # A record may omit its last cells; added cells must not take their place.
        text += self._delimiter * (len(self._columns) - len(record.cells))
        replaced = [name for name in self._added if name in self._columns]
        if replaced:
            parts = self._split(text)
            for name in replaced:
                parts[self._columns.index(name)] = self._quoted(cells[name])
            text = self._delimiter.join(parts)
        new = [self._quoted(cells[name]) for name in self._added if name not in self._columns]
        # The last record of a file may have no line end.
        self._stream.write((self._delimiter.join([text, *new]) + (record.end or self._end)).encode("utf-8"))

    def _split(self, text: str) -> list[str]:
        """The cells in their original quoting."""
        parts, at = [], 0
        while True:
            match = self._cell.match(text, at)
            assert match is not None  # the pattern also matches the empty string
            parts.append(match[0])
            at = match.end() + 1
            if at > len(text):
                return parts

    def _quoted(self, value: Any) -> str:
        if value is None:
            return ""
        out = io.StringIO()
        # With CR and LF as the line end, a cell that contains either of them is quoted.
        csv.writer(out, delimiter=self._delimiter, lineterminator="\r\n").writerow([spreadsheet_cell(value)])
        written = out.getvalue().removesuffix("\r\n")
        return "" if written == '""' else written
