"""Equal by arithmetic is equal as floats: sums, means and gaps against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.exact import decimals, exact_difference, exact_mean, group_means, levelled, without_rounding

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


def test_values_that_differ_by_rounding_only_become_the_shortest_of_them() -> None:
    values = np.array([0.1 + 0.2, 0.3, 0.3 - 0.1, 0.2, 0.2 + 1e-12, -0.1 - 0.2, -0.3, 1e9 + 1e-7, 1e9, 1e-20, 1e-18])
    assert without_rounding(values).tolist() == [
        0.3, 0.3, 0.2, 0.2, 0.2 + 1e-12, -0.3, -0.3, 1e9, 1e9, 1e-20, 1e-18,
    ]  # fmt: skip
    distinct = np.random.default_rng(0).normal(size=1000).astype(np.float32).astype(np.float64)
    assert (without_rounding(distinct) == distinct).all()


def test_differences_of_hundredths_tie_as_their_fractions_do() -> None:
    pairs = [(a, b) for a in range(-99, 100, 7) for b in range(-99, 100) if a != b]
    found = without_rounding(np.array([a / 100 - b / 100 for a, b in pairs]))
    values: dict[Fraction, set[float]] = {}
    for (a, b), value in zip(pairs, found.tolist(), strict=True):
        values.setdefault(Fraction(a - b, 100), set()).add(value)
    assert all(len(same) == 1 for same in values.values())
    assert len(set().union(*values.values())) == len(values)
