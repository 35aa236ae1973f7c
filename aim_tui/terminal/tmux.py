"""Query the tmux that this program runs in."""

from __future__ import annotations

import subprocess

#: The values of a tmux option that is on: a number or a name, depending on the version.
ON = ("1", "2", "on", "all")
# tmux either answers at once or hangs.
_TIMEOUT_SECONDS = 2.0


def query(*formats: str) -> list[str] | None:
    """The values of these tmux formats; None if tmux runs on another machine or does not answer."""
    try:
        answer = subprocess.run(
            ["tmux", "display-message", "-p", "\n".join(formats)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return answer.split("\n")[: len(formats)]
