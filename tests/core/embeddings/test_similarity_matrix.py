"""Numbers of images by texts: what is best, what place a number has, in which order images stand."""

from __future__ import annotations

import random
from array import array

import pytest

from aim_tui.core.embeddings.similarity_matrix import Cosines

#: Three images by two texts; the first two share a number.
FEW = Cosines(array("d", [0.25, 0.5, 0.25, -0.1, 0.3, 0.3]), 2)


def test_the_best_is_the_first_of_those_that_share_it() -> None:
    assert [FEW.best_text(row) for row in range(3)] == [1, 0, 0]
    assert [FEW.best_image(column) for column in range(2)] == [2, 0]


def test_images_with_the_same_number_share_a_place_and_keep_their_order() -> None:
    assert [FEW.place(row, 0) for row in range(3)] == [2, 2, 1]
    assert FEW.order(0, highest_first=True) == [2, 0, 1]
    assert FEW.order(0, highest_first=False) == [0, 1, 2]


def test_places_and_best_ones_are_those_of_a_plain_count() -> None:
    chance = random.Random(7)
    rows = [[round(chance.gauss(0.2, 0.1), 2) for _ in range(7)] for _ in range(60)]
    cosines = Cosines(array("d", [number for row in rows for number in row]), 7)
    for column in (3, 0, 6):
        numbers = [row[column] for row in rows]
        for row, number in enumerate(numbers):
            assert cosines.place(row, column) == 1 + sum(other > number for other in numbers)
    assert [cosines.best_text(row) for row in range(60)] == [row.index(max(row)) for row in rows]


def test_levels_go_from_the_least_to_the_most_and_are_the_middle_where_all_are_alike() -> None:
    assert (FEW.level(-0.1), FEW.level(0.2), FEW.level(0.5)) == pytest.approx((0, 0.5, 1))
    assert Cosines(array("d", [0.3, 0.3]), 2).level(0.3) == 0.5
