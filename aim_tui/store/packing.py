"""Texts and paths for SQLite: a file name need not be valid Unicode."""

from __future__ import annotations

import json
from typing import Any

from aim_tui.core.text import portable_text


def pack(text: str) -> str | bytes:
    """Text for a column without a type: itself, or its bytes if it has undecodable ones."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a surrogate pair, which no file name has
            return portable_text(text)
    return text


def pack_optional(text: str | None) -> str | bytes | None:
    """`pack`, and None for None."""
    return None if text is None else pack(text)


def unpack(value: str | bytes) -> str:
    """The text that was packed."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def unpack_optional(value: str | bytes | None) -> str | None:
    """The text that was packed, None for None."""
    return None if value is None else unpack(value)


def to_json(value: Any) -> str:
    """JSON in ASCII, so that texts with undecodable bytes survive; keys sorted, so that equal data gives equal text."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
