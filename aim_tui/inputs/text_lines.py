"""Read a file of texts, one per line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.errors import UsageError

# Keeps an image or model file, named by mistake, from being read as a whole.
_MOST_BYTES = 64 * 1024 * 1024


def read_lines(path: str | PathLike[str]) -> list[str]:
    """The non-empty lines of a UTF-8 file, stripped; UsageError if there are none."""
    path = Path(path)
    name = printable(str(path))
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise UsageError(f"{name} has {size:,} bytes; the limit is {_MOST_BYTES:,}")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"cannot read {name}: {reason or error}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{name}, line {line}: is not UTF-8 (byte 0x{data[error.start]:02x})", "save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{name}, line {line}: contains a zero byte, so it is not text")
    # Not splitlines, which also splits at characters within a text, such as U+2028.
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if not any(lines):
        raise UsageError(f"{name} has no text", "write one text per line")
    return [line for line in lines if line]
