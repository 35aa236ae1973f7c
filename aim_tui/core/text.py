"""Text from users, files and models is data: it is made printable before it reaches a terminal."""

from __future__ import annotations

import base64
import os
import re
import unicodedata
from typing import Any

# ECMA-48 sequences: OSC/DCS/APC/PM/SOS strings up to their terminator, CSI sequences, two-byte escapes.
_ESCAPE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
# Bidirectional overrides can make a file name read as another one; other format characters are legitimate, such as
# zero-width joiners in emoji and Indic text.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\f": "\\f", "\x85": "\\u0085"}
_BREAKS |= {"\u2028": "\\u2028", "\u2029": "\\u2029"}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What a spreadsheet takes for the beginning of a formula.
# Some take the wide forms of an East Asian keyboard for it as well, and look behind a line feed.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def printable(text: str, newline: str | None = " ") -> str:
    r"""`text` without anything that a terminal would interpret.

    Control characters and undecodable bytes of a file name are shown as \x1b, so that different names never look the
    same. Line breaks and tabs become `newline` (a space by default; None shows them as \n and \t).
    """
    if text.isascii() and text.isprintable():
        return text
    parts: list[str] = []
    for char in text:
        if char in _BREAKS:
            parts.append(_BREAKS[char] if newline is None else newline)
        elif "\udc80" <= char <= "\udcff":
            parts.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI_CONTROLS:
            # Beyond ASCII by its code point: \x9b is the byte.
            parts.append(f"\\x{ord(char):02x}" if char.isascii() else f"\\u{ord(char):04x}")
        else:
            parts.append(char)
    return "".join(parts)


def printable_name(path: str) -> str:
    r"""The last part of a path for display; a line break in it becomes \n."""
    return printable(path.rpartition("/")[2] or path, None)


def without_escapes(text: str, newline: str = " ") -> str:
    """Terminal output as `printable` text, without colours and cursor movements."""
    return printable(_ESCAPE.sub("", text), newline)


def portable_path(path: str) -> str:
    r"""`path` as valid Unicode, for JSON and CSV: undecodable bytes of a file name become \xNN."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        # Half of a character from a JSON file, which no file name has.
        return path.encode("utf-8", "backslashreplace").decode("utf-8")


def portable_text(text: str) -> str:
    r"""`text` as valid Unicode; half of a surrogate pair, which no file format can hold, becomes \uNNNN."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def path_bytes(path: str) -> str | None:
    """Base64 of a path's bytes if `portable_path` would change it, else None."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return base64.b64encode(os.fsencode(path)).decode("ascii")
    return None


def path_fields(path: str) -> dict[str, str]:
    """A path for JSON; `path_bytes`, its bytes in Base64, is there where it is not valid Unicode."""
    raw = path_bytes(path)
    return {"path": portable_path(path)} | ({"path_bytes": raw} if raw is not None else {})


def file_name(path: str) -> str:
    """The last part of a path, unchanged."""
    return path.rpartition("/")[2] or path


def spreadsheet_cell(value: Any) -> Any:
    r"""A value for CSV: an apostrophe keeps a text that begins like a formula a text; `plain_cell` removes it again.

    Control characters other than line feeds and tabs become \xNN: a terminal that shows the file must not obey them.
    """
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", value)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def plain_cell(text: str) -> str:
    """A text cell of a CSV file without the apostrophe of `spreadsheet_cell`; any other apostrophe stays.

    >>> plain_cell("'=2+3"), plain_cell("''=2+3"), plain_cell("'tis")
    ('=2+3', "'=2+3", "'tis")
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
