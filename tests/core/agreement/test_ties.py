"""Ties by arithmetic: means of raters, gaps, thresholds and strengths that are equal tie, whatever their last bit."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from aim_tui.core.agreement.analysis import Options, analyse
from aim_tui.core.agreement.coefficients import CoefficientKind, coefficient
from aim_tui.core.agreement.discrimination import discrimination
from aim_tui.core.agreement.duel_agreement import strengths
from aim_tui.core.agreement.group_levels import levels
from aim_tui.core.agreement.pairs import join
from aim_tui.core.agreement.study import Contest, Sample, Study, StudyJudgement
from aim_tui.core.agreement.tie_calibration import tie_accuracy
from aim_tui.core.ratings.bradley_terry import Bout, rank
from tests.core.agreement.samples import column


def accuracies(x: list[Fraction], y: list[int]) -> dict[Fraction, Fraction]:
    """acc_eq at every threshold that matters, by its definition."""
    pairs = list(itertools.combinations(range(len(x)), 2))
    found = {}
    for eps in {Fraction(), *(abs(x[a] - x[b]) for a, b in pairs)}:
        right = 0
        for a, b in pairs:
            tied = abs(x[a] - x[b]) <= eps
            sign = 0 if tied else 1 if x[a] > x[b] else -1
            right += sign == (y[a] > y[b]) - (y[a] < y[b])
        found[eps] = Fraction(right, len(pairs))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_of_decimals_is_that_of_exact_fractions(seed: int) -> None:
    chance = random.Random(seed)
    hundredths = [chance.randrange(20, 40) for _ in range(25)]
    y = [chance.randrange(1, 6) for _ in hundredths]
    wanted = accuracies([Fraction(n, 100) for n in hundredths], y)
    found = tie_accuracy(np.array([n / 100 for n in hundredths]), np.array(y, dtype=float))
    best = max(wanted.values())
    eps = Fraction() if wanted[Fraction()] == best else min(eps for eps, share in wanted.items() if share == best)
    assert found is not None
    assert found.plain == float(wanted[Fraction()])
    assert (found.calibrated, found.eps) == (float(best), float(eps))


def test_means_of_raters_that_are_equal_by_arithmetic_tie() -> None:
    rows = [(0.1, 0.2, 0.3), (0.3, 0.2, 0.1), (0.2, 0.2, 0.2), (0.1, 0.1, 0.2), (0.2, 0.1, 0.1), (0.4, 0.5, 0.1)]
    raters = tuple(column(name, [row[n] for row in rows]) for n, name in enumerate(("ann", "bob", "cem")))
    x = [0.22, 0.21, 0.2, 0.1, 0.12, 0.4]
    pairs = join(column("m", x), StudyJudgement("rating", raters))
    assert len(set(pairs.y.tolist())) == 3
    exact = [float(sum(Fraction(str(value)) for value in row) / 3) for row in rows]
    assert coefficient(CoefficientKind.SPEARMAN, pairs.x, pairs.y).value == pytest.approx(
        stats.spearmanr(x, exact).statistic
    )


def test_means_of_groups_that_are_equal_by_arithmetic_tie() -> None:
    y = np.array([0.1, 0.2, 0.3, 0.2, 0.2, 0.2, 0.5, 0.6, 0.7])
    x = np.array([1.0, 1, 1, 2, 2, 2, 3, 3, 3])
    system = levels(x, y, ["a"] * 3 + ["b"] * 3 + ["c"] * 3, "g").system
    assert system.values[CoefficientKind.SPEARMAN] == pytest.approx(stats.spearmanr([1, 2, 3], [2, 2, 6]).statistic)


def test_gaps_of_matched_pairs_that_are_equal_by_arithmetic_tie_in_the_wilcoxon_test() -> None:
    right, wrong = [0.3, 0.5, 0.9, 0.7, 0.2, 0.8], [0.1, 0.3, 0.7, 0.9, 0.2, 0.1]
    names = [f"{side}{n}" for side in "rw" for n in range(6)]
    samples = {
        name: Sample(name, correct=name[0] == "r", match=name[1], error_type="" if name[0] == "r" else "colour")
        for name in names
    }
    found = discrimination(column("m", [*right, *wrong], names), samples)
    gaps = [Fraction(str(a)) - Fraction(str(b)) for a, b in zip(right, wrong, strict=True)]
    assert found is not None
    assert sorted(pair.gap for pair in found.pairs) == sorted(map(float, gaps))
    assert found.overall.wilcoxon_p == pytest.approx(stats.wilcoxon([int(10 * gap) for gap in gaps]).pvalue)
    assert found.overall.wins is not None and found.overall.wins.ties == 1


ROUND_ROBIN = [(a, b) for a, b in itertools.combinations(range(7), 2)]


@pytest.mark.parametrize("seed", range(6))
def test_images_with_as_many_wins_in_a_round_robin_have_one_strength(seed: int) -> None:
    chance = random.Random(seed)
    outcomes = [chance.choice([1, -1, 0]) for _ in ROUND_ROBIN]
    points = [0.0] * 7
    for (a, b), outcome in zip(ROUND_ROBIN, outcomes, strict=True):
        points[a] += (outcome + 1) / 2
        points[b] += (1 - outcome) / 2
    order = list(range(len(ROUND_ROBIN)))
    chance.shuffle(order)
    contests = [Contest(str(ROUND_ROBIN[n][0]), str(ROUND_ROBIN[n][1]), outcomes[n]) for n in order]
    bouts = [Bout(*ROUND_ROBIN[n], (outcomes[n] + 1) / 2) for n in order]
    by_agreement, by_duels = strengths(contests), rank(7, bouts).mean
    for a, b in itertools.combinations(range(7), 2):
        assert (by_agreement[str(a)] == by_agreement[str(b)]) == (points[a] == points[b])
        assert (by_duels[a] == by_duels[b]) == (points[a] == points[b])


def test_values_that_differ_by_rounding_only_tie_and_the_report_says_so() -> None:
    x, y = [0.1 + 0.2, 0.3, 0.5, 0.4], [2.0, 1.0, 4.0, 3.0]
    cell = analyse(Study((column("m", x),), (StudyJudgement("r", (column("r", y),)),)), Options(resamples=0)).cells[0]
    exact = stats.spearmanr([3, 3, 5, 4], y).statistic
    assert cell.coefficients[CoefficientKind.SPEARMAN].value == pytest.approx(exact)
    assert "1 values of m differ from another value by rounding only and count as equal" in cell.warnings
