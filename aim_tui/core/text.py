"""Text from users, files and models is data: made printable before it reaches a terminal."""

from __future__ import annotations

import base64
import os
import re
import unicodedata

# ECMA-48 sequences: OSC/DCS/APC/PM/SOS strings up to their terminator, CSI sequences, two-byte escapes. Removed whole,
# since dropping only the escape byte would leave "[31m" behind as litter.
_ESCAPE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
# Bidirectional overrides can make a file name read as another one; the other format characters (zero-width joiners in
# emoji and Indic text) are legitimate.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, newline: str = " ") -> str:
    r"""`text` without escape sequences and control characters, safe to write to a terminal.

    Line breaks and tabs become `newline` (a space by default); undecodable bytes of a file name are shown
    as \xNN.
    """
    text = _ESCAPE.sub("", text)
    if text.isascii() and text.isprintable():
        return text
    parts: list[str] = []
    for char in text:
        if char in "\n\r\t\v\f\x85\u2028\u2029":
            parts.append(newline)
        elif "\udc80" <= char <= "\udcff":
            parts.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI_CONTROLS:
            parts.append("\N{REPLACEMENT CHARACTER}")
        else:
            parts.append(char)
    return "".join(parts)


def portable_path(path: str) -> str:
    r"""`path` as valid Unicode, for JSON and CSV: undecodable bytes of a file name become \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_bytes(path: str) -> str | None:
    """Base64 of a path's bytes where `portable_path` cannot carry it, else None."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return base64.b64encode(os.fsencode(path)).decode("ascii")
    return None
