"""Give a finished text to its file or to stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def deliver(content: str | bytes, output: Path | None) -> None:
    """To the file, whole or not at all, or to stdout."""
    from aim_tui.errors import UsageError

    if output is not None:
        from aim_tui.exports.atomic_write import write_whole

        write_whole(output, content)
        return
    if isinstance(content, bytes) and sys.stdout.isatty():
        raise UsageError("this format is no text for a terminal", "name a file: -o FILE")
    # As in a file: UTF-8 whatever the locale, and undecodable bytes of a name readable, not fatal.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
