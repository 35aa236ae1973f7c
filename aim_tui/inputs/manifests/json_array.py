"""Manifests in JSON: an array of objects, split into its elements without reading it as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from aim_tui.errors import UsageError
from aim_tui.inputs.manifests.base import LONGEST, PEEKED, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_lines import BOM, TOO_LONG, object_row

_BLOCK = 1 << 20
_GAP = re.compile(rb"[ \t\r\n]*")
_STRUCTURE = re.compile(rb'["{}\[\],]')
_IN_STRING = re.compile(rb'\\.|\\\Z|"', re.DOTALL)


class JsonArray(Manifest):
    """An array of objects; whitespace between them is kept."""

    suffixes = (".json",)

    def columns(self) -> tuple[str, ...]:
        """The names in the first rows."""
        rows = (row for row in islice(self.rows(()), PEEKED) if not row.problem)
        return tuple(dict.fromkeys(name for row in rows for name in row.raw[0].values()))

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """One row per element, including the whitespace around it."""
        with self.path.open("rb") as stream:
            elements = _Elements(stream, self.path.name)
            for number, (line, before, text, problem) in enumerate(elements, 1):
                where = f"row {number} (line {line})"
                yield (
                    object_row(where, text, before, wanted) if text is not None else ManifestRow(where, problem=problem)
                )

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer that adds members to the unchanged text of each element."""
        return _JsonArrayWriter(stream, self)


class _JsonArrayWriter(RowWriter):
    def __init__(self, stream: BinaryIO, manifest: JsonArray) -> None:
        self._stream = stream
        self._first = True
        with manifest.path.open("rb") as source:
            stream.write(_Elements(source, manifest.path.name).head)
        self._tail = _tail(manifest)

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        if row.problem:
            return
        parsed, before = row.raw
        comma = b"" if self._first else b","
        self._first = False
        self._stream.write(comma + before + parsed.with_members(cells).encode("utf-8"))

    def end(self) -> None:
        self._stream.write(self._tail)


class _Elements:
    """The elements of an array: line number, whitespace before, and the bytes or else a problem."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._buffer, self._at, self._line = b"", 0, 1
        self._more()
        begin = len(BOM) if self._buffer.startswith(BOM) else 0
        self._at = begin
        gap = self._gap()
        if self._buffer[self._at : self._at + 1] != b"[":
            raise UsageError(f"{name} is not a list of objects", "a manifest in JSON is [{...}, ...]")
        self._at += 1
        self.head = (BOM if begin else b"") + gap + b"["

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes | None, str]]:
        first = True
        while True:
            before = self._gap()
            byte = self._buffer[self._at : self._at + 1]
            if byte == b"]" and first:
                break
            line = self._line
            text, closed = self._element()
            if not closed:
                yield line, before, None, TOO_LONG if text is None else "has no end: the file is cut off"
                return
            if text is None:
                yield line, before, None, TOO_LONG
            elif not text.strip():
                yield line, before, None, "is empty: one comma too many"
            else:
                yield line, before, text.rstrip(b" \t\r\n"), ""
            first = False
            if self._buffer[self._at : self._at + 1] == b"]":
                break
            self._at += 1
        self._at += 1
        self._gap()
        if self._at < len(self._buffer):
            yield self._line, b"", None, "follows the end of the list"

    def _element(self) -> tuple[bytes | None, bool]:
        """The bytes up to the next comma or bracket of the array, None if too many; and whether one was found."""
        parts: list[bytes] = []
        size, depth, in_string = 0, 0, False
        while True:
            match = (_IN_STRING if in_string else _STRUCTURE).search(self._buffer, self._at)
            token = match[0] if match else b""
            ends = match is not None and not in_string and depth == 0 and token in b",]"
            halved = token == b"\\"
            stop = len(self._buffer) if match is None else match.start() if ends or halved else match.end()
            part = self._buffer[self._at : stop]
            self._line += part.count(b"\n")
            self._at = stop
            size += len(part)
            if size <= LONGEST:
                parts.append(part)
            else:
                parts.clear()
            if ends:
                return (b"".join(parts) if size <= LONGEST else None), True
            if (match is None or halved) and not self._more():
                return (b"".join(parts) if size <= LONGEST else None), False
            if token == b'"':
                in_string = not in_string
            elif not in_string and token in (b"{", b"["):
                depth += 1
            elif not in_string and token in (b"}", b"]"):
                depth = max(depth - 1, 0)

    def _gap(self) -> bytes:
        """Skip whitespace, and return it."""
        gap = b""
        while True:
            match = _GAP.match(self._buffer, self._at)
            assert match is not None  # the pattern also matches the empty string
            gap += match[0]
            self._line += match[0].count(b"\n")
            self._at = match.end()
            if self._at < len(self._buffer) or not self._more():
                return gap[:LONGEST]

    def _more(self) -> bool:
        block = self._stream.read(_BLOCK)
        if block:
            self._buffer = self._buffer[self._at :] + block
            self._at = 0
        return bool(block)


def _tail(manifest: JsonArray) -> bytes:
    """The end of the file: the closing bracket and the whitespace around it."""
    with manifest.path.open("rb") as stream:
        stream.seek(0, 2)
        size = stream.tell()
        stream.seek(max(0, size - 4096))
        match = re.search(rb"[ \t\r\n]*\][ \t\r\n]*\Z", stream.read())
    return match[0] if match else b"]\n"
