"""Log files in the state folder: private to the user, the oldest of a kind deleted."""

from __future__ import annotations

import os
from pathlib import Path

from aim_tui.settings import paths

_KEPT = 10


def new_log(kind: str, name: str) -> tuple[Path, int]:
    """A new log file `kind-name.log`, open for writing; OSError if it cannot be written."""
    folder = paths.state_dir()
    logs = sorted(folder.glob(f"{kind}-*.log"), key=lambda path: path.stat().st_mtime)
    for old in logs[: max(0, len(logs) - _KEPT + 1)]:
        old.unlink(missing_ok=True)
    path = folder / f"{kind}-{name}.log"
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
