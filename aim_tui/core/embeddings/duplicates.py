"""Find duplicates: groups of near duplicates by the cosine of their embeddings, and exact copies by their hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aim_tui.core.embeddings.gallery import Vectors

#: The cosine from which two images count as near duplicates; docs/benchmarks.md says how it was chosen.
THRESHOLD = 0.99

# Rows on each side of a tile of cosines: 16 MB, or three times that if all pairs are near.
_TILE = 2048
# The rounding error of a float32 cosine of a vector with itself.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a group: its index, its cosine with the representative, and the image that it is a copy of."""

    index: int
    cosine: float
    copy_of: int | None = None
    """The first image of the group with the same bytes; None if this is the first."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Connected images: each is near to at least one other image of the group.

    The first member, the representative, is the medoid; the others follow by their cosine with it, the highest first.
    """

    members: tuple[Member, ...]

    @property
    def representative(self) -> int:
        """The index of the image that represents the group."""
        return self.members[0].index

    @property
    def exact(self) -> bool:
        """Whether all members have the same bytes."""
        return sum(member.copy_of is None for member in self.members) == 1


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """The groups, the largest first; and the highest cosine below the threshold."""

    groups: tuple[DuplicateGroup, ...]
    nearest_apart: float | None
    """The highest cosine below the threshold of any two different images; None if there is none."""


def find_groups(
    vectors: Vectors,
    sha256s: Sequence[str],
    threshold: float = THRESHOLD,
    on_tile: Callable[[int, int], object] = lambda done, total: None,
) -> DuplicateGroups:
    """Group images, unit vectors (n, dim), that are connected by cosines of at least `threshold`.

    Images with the same hash are always in one group. Memory does not depend on the number of near pairs: cosines are
    computed in tiles, and each tile only merges groups. `on_tile` is called with the tiles done and their total; an
    exception from it ends the search.
    """
    first: dict[str, int] = {}
    firsts = np.array([first.setdefault(sha256, place) for place, sha256 in enumerate(sha256s)], dtype=np.int64)
    distinct = np.flatnonzero(firsts == np.arange(len(firsts)))
    labels, apart = _connected(vectors[distinct], threshold - _ROUNDING, on_tile)
    of_group = labels[np.searchsorted(distinct, firsts)]
    groups = [_group(vectors, firsts, members) for members in _gathered(of_group)]
    groups.sort(key=lambda group: (-len(group.members), group.representative))
    return DuplicateGroups(tuple(groups), apart)


def _connected(
    vectors: Vectors, least: float, on_tile: Callable[[int, int], object]
) -> tuple[npt.NDArray[np.int64], float | None]:
    """The component number of each row, and the highest cosine below `least`."""
    # Imported late, because the UI's startup does not need scipy.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(vectors)
    labels = np.arange(count, dtype=np.int64)
    apart = -np.inf
    tiles = list(_tiles(count))
    for done, (top, left) in enumerate(tiles):
        cosines = vectors[top : top + _TILE] @ vectors[left : left + _TILE].T
        if top == left:
            # Each pair once, and no image paired with itself.
            cosines[np.tril_indices(len(cosines))] = -np.inf
        near = cosines >= least
        if near.any():
            rows, columns = np.nonzero(near)
            ones, others = labels[top + rows], labels[left + columns]
            news = ones != others
            if news.any():
                # Few of the near pairs in a tile connect different groups.
                pairs = np.unique(np.stack([ones[news], others[news]]), axis=1)
                graph = coo_array((np.ones(pairs.shape[1], dtype=np.bool_), tuple(pairs)), shape=(count, count))
                _, merged = connected_components(graph, directed=False)
                labels = merged.astype(np.int64)[labels]
            cosines[near] = -np.inf
        apart = max(apart, float(cosines.max(initial=-np.inf)))
        on_tile(done + 1, len(tiles))
    return labels, min(apart, 1.0) if np.isfinite(apart) else None


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    for top in range(0, count, _TILE):
        for left in range(top, count, _TILE):
            yield top, left


def _gathered(labels: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """The places of each label that occurs more than once, in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return (places for places in np.split(order, starts[1:]) if len(places) > 1)


def _group(vectors: Vectors, firsts: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> DuplicateGroup:
    own = vectors[places].astype(np.float64)
    # The medoid of unit vectors is the one nearest to their sum; the first in case of a tie.
    nearness = np.einsum("ij,j->i", own, own.sum(axis=0))
    best = int(np.flatnonzero(nearness >= nearness.max() - _ROUNDING)[0])
    cosines = np.einsum("ij,j->i", own, own[best]).clip(-1.0, 1.0)
    order = sorted(range(len(places)), key=lambda place: (place != best, -round(float(cosines[place]), 6), place))
    seen: dict[int, int] = {}
    members = []
    for place in order:
        index, file = int(places[place]), int(firsts[places[place]])
        copy_of = seen.get(file)
        seen.setdefault(file, index)
        members.append(Member(index, float(cosines[place]), copy_of))
    return DuplicateGroup(tuple(members))
