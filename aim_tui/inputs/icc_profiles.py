"""The name of an ICC profile, from its description tag."""

from __future__ import annotations

import struct

_MOST_TAGS = 200
_LONGEST = 100


def profile_name(profile: bytes) -> str:
    """The description of a profile; 'unnamed' where it has none that can be read."""
    try:
        return _description(profile)[:_LONGEST].strip() or "unnamed"
    except (struct.error, IndexError, UnicodeDecodeError):
        return "unnamed"


def _description(profile: bytes) -> str:
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(min(count, _MOST_TAGS)):
        signature, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if signature != b"desc":
            continue
        tag = profile[offset : offset + size]
        if tag[:4] == b"desc":
            (length,) = struct.unpack_from(">I", tag, 8)
            return tag[12 : 12 + length].split(b"\0")[0].decode("latin-1")
        if tag[:4] == b"mluc":
            length, start = struct.unpack_from(">II", tag, 20)
            return tag[start : start + length].decode("utf-16-be")
    return ""
