"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aim_tui.core.text import printable
from aim_tui.errors import ExportError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside the file and rename, so that an old one is never half overwritten; ExportError on failure."""
    # Undecodable bytes of a file name must be readable in an export, not fatal.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    write_through(path, lambda file: file.write(data))


def write_through(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """The same for content that `write` writes piece by piece; BrokenPipeError if the reader of a pipe has gone."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device such as /dev/null
            with path.open("wb") as file:
                write(file)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "wb") as file:
                write(file)
            Path(name).chmod(path.stat().st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path | None, error: OSError) -> ExportError:
    """The error to raise if a file, or the standard output, cannot be written."""
    name = "the standard output" if path is None else printable(str(path))
    return ExportError(f"cannot write {name}: {error.strerror or error}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
