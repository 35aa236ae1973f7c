"""Equal by arithmetic is equal as floats: sums, means and gaps against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.exact import decimals, exact_difference, exact_mean, group_means, levelled

TENTHS = st.integers(-1000, 1000)


@given(st.lists(TENTHS, min_size=1, max_size=9), st.sampled_from([10, 100, 1000]))
def test_a_mean_of_decimals_is_the_float_nearest_to_the_fraction(whole: list[int], scale: int) -> None:
    assert exact_mean([number / scale for number in whole]) == float(Fraction(sum(whole), len(whole) * scale))


@given(TENTHS, TENTHS, st.sampled_from([10, 100, 1000]))
def test_a_difference_of_decimals_is_the_float_nearest_to_the_fraction(a: int, b: int, scale: int) -> None:
    assert exact_difference(a / scale, b / scale) == float(Fraction(a - b, scale))


def test_three_raters_who_give_the_same_sum_give_the_same_mean() -> None:
    orders = ([0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.2, 0.2], [0.0, 0.1, 0.5])
    assert {exact_mean(values) for values in orders} == {0.2}
    assert len({sum(values) / 3 for values in orders}) > 1  # plain floats would tell them apart


def test_group_means_are_exact_in_any_order() -> None:
    values = np.array([0.1, 0.2, 0.2, 0.3, 0.2, 0.2])
    assert group_means(values, np.array([0, 0, 1, 0, 1, 1])).tolist() == [0.2, 0.2]


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20), st.integers(0, 9))
def test_decimals_are_whole_numbers_of_one_scale(whole: list[int], digits: int) -> None:
    found = decimals(np.array([number / 10**digits for number in whole]))
    assert found is not None
    numbers, scale = found
    assert [Fraction(int(number), scale) for number in numbers] == [Fraction(number, 10**digits) for number in whole]


def test_values_of_more_digits_than_anybody_writes_are_no_decimals() -> None:
    assert decimals(np.array([1 / 3])) is None
    assert decimals(np.array([1e-7, 1e12])) is None


def test_estimates_within_the_tolerance_become_one_and_others_stay() -> None:
    values = np.array([0.5, 1.0 + 1e-12, 0.5 + 1e-6, 1.0, 1.0 - 1e-12])
    found = levelled(values)
    assert found[1] == found[3] == found[4] == 1.0
    assert found[0] == 0.5 and found[2] == 0.5 + 1e-6
    assert levelled(np.array([])).tolist() == []
