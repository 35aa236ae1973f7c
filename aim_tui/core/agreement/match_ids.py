"""Match the sample ids of two sources: never by position, and never by a guess."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class MatchKey(StrEnum):
    """What two ids have in common, the most reliable first."""

    ID = "id"
    PATH = "path"
    NAME = "file name"
    STEM = "file name without its ending"


@dataclass(frozen=True, slots=True)
class IdMatch:
    """Which right id matches which left one, and which have no match."""

    to_left: Mapping[str, str]
    by: Mapping[MatchKey, int]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]

    def describe(self) -> str:
        """How many ids were matched, and by what, in words."""
        ways = ", ".join(f"{count} by {way}" for way, count in self.by.items())
        return f"{len(self.to_left)} matched{f' ({ways})' if ways else ''}"


def match(left: Iterable[str], right: Iterable[str]) -> IdMatch:
    """Match each right name with a left one: by the same name, else by path, file name or stem.

    A path, file name or stem matches only if it is unique on both sides among the remaining names, so that copies are
    never matched wrongly.

    >>> match(["a/1.png", "2"], ["1.png", "2", "3"]).to_left
    {'2': '2', '1.png': 'a/1.png'}
    """
    lefts, rights = dict.fromkeys(left), dict.fromkeys(right)
    to_left: dict[str, str] = {}
    by: dict[MatchKey, int] = {}
    for match_key, key in _WAYS:
        left_keys, right_keys = _unique(lefts, key), _unique(rights, key)
        matches = {right_keys[name]: left_keys[name] for name in right_keys if name in left_keys}
        if not matches:
            continue
        by[match_key] = len(matches)
        to_left |= matches
        for right_name, left_name in matches.items():
            del rights[right_name], lefts[left_name]
    return IdMatch(to_left, by, tuple(lefts), tuple(rights))


def _path(name: str) -> str:
    return posixpath.normpath(name) if "/" in name else ""


def _name(name: str) -> str:
    return posixpath.basename(name)


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0]


_WAYS: tuple[tuple[MatchKey, Callable[[str], str]], ...] = (
    (MatchKey.ID, lambda name: name),
    (MatchKey.PATH, _path),
    (MatchKey.NAME, _name),
    (MatchKey.STEM, _stem),
)


def _unique(names: Iterable[str], key: Callable[[str], str]) -> dict[str, str]:
    keys = {name: key(name) for name in names}
    counts = Counter(keys.values())
    return {key: name for name, key in keys.items() if key and counts[key] == 1}
