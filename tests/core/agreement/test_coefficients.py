"""Coefficients, intervals, permutation tests and bootstraps: those of SciPy, to 1e-9, and none where there is none."""

from __future__ import annotations

import doctest
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from aim_tui.core.agreement import (
    cell_values,
    interpretation,
    match_ids,
    metric_comparison,
    rank_kernels,
    study,
)
from aim_tui.core.agreement.bootstrap import bootstrap_intervals
from aim_tui.core.agreement.coefficients import (
    RESAMPLED,
    CoefficientKind,
    Interval,
    coefficient,
    undefined,
    why_undefined,
)
from aim_tui.core.agreement.permutation import permutation_tests
from aim_tui.core.agreement.rank_kernels import inversions, mid_ranks
from aim_tui.core.agreement.resample_kernels import (
    kendall_rearranged,
    kendall_rows,
    kendall_weighted,
    pearson_rearranged,
    pearson_rows,
    pearson_weighted,
    spearman_rearranged,
    spearman_rows,
    spearman_weighted,
)
from tests.core.agreement.samples import noisy, pairs

EXACT = 1e-9
SCIPY = {
    CoefficientKind.PEARSON: stats.pearsonr,
    CoefficientKind.SPEARMAN: stats.spearmanr,
    CoefficientKind.KENDALL_B: stats.kendalltau,
    CoefficientKind.KENDALL_C: lambda x, y: stats.kendalltau(x, y, variant="c"),
}
WEIGHTED = {
    CoefficientKind.PEARSON: pearson_weighted,
    CoefficientKind.SPEARMAN: spearman_weighted,
    CoefficientKind.KENDALL_B: kendall_weighted,
}
REARRANGED = {
    CoefficientKind.PEARSON: pearson_rearranged,
    CoefficientKind.SPEARMAN: spearman_rearranged,
    CoefficientKind.KENDALL_B: kendall_rearranged,
}


@pytest.mark.parametrize("module", [cell_values, metric_comparison, match_ids, rank_kernels, study, interpretation])
def test_the_examples_in_the_documentation_hold(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0 and found.failed == 0


# -- values and intervals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(CoefficientKind))
@pytest.mark.parametrize("n", [3, 7, 40, 500])
def test_value_and_p_are_those_of_scipy(kind: CoefficientKind, n: int) -> None:
    x, y = noisy(n, seed=3)
    y[0], y[1] = 1, 5  # never constant
    found, wanted = coefficient(kind, x, y), SCIPY[kind](x, y)
    assert found.value == pytest.approx(wanted.statistic, abs=EXACT)
    assert found.p == pytest.approx(wanted.pvalue, abs=EXACT)


def test_the_interval_of_pearson_is_that_of_scipy() -> None:
    x, y = noisy(40)
    found, wanted = coefficient(CoefficientKind.PEARSON, x, y), stats.pearsonr(x, y).confidence_interval(0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((wanted.low, wanted.high), abs=EXACT)


def test_the_interval_of_spearman_is_that_of_bonett_and_wright() -> None:
    x, y = noisy(40)
    rho = stats.spearmanr(x, y).statistic
    half = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (40 - 3))
    wanted = (math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half))
    found = coefficient(CoefficientKind.SPEARMAN, x, y).interval
    assert found is not None and (found.low, found.high) == pytest.approx(wanted, abs=EXACT)
    assert found.method == "Bonett-Wright"


def test_kendall_has_no_interval_by_formula_and_says_where_there_is_one() -> None:
    found = coefficient(CoefficientKind.KENDALL_B, *noisy(40))
    assert found.interval is None and "bootstrap" in found.no_interval


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_pairs_have_no_coefficient(n: int) -> None:
    x, y = np.arange(n, dtype=float), np.arange(n, dtype=float)
    for kind in CoefficientKind:
        found = coefficient(kind, x, y)
        assert (found.value, found.p, found.interval) == (None, None, None)
        assert found.reason == "fewer than 3 pairs"


def test_three_pairs_have_a_value_and_no_interval() -> None:
    found = coefficient(CoefficientKind.PEARSON, np.array([1.0, 2, 3]), np.array([1.0, 3, 2]))
    assert found.value == pytest.approx(0.5)
    assert found.interval is None and found.no_interval == "interval not defined: 3 pairs"


def test_a_constant_side_is_undefined_and_the_value_is_named() -> None:
    assert why_undefined(pairs([0.1, 0.2, 0.3], [5, 5, 5])) == "undefined: all rating values equal 5.0"
    assert why_undefined(pairs([2, 2, 2], [1, 2, 3])) == "undefined: all m values equal 2.0"
    negated = pairs([2, 2, 2], [1, 2, 3], higher_is_better=False)
    assert why_undefined(negated) == "undefined: all m values equal 2.0"
    found = coefficient(CoefficientKind.SPEARMAN, np.array([1.0, 2, 3]), np.array([5.0, 5, 5]))
    assert found.value is None and found.reason.startswith("undefined")


