"""Pair the images of two folders by name, never by position and never by a guess."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from aim_tui.core.names import composed, without_image_ending

#: What paired names have in common.
WAYS = ("name", "stem")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs in the order of the left side, and unpaired paths with the reason, the left side first."""

    pairs: tuple[tuple[str, str], ...]
    unpaired: tuple[tuple[str, str], ...]


def pair(left: Sequence[str], right: Sequence[str], roots: tuple[str, str], by: str = "name") -> Pairing:
    """Pair paths below two roots by their relative path (in Unicode NFC), with or without the suffix.

    >>> pair(["a/1.png", "a/2.png"], ["b/1.jpg"], ("a", "b"), "stem")
    Pairing(pairs=(('a/1.png', 'b/1.jpg'),), unpaired=(('a/2.png', 'has no match in b'),))
    """
    sides = [_by_key(paths, root, by) for paths, root in zip((left, right), roots, strict=True)]
    pairs: list[tuple[str, str]] = []
    unpaired: list[tuple[str, str]] = []
    for number, (one, other) in enumerate((sides, sides[::-1])):
        for key, paths in one.items():
            matches = other.get(key, [])
            if len(paths) == len(matches) == 1:
                if number == 0:
                    pairs.append((paths[0], matches[0]))
                continue
            if not matches:
                reason = f"has no match in {roots[1 - number]}"
            elif len(paths) > 1:
                reason = f"is one of {len(paths)} named {key}"
            else:
                reason = f"has {len(matches)} matches named {key}"
            unpaired += [(path, reason) for path in paths]
    return Pairing(tuple(pairs), tuple(unpaired))


def _by_key(paths: Sequence[str], root: str, by: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        below = composed(posixpath.relpath(path, root))
        key = without_image_ending(below) if by == "stem" else below
        found.setdefault(key, []).append(path)
    return found
