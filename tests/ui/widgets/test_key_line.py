"""The line of keys shows whole keys only, and the last one always."""

from __future__ import annotations

import pytest

from aim_tui.ui.widgets.key_line import fitting


@pytest.mark.parametrize(
    ("room", "places"),
    [(40, [0, 1, 2, 3]), (39, [0, 1, 3]), (30, [0, 1, 3]), (29, [0, 3]), (10, [3]), (3, [3])],
)
def test_keys_that_do_not_fit_whole_are_left_out_before_the_last(room: int, places: list[int]) -> None:
    assert fitting([10, 10, 10, 10], room) == places


def test_a_wide_key_keeps_its_place_in_the_order() -> None:
    # One that would fit behind another that does not is left out too: the order tells which keys matter.
    assert fitting([10, 30, 5, 10], 30) == [0, 3]


def test_without_keys_nothing_is_shown() -> None:
    assert fitting([], 80) == []
