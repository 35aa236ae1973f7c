"""Manifests in JSON Lines: an object a line."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from aim_tui.inputs.manifests.base import LONGEST, PEEKED, Manifest, ManifestRow, RowWriter
from aim_tui.inputs.manifests.json_text import JsonError, JsonObject, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BOM = b"\xef\xbb\xbf"
TOO_LONG = f"is longer than {LONGEST >> 20} MiB"


class JsonLines(Manifest):
    """An object a line; empty lines stay."""

    suffixes = (".jsonl", ".ndjson")

    def columns(self) -> tuple[str, ...]:
        """The names that the first rows have."""
        objects = (_object(row) for row in islice(self.rows(()), PEEKED))
        return tuple(dict.fromkeys(name for each in objects if each for name in each.values()))

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """A row a line."""
        with self.path.open("rb") as stream:
            for number, line in numbered_lines(stream):
                yield _row(f"line {number}", line, wanted)

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """Writes each line as it is, with the members added."""
        with self.path.open("rb") as source:
            if source.read(len(BOM)) == BOM:
                stream.write(BOM)
        return _Writer(stream)

    def count(self) -> int:
        """The number of lines."""
        return count_lines(self)


class _Writer(RowWriter):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        if row.problem:
            return
        parsed, end = row.raw
        text = "" if row.blank else parsed.with_members(cells)
        self._stream.write(text.encode("utf-8") + end)

    def end(self) -> None:
        """A line is whole by itself."""


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their ends and numbers, a BOM left out; None for one that is too long."""
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
    """The lines of a file, counted at the speed of the disk."""
    with manifest.path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def object_row(where: str, text: bytes, end: bytes, wanted: Sequence[str]) -> ManifestRow:
    """The row of an object; with `end` it is all that a writer needs."""
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


def _object(row: ManifestRow) -> JsonObject | None:
    return None if row.problem or row.blank else row.raw[0]
