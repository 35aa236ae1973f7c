"""Asking the tmux that this program runs in."""

from __future__ import annotations

import subprocess

#: What tmux answers for a choice that is on: its number or, by version, its name.
ON = ("1", "2", "on", "all")
# tmux answers at once, or hangs.
_PATIENCE_SECONDS = 2.0


def ask(*formats: str) -> list[str] | None:
    """What tmux puts in place of these formats; None where it is another machine's, or does not answer."""
    try:
        answer = subprocess.run(
            ["tmux", "display-message", "-p", "\n".join(formats)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return answer.split("\n")[: len(formats)]
