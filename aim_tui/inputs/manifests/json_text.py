"""JSON objects as text: members can be added and replaced without changing any other character."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aim_tui.core.scoring.records import to_json

_BLANK = re.compile(r"[ \t\n\r]*")


class JsonError(Exception):
    """A text that is not a JSON object; the message says why."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    begin: int
    name_end: int
    value_begin: int
    end: int
    value: Any


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object and the positions of its members in the text. Numbers are read as floats, but keep their text."""

    text: str
    members: Sequence[_Member]

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return {member.name: member.value for member in self.members}

    def with_members(self, added: Mapping[str, Any]) -> str:
        """The text with these members: each replaces one of the same name, or is appended in the same layout."""
        parts, position = [], 0
        for member in self.members:
            if member.name in added:
                parts += [self.text[position : member.value_begin], to_json(added[member.name])]
                position = member.end
        known = {member.name for member in self.members}
        new = [name for name in added if name not in known]
        close = self.text.rindex("}")
        end = self.members[-1].end if self.members else self.text.index("{") + 1
        parts.append(self.text[position:end])
        gap, colon = self._layout()
        for number, name in enumerate(new):
            comma = "," if self.members or number else ""
            parts.append(f"{comma}{gap if comma else ''}{to_json(name)}{colon}{to_json(added[name])}")
        parts.append(self.text[end:] if self.members else self.text[close:])
        return "".join(parts)

    def _layout(self) -> tuple[str, str]:
        """The whitespace before the last name, and the text between that name and its value."""
        if not self.members:
            return " ", ": "
        last = self.members[-1]
        colon = self.text[last.name_end : last.value_begin]
        before = len(self.text[: last.begin].rstrip(" \t\n\r"))
        gap = self.text[before : last.begin]
        if len(self.members) == 1 and "\n" not in gap:
            gap = " " if colon.endswith(" ") else ""
        return gap, colon


def parse_object(text: str) -> JsonObject:
    """Parse an object; JsonError if the text is not one, or repeats a name."""
    try:
        return _parse(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"is not valid JSON ({error.msg}: column {error.pos + 1})") from None
    except RecursionError:
        raise JsonError("is nested too deeply") from None


def _parse(text: str) -> JsonObject:
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        value, at = _DECODER.raw_decode(text, at)
        _expect_end(text, at)
        raise JsonError(f"is {_kind(value)}, not an object")
    members: dict[str, _Member] = {}
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}" or members:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("a name in double quotes is expected", text, at)
        name, name_end = _DECODER.raw_decode(text, at)
        colon = _skip(text, name_end)
        if text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("a colon is expected", text, colon)
        value_begin = _skip(text, colon + 1)
        value, end = _DECODER.raw_decode(text, value_begin)
        if name in members:
            raise JsonError(f"has the key {name!r} more than once")
        members[name] = _Member(name, at, name_end, value_begin, end, value)
        at = _skip(text, end)
        if text[at : at + 1] != ",":
            break
        at = _skip(text, at + 1)
    if text[at : at + 1] != "}":
        raise json.JSONDecodeError("a comma or a closing brace is expected", text, at)
    _expect_end(text, at + 1)
    return JsonObject(text, tuple(members.values()))


def _expect_end(text: str, at: int) -> None:
    at = _skip(text, at)
    if at < len(text):
        raise json.JSONDecodeError("something follows its end", text, at)


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None  # the pattern also matches the empty string
    return match.end()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"has the key {duplicate!r} more than once in one object")
    return members


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")


# Numbers are never read as an int, which has a limit on its digits.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=float)
