"""What is left when the application meets an error of its own: a sentence for the user, and a log without values."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.settings import paths

_LOGS_KEPT = 10


def crash_report(error: BaseException) -> AimError:
    """Write the way to the error into a log; returns what to tell the user.

    The log has no values of variables: they can hold a token.
    """
    try:
        log = _write("".join(traceback.format_exception(error)))
        where = f"the way to it is in {log}"
    except OSError as trouble:
        where = f"its log could not be written: {trouble.strerror}"
    cause = (str(error).splitlines() or [""])[0]
    return AimError(
        f"aim-tui closed because of an error of its own: {type(error).__name__}: {printable(cause)}",
        f"ratings and scores are stored; {where}",
    )


def _write(text: str) -> Path:
    folder = paths.state_dir()
    logs = sorted(folder.glob("crash-*.log"), key=lambda path: path.stat().st_mtime)
    for old in logs[: max(0, len(logs) - _LOGS_KEPT + 1)]:
        old.unlink(missing_ok=True)
    path = folder / f"crash-{os.getpid()}.log"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", errors="replace") as stream:
        stream.write(text)
    return path
