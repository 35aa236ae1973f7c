"""Where an output goes: to a file that appears whole, to stdout, or as a stream of rows to either."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NoReturn, TextIO

from aim_tui.errors import AimError, UsageError
from aim_tui.exports.atomic_write import write_whole

READER_LEFT = 141
"""The exit code of a command whose reader went away: what a shell says of one that SIGPIPE ended."""


class Sink:
    """A file, or stdout where no path is given. Text is UTF-8 whatever the locale.

    Undecodable bytes of a file name are written readably, never fatally.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def check(self, inputs: Iterable[str] = (), what: str = "files to read") -> None:
        """UsageError where nothing can be written here, or where it would replace one of the inputs."""
        if self.path is None:
            if sys.stdout is None:
                raise UsageError("there is no standard output", "open it, or give --output FILE")
            return
        check_writable(self.path)
        # As text, which keeps any bytes.
        if os.path.abspath(self.path) in map(os.path.abspath, inputs):  # noqa: PTH100
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
        """Write the next piece and flush it, so that a reader of a pipe sees it now; the first one opens the file."""
        data = piece.encode("utf-8", "backslashreplace") if isinstance(piece, str) else piece
        try:
            if self._stream is None:
                self._stream = _stdout() if self.path is None else self.path.open("wb")
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError:
            reader_left()
        except OSError as error:
            # What is left in its buffer cannot be written either.
            with contextlib.suppress(OSError):
                self.close()
            raise cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file; stdout stays open."""
        stream, self._stream = self._stream, None
        if stream is not None and self.path is not None:
            stream.close()


def _stdout() -> BinaryIO:
    # What was printed before comes first.
    sys.stdout.flush()
    return sys.stdout.buffer


def check_writable(output: Path) -> None:
    """UsageError, before hours of work, where the result cannot be written, or the name is that of an image."""
    from aim_tui.inputs.image_formats import SUFFIXES

    if output.suffix.lower() in SUFFIXES:
        raise UsageError(f"cannot write {output}: that is the name of an image")
    check_folder(output)


def check_folder(output: Path) -> None:
    """The same of a file that may be an image."""
    if problem := path_problem(output):
        raise UsageError(f"cannot write {output}: {problem}")


def path_problem(output: Path) -> str:
    """Why no file can be written there, or an empty text."""
    if output.is_dir():
        return "it is a folder"
    if not output.parent.is_dir():
        return f"there is no folder {output.parent}"
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        return "no permission"
    return ""


def cannot_write(output: Path | None, error: OSError) -> AimError:
    """The error that says so, to be raised."""
    return AimError(f"cannot write {output or 'the standard output'}: {error.strerror or error}")


def reader_left() -> NoReturn:
    """The reader of a pipe went away (`| head`): nobody is left to be told, so end as other programs do."""
    silence(sys.stdout)
    raise SystemExit(READER_LEFT)


def silence(stream: TextIO) -> None:
    """Nobody reads this stream any more: what its buffer still holds goes nowhere when the interpreter ends."""
    with contextlib.suppress(OSError):  # one that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
