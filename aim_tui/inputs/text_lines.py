"""Read a file of texts, one per line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.documents import read_text
from aim_tui.errors import UsageError

# Keeps an image or model file, named by mistake, from being read as a whole.
_MOST_BYTES = 64 * 1024 * 1024


def read_lines(path: str | PathLike[str]) -> list[str]:
    """The non-empty lines of a UTF-8 file, stripped; UsageError if there are none."""
    text = read_text(Path(path), _MOST_BYTES)
    # Not splitlines, which also splits at characters within a text, such as U+2028.
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if not any(lines):
        raise UsageError(f"{printable(str(path))} has no text", "write one text per line")
    return [line for line in lines if line]
