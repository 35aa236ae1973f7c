"""Match the sample ids of two sources: never by position, and a guess is always listed.

An ending is part of an id unless it is that of an image file: `sd3.5` is not `sd3`, but `cabin.png` is a file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aim_tui.core.names import composed, without_image_ending

Parts = tuple[str, ...]

_SHOWN = 5


class MatchKey(StrEnum):
    """What two ids have in common, the most reliable first."""

    ID = "id"
    PATH = "path"
    NAME = "file name"
    ENDING = "file name with another ending"
    STEM = "file name without its ending"
    ELSEWHERE = "file name in another folder"


#: The keys with which two different files can be taken for one: such pairs are shown.
GUESSES = frozenset({MatchKey.ENDING, MatchKey.STEM, MatchKey.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class IdMatch:
    """Which right id matches which left one, and which have no match."""

    to_left: Mapping[str, str]
    by: Mapping[MatchKey, int]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    guessed: Mapping[MatchKey, tuple[tuple[str, str], ...]]
    """The pairs, left and right id, that rest on a guess."""

    def describe(self) -> str:
        """How many ids were matched, and by what, in words."""
        ways = ", ".join(f"{count} by {way}" for way, count in self.by.items())
        return f"{len(self.to_left)} matched{f' ({ways})' if ways else ''}"

    def guesses(self, shown: int = _SHOWN) -> list[str]:
        """The pairs that rest on a guess, a line for each kind; empty if there are none."""
        lines = []
        for way, pairs in self.guessed.items():
            listed = ", ".join(f"{left} = {right}" for left, right in pairs[:shown])
            more = f" and {len(pairs) - shown} more" if len(pairs) > shown else ""
            lines.append(f"check these pairs, matched by {way}: {listed}{more}")
        return lines


@dataclass(frozen=True, slots=True)
class _Name:
    """An id as a path: its folders, its last part, and that part without an image ending."""

    id: str
    folders: Parts
    last: str
    stem: str

    @property
    def is_file(self) -> bool:
        """Whether the id can only mean an image file."""
        return self.stem != self.last

    @classmethod
    def of(cls, name: str) -> _Name:
        text = composed(name)
        if "./" in text or "//" in text:
            text = posixpath.normpath(text)
        parts = tuple(text.split("/"))
        return cls(name, parts[:-1], parts[-1], without_image_ending(parts[-1]))


def match(left: Iterable[str], right: Iterable[str]) -> IdMatch:
    """Match each right id with a left one: the same id, else the same path, else the same image file.

    Ids are compared in Unicode's composed form. Two paths name the same file if one is the end of the other. An id
    with several candidates has no match, so that copies are never matched wrongly.

    >>> match(["a/1.png", "2"], ["1.png", "2", "3"]).to_left
    {'2': '2', '1.png': 'a/1.png'}
    >>> match(["sd3.5"], ["sd3"]).to_left
    {}
    """
    lefts, rights = dict.fromkeys(left), dict.fromkeys(right)
    names = [_Name.of(name) for name in lefts], [_Name.of(name) for name in rights]
    to_left: dict[str, str] = {}
    taken: set[str] = set()
    by: dict[MatchKey, int] = {}
    guessed: dict[MatchKey, tuple[tuple[str, str], ...]] = {}
    for way, pairs in _ways(*names):
        new = [(a, b) for a, b in pairs if b not in to_left and a not in taken]
        if not new:
            continue
        by[way] = by.get(way, 0) + len(new)
        to_left |= {b: a for a, b in new}
        taken |= {a for a, _ in new}
        if way in GUESSES:
            guessed[way] = tuple(new)
        if len(to_left) == len(rights) or len(taken) == len(lefts):
            break  # the ways are computed one by one
    only_left = tuple(name for name in lefts if name not in taken)
    only_right = tuple(name for name in rights if name not in to_left)
    return IdMatch(to_left, by, only_left, only_right, guessed)


def _ways(left: list[_Name], right: list[_Name]) -> Iterator[tuple[MatchKey, Iterable[tuple[str, str]]]]:
    exact = {one.id for one in left}
    yield MatchKey.ID, [(one.id, one.id) for one in right if one.id in exact]
    yield MatchKey.ID, _equal(left, right, lambda one: composed(one.id))
    yield MatchKey.PATH, _equal(left, right, lambda one: (*one.folders, one.last) if one.folders else None)
    files = [one for one in left if one.is_file], [one for one in right if one.is_file]
    yield MatchKey.NAME, _ends(*files, whole=True)
    yield MatchKey.ENDING, _ends(*files, whole=False)
    # A name without an ending may be that of an image file, or a number of something else.
    both = {one.id for one in (*files[0], *files[1])}
    yield (
        MatchKey.STEM,
        [(a, b) for a, b in _ends(left, right, whole=False) if (a in both) != (b in both)],
    )
    yield MatchKey.ELSEWHERE, _elsewhere(*files)


def _equal(left: Iterable[_Name], right: Iterable[_Name], key: Callable[[_Name], object]) -> list[tuple[str, str]]:
    """The pairs with an equal key that no other id on either side has."""
    sides = [_by_key(names, key) for names in (left, right)]
    return [
        (ids[0], others[0])
        for value, others in sides[1].items()
        if len(others) == 1 and len(ids := sides[0].get(value, [])) == 1
    ]


def _by_key(names: Iterable[_Name], key: Callable[[_Name], object]) -> dict[object, list[str]]:
    found: dict[object, list[str]] = {}
    for one in names:
        if (value := key(one)) is not None:
            found.setdefault(value, []).append(one.id)
    return found


def _ends(left: list[_Name], right: list[_Name], *, whole: bool) -> list[tuple[str, str]]:
    """The pairs of which one path is the end of the other, where neither has another candidate."""
    candidates: list[dict[str, set[str]]] = []
    for ones, others in ((right, left), (left, right)):
        full: dict[Parts, set[str]] = {}
        end: dict[Parts, set[str]] = {}
        for other in others:
            parts = _parts(other, whole)
            full.setdefault(parts, set()).add(other.id)
            for start in range(len(parts)):
                end.setdefault(parts[start:], set()).add(other.id)
        found: dict[str, set[str]] = {}
        for one in ones:
            parts = _parts(one, whole)
            ids = set(end.get(parts, ()))
            for start in range(1, len(parts)):
                ids |= full.get(parts[start:], set())
            found[one.id] = ids
        candidates.append(found)
    of_right, of_left = candidates
    return [
        (next(iter(ids)), name)
        for name, ids in of_right.items()
        if len(ids) == 1 and len(of_left[next(iter(ids))]) == 1
    ]


def _parts(name: _Name, whole: bool) -> Parts:
    return (*name.folders, name.last if whole else name.stem)


def _elsewhere(left: list[_Name], right: list[_Name]) -> list[tuple[str, str]]:
    """Files of one name in different folders, if each folder has one counterpart only."""
    pairs = _equal(left, right, lambda one: one.last)
    folders = {one.id: one.folders for one in (*left, *right)}
    # An id without a folder has been matched already, or has several candidates.
    pairs = [(a, b) for a, b in pairs if folders[a] and folders[b]]
    counterparts = {(folders[a], folders[b]) for a, b in pairs}
    one_to_one = len({a for a, _ in counterparts}) == len({b for _, b in counterparts}) == len(counterparts)
    return pairs if one_to_one else []
