"""What is nearest comes first, and what is nearly the same comes together."""

from __future__ import annotations

import numpy as np
import pytest

from aim_tui.core.embeddings import duplicates as module
from aim_tui.core.embeddings.duplicates import find_groups
from aim_tui.core.embeddings.gallery import cosines_with, top


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_equal_images_keep_their_order_wherever_they_stand() -> None:
    random = np.random.default_rng(1)
    vectors = unit(random.normal(size=(5003, 37)))
    same = [7, 1000, 2501, 5001, 5002]
    vectors[same] = vectors[7]
    query = unit(vectors[7:8] + 0.2 * random.normal(size=(1, 37)))[0]
    found = top(cosines_with(vectors, query), 5)
    assert [hit.index for hit in found] == same
    assert len({hit.cosine for hit in found}) == 1


@pytest.mark.parametrize("k", [0, 1, 3, 300, 9999])
def test_the_nearest_are_those_of_a_full_sort(k: int) -> None:
    # Few different values, so that the border falls among equal ones.
    values = np.random.default_rng(k).integers(0, 20, 300).astype(np.float32) / 20
    expected = sorted(range(300), key=lambda place: (-values[place], place))[:k]
    assert [hit.index for hit in top(values, k)] == expected


def components(vectors: np.ndarray, threshold: float) -> set[frozenset[int]]:
    """By walking from image to image over all pairs."""
    near = vectors.astype(np.float64) @ vectors.T.astype(np.float64) >= threshold
    left, found = set(range(len(vectors))), set()
    while left:
        group, reached = set(), {left.pop()}
        while reached:
            place = reached.pop()
            group.add(place)
            reached |= set(np.flatnonzero(near[place]).tolist()) & left
            left -= reached
        if len(group) > 1:
            found.add(frozenset(group))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_what_walking_over_all_pairs_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILE", 7)
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 60))
    centres = random.normal(size=(6, 8))
    vectors = unit(centres[random.integers(0, 6, count)] + random.normal(size=(count, 8)) * 0.25)
    threshold = float(random.uniform(0.85, 0.99))
    tiles = []
    found = find_groups(vectors, [str(place) for place in range(count)], threshold, lambda *done: tiles.append(done))
    groups = {frozenset(member.index for member in group.members) for group in found.groups}
    assert groups == components(vectors, threshold - 1e-6)
    assert tiles[-1][0] == tiles[-1][1] == len(tiles)
    cosines = (vectors @ vectors.T)[np.triu_indices(count, 1)]
    assert found.nearest_apart == pytest.approx(cosines[cosines < threshold - 1e-6].max(initial=-1), abs=1e-6)
    for group in found.groups:
        assert [member.cosine for member in group.members[1:]] == sorted(
            (member.cosine for member in group.members[1:]), reverse=True
        )


def test_copies_are_distinguished_from_near_duplicates() -> None:
    a, near, other = unit(np.array([[1, 0, 0], [1, 0.1, 0], [0, 0, 1]]))
    vectors = np.stack([other, a, near, a, near, other])
    (first, second) = find_groups(vectors, ["o", "a", "n", "a", "n", "o"], 0.99).groups
    assert first.representative == 1 and not first.exact
    assert {member.index: member.copy_of for member in first.members} == {1: None, 3: 1, 2: None, 4: 2}
    assert second.exact and [(member.index, member.copy_of) for member in second.members] == [(0, None), (5, 0)]


def test_files_of_one_picture_are_near_even_where_only_the_same_is_wanted() -> None:
    vectors = np.repeat(unit(np.random.default_rng(3).normal(size=(1, 512))), 3, axis=0)
    (group,) = find_groups(vectors, ["a", "b", "c"], 1.0).groups
    assert len(group.members) == 3 and not group.exact


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_make_no_group(count: int) -> None:
    found = find_groups(np.ones((count, 1), dtype=np.float32), ["a"] * count)
    assert (found.groups, found.nearest_apart) == ((), None)


def test_what_is_raised_between_tiles_ends_the_search() -> None:
    with pytest.raises(SystemExit):
        find_groups(
            np.eye(3, dtype=np.float32), ["a", "b", "c"], 0.5, lambda *_: (_ for _ in ()).throw(SystemExit(130))
        )
