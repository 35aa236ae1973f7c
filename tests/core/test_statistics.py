"""Means and their intervals are right and seeded, and there is no interval for too few values."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import stats

from aim_tui.core import statistics
from aim_tui.core.statistics import mean


def test_the_interval_is_the_percentile_bootstrap_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(0.5, 2.0, 60)
    found = mean(values)
    wanted = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=2).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    # Two sets of random resamples place an end within a few hundredths of its standard error.
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.05)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth() -> None:
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        found = mean(generator.normal(1.0, 1.0, 40), resamples=500)
        assert found.low is not None and found.high is not None
        held += found.low <= 1.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    values = np.random.default_rng(4).normal(size=20)
    assert mean(values) == mean(values)
    assert mean(values) != mean(values, seed=1)


def test_many_values_take_fewer_resamples_in_little_memory() -> None:
    found = mean(np.linspace(-1, 1, 300_000))
    assert found.resamples == 1_000
    assert found.low is not None and found.low < 0 < (found.high or 0)


def test_too_few_values_have_a_mean_and_no_interval() -> None:
    found = mean([1.0, 3.0])
    assert (found.n, found.mean, found.low, found.high, found.resamples) == (2, 2.0, None, None, 0)
    assert not found.decided


def test_an_interval_without_zero_is_decided() -> None:
    assert mean([1.0, 2.0, 1.5]).decided
    assert mean([-1.0, -2.0, -1.5]).decided
    assert not mean([-1.0, 2.0, 0.5]).decided


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")], [[1.0, 2.0]]])
def test_anything_but_a_row_of_finite_numbers_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        mean(values)


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(statistics).failed == 0
