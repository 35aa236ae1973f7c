"""Metrics against each other, right against wrong, raters and duels: published examples, SciPy, or counted by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from aim_tui.core.agreement.analysis import Options, analyse
from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.discrimination import auc, discrimination, wilson, win_rate
from aim_tui.core.agreement.duel_agreement import duel_agreement, strengths
from aim_tui.core.agreement.metric_comparison import adjusted, compare_metrics, swap_tests, williams, zou_interval
from aim_tui.core.agreement.rater_agreement import Measurement, krippendorff_alpha, rater_agreement
from aim_tui.core.agreement.study import Contest, Sample, StudyJudgement
from aim_tui.core.statistics import mean
from tests.core.agreement.samples import column, judgement, noisy, study

EXACT = 1e-9
NAMES = ("a", "b", "rating")


# -- metric against metric --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("r_ay", "r_by", "r_ab", "n", "t"),
    [
        # As R's cocor prints them (williams1959), from correlations of four digits.
        (0.8066, 0.2383, 0.2255, 177, 9.3823),
        (0.5447, 0.8, 0.0729, 70, -2.8114),
        (-0.1741, 0.2015, 0.3734, 646, -9.0340),
    ],
)
def test_williams_t_is_that_of_published_examples(r_ay: float, r_by: float, r_ab: float, n: int, t: float) -> None:
    found = williams(r_ay, r_by, r_ab, n)
    assert found.t == pytest.approx(t, abs=2e-3)
    assert found.df == n - 3
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.t), n - 3), abs=EXACT)


def test_williams_t_is_that_of_the_determinant() -> None:
    generator = np.random.default_rng(0)
    a, b, y = generator.normal(size=(3, 30)) + generator.normal(size=30)
    matrix = np.corrcoef([y, a, b])
    r_ay, r_by, r_ab = matrix[0, 1], matrix[0, 2], matrix[1, 2]
    below = 2 * 29 / 27 * np.linalg.det(matrix) + (r_ay + r_by) ** 2 / 4 * (1 - r_ab) ** 3
    wanted = (r_ay - r_by) * math.sqrt(29 * (1 + r_ab) / below)
    found = compare_metrics(NAMES, a, b, y, swaps=100).williams
    assert found is not None and found.t == pytest.approx(wanted, abs=EXACT)


@pytest.mark.parametrize(
    ("r_ay", "r_by", "r_ab", "n", "low", "high"),
    [(-0.1741, 0.2015, 0.3734, 646, -0.4568, -0.2921), (0.7245, 0.7108, 0.8972, 15549, 0.0088, 0.0185)],
)
def test_zou_interval_is_that_of_published_examples(
    r_ay: float, r_by: float, r_ab: float, n: int, low: float, high: float
) -> None:
    found = zou_interval(r_ay, r_by, r_ab, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1.5e-4)


def test_of_independent_metrics_zou_adds_the_squares_of_the_arms() -> None:
    # With no correlation of the two coefficients the interval is that of independent samples, by hand.
    r_ay, r_by, n = 0.5, 0.2, 40
    r_ab = next(r for r in np.linspace(-1, 1, 2_000_001) if abs(_shared(r_ay, r_by, r)) < 1e-6)
    arm = 1.959963984540054 / math.sqrt(n - 3)
    ends = [(math.tanh(math.atanh(r) - arm), math.tanh(math.atanh(r) + arm)) for r in (r_ay, r_by)]
    low = 0.3 - math.hypot(r_ay - ends[0][0], ends[1][1] - r_by)
    found = zou_interval(r_ay, r_by, float(r_ab), n)
    assert found.low == pytest.approx(low, abs=1e-6)


def _shared(r_ay: float, r_by: float, r_ab: float) -> float:
    return (r_ab - r_ay * r_by / 2) * (1 - r_ay**2 - r_by**2 - r_ab**2) + r_ab**3


def test_up_to_twelve_samples_all_swaps_are_gone_through() -> None:
    generator = np.random.default_rng(3)
    a, b, y = generator.normal(size=(3, 7))
    z = [(one - one.mean()) / one.std() for one in (a, b)]
    functions = {
        CoefficientKind.PEARSON: stats.pearsonr,
        CoefficientKind.SPEARMAN: stats.spearmanr,
        CoefficientKind.KENDALL_B: stats.kendalltau,
    }
    for found in swap_tests(a, b, y):
        of = functions[found.kind]
        observed = abs(of(a, y)[0] - of(b, y)[0])
        hits = 0
        for choice in itertools.product([False, True], repeat=7):
            one, other = np.where(choice, z[1], z[0]), np.where(choice, z[0], z[1])
            hits += abs(of(one, y)[0] - of(other, y)[0]) >= observed - 1e-12
        assert found.exact and found.swaps == 128
        assert found.p == pytest.approx(hits / 128, abs=EXACT)
        assert found.difference == pytest.approx(of(a, y)[0] - of(b, y)[0], abs=EXACT)


def test_more_samples_are_swapped_at_random_with_a_p_above_zero() -> None:
    x, y = noisy(60, noise=0.2)
    worse = np.random.default_rng(1).normal(size=60)
    found = compare_metrics(NAMES, x, worse, y, swaps=999)
    assert [one.p for one in found.differences] == [0.001] * 3
    assert not found.differences[0].exact
    assert found == compare_metrics(NAMES, x, worse, y, swaps=999)
    same_side = compare_metrics(NAMES, x, x + 0.01 * worse, y, swaps=999)
    assert min(one.p or 0 for one in same_side.differences) > 0.05
    assert [one.p for one in compare_metrics(NAMES, x, worse, y, swaps=0).differences] == [None] * 3


def test_a_metric_and_itself_do_not_differ() -> None:
    x, y = noisy(30)
    found = compare_metrics(NAMES, x, 2 * x + 1, y, swaps=200)
    assert [one.p for one in found.differences] == [1.0, 1.0, 1.0]
    assert found.williams is None and "perfect fit" in found.note


@pytest.mark.parametrize(
    ("a", "y", "reason"),
    [
        ([1, 2], [1, 2], "fewer than 3 pairs"),
        ([1, 1, 1], [1, 2, 3], "all a equal"),
        ([1, 2, 3], [4, 4, 4], "all rating"),
    ],
)
def test_where_there_is_nothing_to_compare_there_is_a_reason(a: list[float], y: list[float], reason: str) -> None:
    found = compare_metrics(NAMES, np.array(a, float), np.arange(len(y), dtype=float), np.array(y, float))
    assert reason in found.reason and not found.differences


def test_adjusted_p_values_are_those_of_scipy() -> None:
    ps = np.random.default_rng(0).random(20).tolist()
    assert adjusted(ps) == pytest.approx(stats.false_discovery_control(ps), abs=EXACT)
    assert adjusted([]) == []


def test_metrics_are_compared_over_the_samples_that_both_have_and_adjusted_over_all_comparisons() -> None:
    x, y = noisy(30)
    made = study(x, y)
    other = column("other", [None, *np.random.default_rng(2).normal(size=29)])
    third = column("third", np.random.default_rng(5).normal(size=30))
    found = analyse(replace(made, metrics=(*made.metrics, other, third)), Options(resamples=300)).comparisons
    assert [(one.a, one.b, one.n) for one in found] == [("m", "other", 29), ("m", "third", 30), ("other", "third", 29)]
    for place in range(3):
        ps = [one.differences[place].p or 0 for one in found]
        wanted = stats.false_discovery_control(ps)
        assert [one.differences[place].p_adjusted for one in found] == pytest.approx(wanted, abs=EXACT)


# -- right against wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wins", "n"), [(0, 7), (3, 7), (7, 7), (45, 50), (1, 1)])
def test_the_interval_of_a_share_is_that_of_scipy(wins: int, n: int) -> None:
    wanted = stats.binomtest(wins, n).proportion_ci(method="wilson")
    found = wilson(wins, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=EXACT)


def test_a_tie_is_half_a_win() -> None:
    found = win_rate([1.0, 2.0, 0.0, -1.0])
    assert found is not None
    assert (found.pairs, found.wins, found.ties, found.rate) == (4, 2, 1, 0.625)
    assert win_rate([]) is None


def test_the_area_is_that_of_mann_and_whitney() -> None:
    generator = np.random.default_rng(0)
    right, wrong = generator.integers(0, 9, 30).astype(float), generator.integers(0, 7, 20).astype(float)
    assert auc(right, wrong) == pytest.approx(stats.mannwhitneyu(right, wrong).statistic / 600, abs=EXACT)


def edits(values: dict[str, float], types: dict[str, str]) -> dict[str, Sample]:
    """Right samples r0, r1 ... and wrong ones w0, w1 ..., matched by number."""
    return {
        name: Sample(name, correct=name[0] == "r", match=name[1], error_type=types.get(name, "")) for name in values
    }


def test_right_and_wrong_are_told_apart_by_error_type_over_matched_pairs() -> None:
    values = {"r0": 0.9, "r1": 0.8, "r2": 0.3, "r3": 0.6, "w0": 0.1, "w1": 0.2, "w2": 0.4, "w3": 0.6}
    samples = edits(values, {"w0": "colour", "w1": "colour", "w2": "count", "w3": "count"})
    found = discrimination(column("m", values.values(), list(values)), samples)
    assert found is not None
    assert (found.overall.right, found.overall.wrong) == (4, 4)
    assert found.overall.wins is not None and found.overall.wins.rate == (2 + 0.5) / 4
    gaps = [0.8, 0.6, -0.1, 0.0]
    assert found.overall.wilcoxon_p == pytest.approx(stats.wilcoxon(gaps).pvalue, abs=EXACT)
    wanted = mean(gaps)
    assert found.overall.gap is not None and found.overall.gap.mean == pytest.approx(wanted.mean, abs=EXACT)
    assert found.overall.auc == pytest.approx(
        stats.mannwhitneyu([0.9, 0.8, 0.3, 0.6], [0.1, 0.2, 0.4, 0.6]).statistic / 16, abs=EXACT
    )
    colour, count = found.by_error_type
    assert (colour.error_type, colour.wins.rate if colour.wins else None) == ("colour", 1.0)
    assert (count.error_type, count.wins.rate if count.wins else None) == ("count", 0.25)
    assert [pair.wrong for pair in found.pairs] == ["w2", "w3", "w1", "w0"]


def test_a_distance_is_turned_round_before_it_is_asked_who_wins() -> None:
    values = {"r0": 0.1, "w0": 0.9}
    found = discrimination(column("lpips", values.values(), list(values), higher_is_better=False), edits(values, {}))
    assert found is not None and found.overall.wins is not None and found.overall.wins.rate == 1


def test_nothing_is_matched_by_a_guess() -> None:
    values = {"r0": 0.9, "w0": 0.1, "w1": 0.2}
    samples = edits(values, {}) | {"again": Sample("again", correct=True, match="0")}
    found = discrimination(column("m", [*values.values(), 0.5], [*values, "again"]), samples)
    assert found is not None and found.pairs == ()
    assert "no right and wrong samples are matched" in found.overall.reason
    assert found.overall.auc is not None


def test_without_right_or_wrong_samples_there_is_no_discrimination_and_ties_have_no_test() -> None:
    assert discrimination(column("m", [1.0], ["r0"]), edits({"r0": 1.0}, {})) is None
    values = {"r0": 0.5, "w0": 0.5}
    found = discrimination(column("m", values.values(), list(values)), edits(values, {}))
    assert found is not None and found.overall.wilcoxon_p is None
    assert "all matched pairs tie" in found.overall.reason
    unscored = discrimination(column("m", [None, 0.5], ["r0", "w0"]), edits(values, {}))
    assert unscored is not None and unscored.not_scored == 1 and unscored.overall.auc is None


# -- raters -----------------------------------------------------------------------------------------------------------

NAN = math.nan
# Four observers and twelve units: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


@pytest.mark.parametrize(
    ("kind", "alpha"), [(Measurement.NOMINAL, 0.743), (Measurement.ORDINAL, 0.815), (Measurement.INTERVAL, 0.849)]
)
def test_alpha_is_that_of_krippendorffs_example(kind: Measurement, alpha: float) -> None:
    assert krippendorff_alpha(KRIPPENDORFF, kind) == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("kind", [Measurement.NOMINAL, Measurement.INTERVAL])
def test_alpha_is_one_less_observed_over_expected_disagreement(kind: Measurement) -> None:
    """By its definition: within units, and over all values that have a partner, pair by pair."""

    def differ(a: float, b: float) -> float:
        return float(a != b) if kind is Measurement.NOMINAL else (a - b) ** 2

    units = [unit[np.isfinite(unit)] for unit in KRIPPENDORFF.T]
    units = [unit for unit in units if len(unit) > 1]
    values = np.concatenate(units)
    observed = sum(
        sum(differ(a, b) for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units
    ) / len(values)
    expected = sum(differ(a, b) for a, b in itertools.permutations(values, 2)) / (len(values) * (len(values) - 1))
    assert krippendorff_alpha(KRIPPENDORFF, kind) == pytest.approx(1 - observed / expected, abs=EXACT)


def test_raters_who_all_say_one_thing_have_no_alpha() -> None:
    assert krippendorff_alpha(np.full((3, 4), 5.0), Measurement.INTERVAL) is None
    made = StudyJudgement("rating", (column("ann", [5, 5]), column("bob", [5, 5])))
    found = rater_agreement(made)
    assert found is not None and found.reason.startswith("undefined") and found.ceiling.human is None


def test_raters_who_share_no_sample_are_told() -> None:
    made = StudyJudgement("rating", (column("ann", [1, 2], ["a", "b"]), column("bob", [1, 2], ["c", "d"])))
    found = rater_agreement(made)
    assert found is not None and found.reason == "no sample has two raters" and found.samples == 0


def mean_of_decimals(values: Iterable[float]) -> float:
    """Exact: two ratings of 0.1 and 0.3 mean what two of 0.2 mean."""
    fractions = [Fraction(str(value)) for value in values]
    return float(sum(fractions) / len(fractions))


def test_the_human_ceiling_leaves_one_rater_out_at_a_time_and_the_metric_takes_its_place() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=30)
    said = [np.round(truth + generator.normal(size=30), 1) for _ in range(3)]
    metric = column("lpips", -truth, higher_is_better=False)
    made = StudyJudgement("rating", tuple(column(name, values) for name, values in zip("abc", said, strict=True)))
    found = rater_agreement(made, (metric,))
    others = [[mean_of_decimals(pair) for pair in zip(*np.delete(said, one, axis=0), strict=True)] for one in range(3)]
    by_rater = [stats.spearmanr(said[one], others[one])[0] for one in range(3)]
    by_metric = [stats.spearmanr(truth, other)[0] for other in others]
    assert found is not None
    assert list(found.ceiling.by_rater.values()) == pytest.approx(by_rater, abs=EXACT)
    assert found.ceiling.human == pytest.approx(np.mean(by_rater), abs=EXACT)
    assert found.ceiling.metrics["lpips"] == pytest.approx(np.mean(by_metric), abs=EXACT)
    assert rater_agreement(judgement([1, 2, 3])) is None


# -- duels ------------------------------------------------------------------------------------------------------------


def test_a_metric_predicts_duels_and_ties_and_images_without_a_value_are_counted_apart() -> None:
    fought = (
        Contest("0", "1", 1), Contest("1", "0", -1), Contest("1", "2", 1), Contest("0", "2", 0), Contest("0", "9", 1),
    )  # fmt: skip
    found = duel_agreement(column("m", [0.9, 0.5, 0.5]), fought)
    assert (found.contests, found.undecided, found.not_scored) == (5, 1, 1)
    assert found.wins is not None and (found.wins.pairs, found.wins.rate) == (3, 2.5 / 3)
    turned = duel_agreement(column("m", [0.9, 0.5, 0.5], higher_is_better=False), fought).wins
    assert turned is not None and turned.rate == pytest.approx(0.5 / 3)


def test_strengths_are_the_most_likely_ones() -> None:
    generator = np.random.default_rng(0)
    fought = [Contest(str(a), str(b), int(generator.integers(-1, 2))) for a, b in itertools.permutations(range(5), 2)]
    found = strengths(fought)

    # At the maximum, what each has won is what its strength lets expect, the tie with an average image included.
    def expected(a: float, b: float) -> float:
        return 1 / (1 + math.exp(b - a))

    for name, strength in found.items():
        met = [
            (one, one.second if one.first == name else one.first) for one in fought if name in (one.first, one.second)
        ]
        won = 0.5 + sum((one.outcome * (1 if one.first == name else -1) + 1) / 2 for one, _ in met)
        foretold = expected(strength, 0.0) + sum(expected(strength, found[other]) for _, other in met)
        assert won == pytest.approx(foretold, abs=EXACT)


def test_who_always_wins_is_strong_but_not_infinitely_so() -> None:
    found = strengths([Contest("a", "b", 1)] * 20)
    assert found["a"] == pytest.approx(-found["b"]) and 1 < found["a"] < 10
    assert strengths([]) == {}
