"""Manifests in JSON Lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from aim_tui.inputs.manifests.base import LONGEST, PEEKED, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_text import JsonError, parse_object

BOM = b"\xef\xbb\xbf"
TOO_LONG = f"is longer than {LONGEST >> 20} MiB"


class JsonLines(Manifest):
    """One object per line; empty lines are kept."""

    suffixes = (".jsonl", ".ndjson")

    def columns(self) -> tuple[str, ...]:
        """The names in the first rows."""
        rows = (row for row in islice(self.rows(()), PEEKED) if not row.problem and not row.blank)
        return tuple(dict.fromkeys(name for row in rows for name in row.raw[0].values()))

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """One row per line."""
        with self.path.open("rb") as stream:
            for number, line in numbered_lines(stream):
                yield _row(f"line {number}", line, wanted)

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
