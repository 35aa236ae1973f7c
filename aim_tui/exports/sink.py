"""Where an output goes: to a file that appears whole, to stdout, or as a stream of rows to either."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NoReturn, TextIO

from aim_tui.errors import UsageError
from aim_tui.exports.atomic_write import cannot_write, write_whole
from aim_tui.inputs.image_formats import SUFFIXES

READER_LEFT = 141
"""The exit code of a command whose reader went away: what a shell says of one that SIGPIPE ended."""


class Sink:
    """A file, or stdout without a path. Text is UTF-8 whatever the locale; undecodable bytes are escaped."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def check(self, inputs: Iterable[str] = (), what: str = "files to read") -> None:
        """UsageError if nothing can be written here, or if it would overwrite one of the inputs."""
        if self.path is None:
            if sys.stdout is None:
                raise UsageError("no standard output", "open it, or give --output FILE")
            return
        check_writable(self.path)
        # As text, which keeps any bytes.
        if os.path.abspath(self.path) in map(os.path.abspath, inputs):
            raise UsageError(f"--output {self.path} is one of the {what}", "name another file")

    def write(self, content: str | bytes) -> None:
        """Write a finished document: a file whole or not at all."""
        if self.path is not None:
            try:
                write_whole(self.path, content)
            except BrokenPipeError:
                reader_left()
            return
        if isinstance(content, bytes) and sys.stdout.isatty():
            raise UsageError("this format is not text for a terminal", "name a file: -o FILE")
        self.stream(content)

    def stream(self, piece: str | bytes) -> None:
        """Write the next piece and flush it, so that a reader of a pipe sees it at once; the first opens the file."""
        data = piece.encode("utf-8", "backslashreplace") if isinstance(piece, str) else piece
        try:
            if self._stream is None:
                self._stream = _stdout() if self.path is None else self.path.open("wb")
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError:
            reader_left()
        except OSError as error:
            # The rest of its buffer cannot be written either.
            with contextlib.suppress(OSError):
                self.close()
            raise cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file; stdout stays open."""
        stream, self._stream = self._stream, None
        if stream is not None and self.path is not None:
            stream.close()


def _stdout() -> BinaryIO:
    # Earlier prints come first.
    sys.stdout.flush()
    return sys.stdout.buffer


def check_writable(output: Path) -> None:
    """UsageError, before hours of work, if the result cannot be written, or the file is named as an image."""
    if output.suffix.lower() in SUFFIXES:
        raise UsageError(f"cannot write {output}: that is the name of an image")
    check_folder(output)


def check_folder(output: Path) -> None:
    """The same for a file that may be an image."""
    if problem := path_problem(output):
        raise UsageError(f"cannot write {output}: {problem}")


def path_problem(output: Path) -> str:
    """Why no file can be written there; empty if one can."""
    if os.path.isdir(output):
        return "it is a folder"
    if not os.path.isdir(output.parent):
        return f"no folder {output.parent}"
    if not os.access(output if os.path.exists(output) else output.parent, os.W_OK):
        return "no permission"
    return ""


def reader_left() -> NoReturn:
    """End as other programs do when the reader of a pipe has gone (`| head`)."""
    silence(sys.stdout)
    raise SystemExit(READER_LEFT)


def silence(stream: TextIO) -> None:
    """Drop what is written to a stream that nobody reads any more, also what its buffer still holds at the end."""
    with contextlib.suppress(OSError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