def test_differences_that_only_rounding_makes_are_no_differences() -> None:
    x = np.array([1e9, 1e9 + 1e-6, 1e9 + 2e-7])
    assert "but for rounding" in undefined(x, np.array([1.0, 2, 3]))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_fit_has_a_value_and_no_interval(sign: int) -> None:
    x = np.array([0.1, 0.2, 0.3, 0.7, 0.9])
    for kind in (CoefficientKind.PEARSON, CoefficientKind.SPEARMAN):
        found = coefficient(kind, x, sign * 3 * x)
        assert found.value == pytest.approx(sign)
        assert found.perfect and found.interval is None
        assert found.no_interval == "interval not defined: perfect fit"


def test_values_whose_squares_no_number_can_hold_are_left_out_and_said() -> None:
    made = pairs([1e300, 0.1, 0.2, -1e61, 1e59], [1, 2, 3, 4, 5])
    assert made.ids == ("1", "2", "4")
    assert {drop.reason for drop in made.dropped} == {"is beyond 1e+60"}
    assert np.isfinite(coefficient(CoefficientKind.PEARSON, made.x, made.y).value or np.nan)


def test_differences_whose_squares_are_nothing_are_no_differences() -> None:
    assert "but for rounding" in undefined(np.array([1e-70, 2e-70, 3e-70]), np.array([1.0, 2, 3]))


# -- resamples --------------------------------------------------------------------------------------------------------


