"""Which names of one side and of the other are of one sample: never by position, and never by a guess."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class MatchKey(StrEnum):
    """What tells that two names are of one sample, the surest first."""

    ID = "id"
    PATH = "path"
    NAME = "file name"
    STEM = "file name without its ending"


@dataclass(frozen=True, slots=True)
class IdMatch:
    """Which name of the right side stands for which of the left, and what belongs to none."""

    to_left: Mapping[str, str]
    by: Mapping[MatchKey, int]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]

    def describe(self) -> str:
        """How names found each other, in words."""
        ways = ", ".join(f"{count} by {way}" for way, count in self.by.items())
        return f"{len(self.to_left)} matched{f' ({ways})' if ways else ''}"


def match(left: Iterable[str], right: Iterable[str]) -> IdMatch:
    """Match each name on the right with one on the left: the same name, else path, file name, or its stem.

    A path, file name or stem joins two names only where it is the only one of its kind on both sides among what is
    left, so that of copies none is joined with the wrong one.

    >>> match(["a/1.png", "2"], ["1.png", "2", "3"]).to_left
    {'2': '2', '1.png': 'a/1.png'}
    """
    lefts, rights = dict.fromkeys(left), dict.fromkeys(right)
    to_left: dict[str, str] = {}
    by: dict[MatchKey, int] = {}
    for way, key in _WAYS:
        ones, others = _unique(lefts, key), _unique(rights, key)
        found = {others[name]: ones[name] for name in others if name in ones}
        if not found:
            continue
        by[way] = len(found)
        to_left |= found
        for other, one in found.items():
            del rights[other], lefts[one]
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
    return {kept: name for name, kept in keys.items() if kept and counts[kept] == 1}
