"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aim_tui.core.text import printable
from aim_tui.store.errors import ExportError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside the file and rename, so that an old one is never half overwritten; ExportError where it fails."""
    # A message may hold undecodable bytes of a file name; in an export they are readable, not fatal.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    write_through(path, lambda file: file.write(data))


def write_through(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """The same for what is written piece by piece, by `write`; BrokenPipeError where the reader of a pipe left."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device such as /dev/null
            with path.open("wb") as file:
                write(file)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - the handle is already open
                write(file)
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ExportError(f"cannot write {printable(str(path))}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
