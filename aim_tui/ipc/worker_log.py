"""The log of a worker process, and how the process ended."""

from __future__ import annotations

import signal
from pathlib import Path

from aim_tui.core.text import without_escapes

#: How many lines of a log a crash report shows.
TAIL_LINES = 20


def how_it_ended(code: int) -> str:
    """The end of a process in words, from its exit code (negative: the signal that ended it)."""
    if code >= 0:
        return f"the worker exited with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the worker was ended by {name}"


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, safe to show; none if it cannot be read."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 16_384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [without_escapes(line) for line in text.splitlines() if line.strip()][-TAIL_LINES:]