def test_inversions_are_counted_as_by_hand() -> None:
    generator = np.random.default_rng(2)
    for n in (0, 1, 2, 3, 8, 13, 100):
        rows = generator.integers(0, max(1, n // 2), size=(5, n))
        by_hand = [sum(a > b for a, b in itertools.combinations(row, 2)) for row in rows.tolist()]
        assert inversions(rows).tolist() == by_hand


def test_inversions_of_large_values_and_long_rows_are_exact() -> None:
    falling = np.arange(20_000, dtype=np.int64)[None, ::-1] * 1_000
    assert inversions(falling).tolist() == [20_000 * 19_999 // 2]


def test_ranks_are_those_of_scipy() -> None:
    values = np.random.default_rng(1).integers(0, 9, 100)
    assert mid_ranks(values) == pytest.approx(stats.rankdata(values), abs=0)


@pytest.mark.parametrize("kind", RESAMPLED)
def test_a_weighted_coefficient_is_that_of_the_pairs_repeated(kind: CoefficientKind) -> None:
    x, y = noisy(60, seed=5)
    x = np.round(x, 1)  # ties on both sides
    weights = np.random.default_rng(6).integers(0, 4, size=(20, 60))
    found = WEIGHTED[kind](x, y)(weights)
    wanted = [SCIPY[kind](np.repeat(x, row), np.repeat(y, row)).statistic for row in weights]
    assert found == pytest.approx(wanted, abs=EXACT)


@pytest.mark.parametrize("kind", RESAMPLED)
def test_a_resample_with_a_constant_side_has_no_coefficient(kind: CoefficientKind) -> None:
    x, y = np.array([0.1, 0.3, 0.7, 0.2]), np.array([1.0, 1, 2, 3])
    found = WEIGHTED[kind](x, y)(np.array([[4, 0, 0, 0], [2, 2, 0, 0], [1, 1, 1, 1]]))
    assert np.isnan(found[:2]).all() and np.isfinite(found[2])


@pytest.mark.parametrize("kind", RESAMPLED)
def test_a_rearranged_coefficient_is_that_of_scipy(kind: CoefficientKind) -> None:
    x, y = noisy(50, seed=8)
    x = np.round(x, 1)
    rows = np.random.default_rng(9).permuted(np.tile(np.arange(50), (20, 1)), axis=1)
    wanted = [SCIPY[kind](x, y[row]).statistic for row in rows]
    assert REARRANGED[kind](x, y)(rows) == pytest.approx(wanted, abs=EXACT)


def test_rows_of_other_values_give_the_coefficients_of_scipy() -> None:
    _, y = noisy(40, seed=10)
    rows = np.random.default_rng(11).integers(0, 12, size=(15, 40))
    assert pearson_rows(y)(rows.astype(float)) == pytest.approx([stats.pearsonr(row, y)[0] for row in rows], abs=EXACT)
    assert spearman_rows(y)(rows) == pytest.approx([stats.spearmanr(row, y)[0] for row in rows], abs=EXACT)
    assert kendall_rows(y)(rows) == pytest.approx([stats.kendalltau(row, y)[0] for row in rows], abs=EXACT)


# -- permutation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_few_pairs_are_permuted_in_all_ways_as_in_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=6), generator.integers(1, 4, size=6).astype(float)
    y[:2] = 1, 3
    found = permutation_tests(x, y, RESAMPLED)
    for kind in RESAMPLED:
        wanted = stats.permutation_test(
            (x,), lambda a, kind=kind: SCIPY[kind](a, y).statistic, permutation_type="pairings", n_resamples=np.inf
        )
        assert found[kind].exact and found[kind].arrangements == 720
        assert found[kind].p == pytest.approx(wanted.pvalue, abs=EXACT)


def test_drawn_arrangements_come_near_the_exact_p() -> None:
    x, y = np.arange(8.0), np.array([2.0, 1, 4, 3, 1, 5, 2, 4])
    exact = permutation_tests(x, y, [CoefficientKind.SPEARMAN], arrangements=50_000)[CoefficientKind.SPEARMAN]
    drawn = permutation_tests(x, y, [CoefficientKind.SPEARMAN], arrangements=30_000)[CoefficientKind.SPEARMAN]
    assert exact.exact and not drawn.exact
    # Five standard errors of a share of 30,000.
    assert drawn.p == pytest.approx(exact.p, abs=5 * math.sqrt(exact.p / 30_000))


def test_a_drawn_p_is_never_zero_and_the_same_for_a_seed() -> None:
    x = np.arange(50.0)
    first, again, other = (permutation_tests(x, x, RESAMPLED, arrangements=999, seed=seed) for seed in (1, 1, 2))
    assert first[CoefficientKind.PEARSON].p == pytest.approx(2 / 1000)
    assert first == again
    _, y = noisy(50)
    assert permutation_tests(x, y, RESAMPLED, seed=1) != permutation_tests(x, y, RESAMPLED, seed=2)
    assert other[CoefficientKind.PEARSON].arrangements == 999


def test_ties_everywhere_still_have_a_p() -> None:
    y = np.array([1.0] * 29 + [2.0])
    found = permutation_tests(np.r_[np.zeros(29), 1.0], y, RESAMPLED, arrangements=2_000)
    assert all(0 < one.p < 0.15 for one in found.values())


# -- bootstrap --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RESAMPLED)
def test_the_bootstrap_comes_near_that_of_scipy(kind: CoefficientKind) -> None:
    x, y = noisy(60, seed=4)
    found = bootstrap_intervals(x, y, [kind])[kind]
    wanted = stats.bootstrap(
        (x, y), lambda a, b: SCIPY[kind](a, b).statistic, paired=True, vectorized=False, method="percentile",
        n_resamples=2_000, rng=3,
    ).confidence_interval  # fmt: skip
    assert isinstance(found, Interval)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.03)


def test_groups_are_drawn_whole() -> None:
    # Twenty copies of six pairs: drawn by pair they look like 120 witnesses, drawn by group like the six they are.
    x, y = np.tile([1.0, 2, 3, 4, 5, 6], 20), np.tile([2.0, 1, 4, 3, 6, 5], 20)
    by_pair = bootstrap_intervals(x, y, [CoefficientKind.PEARSON])[CoefficientKind.PEARSON]
    by_group = bootstrap_intervals(x, y, [CoefficientKind.PEARSON], [str(place % 6) for place in range(120)])[
        CoefficientKind.PEARSON
    ]
    assert isinstance(by_pair, Interval) and isinstance(by_group, Interval)
    assert by_group.units == 6 and by_pair.units == 120
    assert by_group.high - by_group.low > 3 * (by_pair.high - by_pair.low)


def test_groups_of_one_pair_each_are_a_bootstrap_over_pairs_under_another_name() -> None:
    x, y = noisy(30)
    one = bootstrap_intervals(x, y, RESAMPLED)
    other = bootstrap_intervals(x, y, RESAMPLED, [f"{number:03}" for number in range(30)])
    for kind in RESAMPLED:
        found, wanted = other[kind], one[kind]
        assert isinstance(found, Interval) and isinstance(wanted, Interval)
        assert (found.low, found.high) == (wanted.low, wanted.high)


@pytest.mark.parametrize("groups", [["a"] * 30, ["a", "b"] * 15])
def test_one_or_two_groups_give_no_interval(groups: list[str]) -> None:
    found = bootstrap_intervals(*noisy(30), RESAMPLED, groups)
    assert all(isinstance(one, str) and "too few groups" in one for one in found.values())


def test_degenerate_resamples_are_left_out_and_their_share_is_told() -> None:
    x, y = np.arange(6.0), np.array([1.0, 1, 1, 1, 1, 2])
    found = bootstrap_intervals(x, y, [CoefficientKind.PEARSON])[CoefficientKind.PEARSON]
    assert isinstance(found, Interval)
    # The one that differs is not drawn in (5/6)^6 of the resamples, nor can it be drawn alone often.
    assert found.degenerate == pytest.approx((5 / 6) ** 6, abs=0.02)
    assert found.resamples == round(10_000 * (1 - found.degenerate))
    assert math.isfinite(found.low) and math.isfinite(found.high)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    x, y = noisy(30)
    assert bootstrap_intervals(x, y, RESAMPLED, seed=1) == bootstrap_intervals(x, y, RESAMPLED, seed=1)
    assert bootstrap_intervals(x, y, RESAMPLED, seed=1) != bootstrap_intervals(x, y, RESAMPLED, seed=2)
