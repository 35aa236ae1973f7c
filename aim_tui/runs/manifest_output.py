"""Write a scored manifest: to a file, whole or not at all, or to stdout."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from aim_tui.core.scoring.records import to_json
from aim_tui.errors import UsageError
from aim_tui.exports.atomic_write import cannot_write
from aim_tui.exports.sink import check_writable, reader_left
from aim_tui.inputs.manifests import Manifest, ManifestRow, RowWriter, open_manifest
from aim_tui.inputs.manifests.parquet import Parquet

_SHOWN = 2000


def check_output(manifest: Manifest, output: Path | None) -> None:
    """UsageError if the result of this manifest cannot be written there."""
    if output is None:
        if sys.stdout is None:
            raise UsageError("no standard output", "open it, or give -o FILE")
        if isinstance(manifest, Parquet):
            raise UsageError("cannot write Parquet to stdout", "name a file: -o FILE")
        return
    check_writable(output)
    written = {output, output.with_suffix(f".partial{output.suffix}"), output.with_suffix(".failures.jsonl")}
    if os.path.realpath(manifest.path) in map(os.path.realpath, written):
        raise UsageError(f"--output {output} would overwrite the input", "name another file")
    if _is_plain(output) and output.suffix.lower() not in manifest.suffixes and not _same_kind(manifest, output):
        raise UsageError(
            f"--output {output}: the format must be that of {manifest.path.name}",
            f"end its name in {' or '.join(manifest.suffixes)}",
        )


def _same_kind(manifest: Manifest, output: Path) -> bool:
    # For example JSON Lines named .json.
    return output.suffix.lower() == manifest.path.suffix.lower()


def _is_plain(output: Path) -> bool:
    """Whether it is a file or does not exist, rather than a pipe or a device such as /dev/null."""
    return os.path.isfile(output) or not os.path.exists(output)


class ManifestOutput:
    """Writes the rows of a manifest in order.

    A file is written as NAME.partial.SUFFIX, and renamed when it is complete. After an interruption the partial file
    stays, as a valid file of the rows so far; after an error it is removed. Invalid rows go to NAME.failures.jsonl.
    """

    def __init__(self, manifest: Manifest, output: Path | None, added: Mapping[str, type]) -> None:
        self._manifest = manifest
        self._output = output
        self._added = added
        self._stream: BinaryIO | None = None
        self._writer: RowWriter | None = None
        self._failures: BinaryIO | None = None
        self._begun = False
        self.done = False
        """Set when all rows are written: the file is then renamed."""
        beside = output is not None and _is_plain(output)
        self.partial = output.with_suffix(f".partial{output.suffix}") if output is not None and beside else None
        self.failures = output.with_suffix(".failures.jsonl") if output is not None and beside else None

    def __enter__(self) -> ManifestOutput:
        return self

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        """Write one row with its added cells."""
        try:
            if self._writer is None:
                self._writer = self._manifest.writer(self._open(), self._added)
            if row.problem:
                self._note(row)
            else:
                self._writer.write(row, cells)
                self._begun = True
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        """Flush, so that a reader of a pipe sees the rows."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._end(failed=error is not None)
        except OSError as failure:
            if error is None:
                self._fail(failure)

    def _end(self, *, failed: bool) -> None:
        if self.done and self._writer is None:  # no rows at all
            self._writer = self._manifest.writer(self._open(), self._added)
        if failed and self.partial is not None and self._stream is not None:
            # Before anything else can fail, for example on a full disk.
            self.partial.unlink(missing_ok=True)
            self.partial = None
        if self._writer is not None:
            self._writer.end()
        for stream in (self._stream, self._failures):
            if stream is not None:
                stream.flush()
                if stream is not sys.stdout.buffer:
                    stream.close()
        if self.partial is None or self._stream is None:
            return
        assert self._output is not None
        if self.done:
            if os.path.exists(self._output):
                self.partial.chmod(self._output.stat().st_mode & 0o777)
            self.partial.replace(self._output)
        elif not self._begun:
            self.partial.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        if self._output is None:
            self._stream = sys.stdout.buffer
        elif self.partial is None:
            self._stream = self._output.open("wb")
        else:
            # Not truncated before it is certain that no other command is writing it.
            stream = os.fdopen(os.open(self.partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.close()
                raise UsageError(
                    f"another command is writing {self._output}", "wait for it, or name another file"
                ) from None
            stream.truncate()
            self._stream = stream
        return self._stream

    def _note(self, row: ManifestRow) -> None:
        """Write an invalid row to the file of failures."""
        if self.failures is None:
            return
        if self._failures is None:
            self._failures = self.failures.open("wb")
        raw = row.raw if row.raw is not None else ""
        text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)
        failure = {"where": row.where, "problem": row.problem, "text": text[:_SHOWN]}
        self._failures.write(to_json(failure).encode("utf-8", "backslashreplace") + b"\n")

    def _fail(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            reader_left()
        raise cannot_write(self._output, error) from None


def open_input(path: Path, output: Path | None) -> Manifest:
    """Open a manifest whose result can be written to `output`; UsageError otherwise."""
    manifest = open_manifest(path)
    check_output(manifest, output)
    return manifest
