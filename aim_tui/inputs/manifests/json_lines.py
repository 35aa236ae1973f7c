"""Manifests in JSON Lines: one object per line."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from aim_tui.inputs.manifests.base import LONGEST, PEEKED, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_text import JsonError, parse_object

BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'\\.|["{}\[\]]', re.DOTALL)
TOO_LONG = f"is longer than {LONGEST >> 20} MiB"


class JsonLines(Manifest):
    """One object per line, or over several; empty lines are kept."""

    suffixes = (".jsonl", ".ndjson")

    def columns(self) -> tuple[str, ...]:
        """The names in the first rows."""
        rows = (row for row in islice(self.rows(()), PEEKED) if not row.problem and not row.blank)
        return tuple(dict.fromkeys(name for row in rows for name in row.raw[0].values()))

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """One row per object; one that is written over several lines keeps its layout."""
        with self.path.open("rb") as stream:
            for number, text in _objects(numbered_lines(stream)):
                yield _row(f"line {number}", text, wanted)

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer that adds members to the unchanged text of each line."""
        with self.path.open("rb") as source:
            if source.read(len(BOM)) == BOM:
                stream.write(BOM)
        return _JsonLinesWriter(stream)

    def count(self) -> int:
        """The number of lines."""
        return count_lines(self)


class _JsonLinesWriter(RowWriter):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        if row.problem:
            return
        parsed, end = row.raw
        text = "" if row.blank else parsed.with_members(cells)
        self._stream.write(text.encode("utf-8") + end)

    def end(self) -> None:
        """Nothing to do: each line is complete by itself."""


def _objects(lines: Iterator[tuple[int, bytes | None]]) -> Iterator[tuple[int, bytes | None]]:
    """Lines, those of an object over several lines joined; of a broken object only the first line is dropped."""
    ahead: deque[tuple[int, bytes | None]] = deque()
    while True:
        first = ahead.popleft() if ahead else next(lines, None)
        if first is None:
            return
        number, line = first
        if line is None or not _is_open(line):
            yield number, line
            continue
        scanner, parts, size, used = _Depth(), [line], len(line), []
        scanner.read(line)
        while not scanner.closed and size <= LONGEST:
            following = ahead.popleft() if ahead else next(lines, None)
            if following is None:
                break
            used.append(following)
            if following[1] is None or _is_object(following[1]):
                break  # an object begins: the one before has no end
            parts.append(following[1])
            size += len(following[1])
            scanner.read(following[1])
        if scanner.closed:
            yield number, b"".join(parts)
        else:
            ahead.extendleft(reversed(used))
            yield number, line


def _is_open(line: bytes) -> bool:
    """Whether an object begins in this line and does not end in it."""
    if not line.lstrip().startswith(b"{"):
        return False
    scanner = _Depth()
    scanner.read(line)
    return scanner.depth > 0


def _is_object(line: bytes) -> bool:
    """Whether a line is a whole object, at the margin: one within another is indented."""
    scanner = _Depth()
    scanner.read(line)
    return line.startswith(b"{") and scanner.closed


class _Depth:
    """How many brackets are open after the text read so far."""

    def __init__(self) -> None:
        self.depth = 0
        self.closed = False
        self._in_string = False

    def read(self, text: bytes) -> None:
        """Read on."""
        for token in _TOKEN.findall(text):
            if token == b'"':
                self._in_string = not self._in_string
            elif not self._in_string and token in b"{[":
                self.depth += 1
            elif not self._in_string and token in b"}]":
                self.depth -= 1
                self.closed = self.closed or self.depth <= 0


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The numbered lines with their ends, without a BOM; None for a line that is too long."""
    number = 0
    if stream.read(len(BOM)) != BOM:
        stream.seek(0)
    while line := stream.readline(LONGEST + 1):
        number += 1
        if len(line) <= LONGEST:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(1 << 20)
        yield number, None


def count_lines(manifest: Manifest) -> int:
    """The number of lines of a file."""
    with manifest.path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def object_row(where: str, text: bytes, end: bytes, wanted: Sequence[str]) -> ManifestRow:
    """The row of a JSON object; `end` is the text after it, which a writer passes through."""
    try:
        parsed = parse_object(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        return ManifestRow(where, raw=text, problem=f"is not UTF-8 (byte 0x{text[error.start]:02x})")
    except JsonError as error:
        return ManifestRow(where, raw=text, problem=str(error))
    values = parsed.values()
    return ManifestRow(where, {name: values[name] for name in wanted if name in values}, (parsed, end))


def _row(where: str, line: bytes | None, wanted: Sequence[str]) -> ManifestRow:
    if line is None:
        return ManifestRow(where, problem=TOO_LONG)
    text = line.rstrip(b" \t\r\n")
    if not text:
        return ManifestRow(where, raw=(None, line), blank=True)
    return object_row(where, text, line[len(text) :], wanted)
