"""Joining, ties, errors, levels, residuals and words: right where they are defined, and silent where they are not."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from aim_tui.core.agreement import interpretation
from aim_tui.core.agreement.analysis import Options, analyse
from aim_tui.core.agreement.coefficients import CoefficientKind, coefficient
from aim_tui.core.agreement.error_measures import ErrorMapping, error_measures, left_out_residuals
from aim_tui.core.agreement.group_levels import levels
from aim_tui.core.agreement.match_ids import MatchKey, match
from aim_tui.core.agreement.merge_sources import gather
from aim_tui.core.agreement.pairs import join
from aim_tui.core.agreement.reported_figures import check
from aim_tui.core.agreement.residuals import influence, line, residuals, widest_gaps, worst
from aim_tui.core.agreement.study import (
    Sample,
    Scale,
    StatedFigure,
    StudyColumn,
    StudyEntry,
    StudyJudgement,
    StudySource,
    measured,
)
from aim_tui.core.agreement.tie_calibration import tie_accuracy
from aim_tui.core.outcomes import Failed, Missing
from tests.core.agreement.samples import column, judgement, noisy, pairs, study

EXACT = 1e-9


# -- joining ----------------------------------------------------------------------------------------------------------


def test_pairs_are_joined_by_id_and_never_by_position() -> None:
    metric = column("m", [0.1, 0.2, 0.3], ["a", "b", "c"])
    rating = StudyJudgement("rating", (column("rating", [3, 1, 2], ["c", "a", "b"]),))
    found = join(metric, rating)
    assert list(zip(found.ids, found.x, found.y, strict=True)) == [("a", 0.1, 1), ("b", 0.2, 2), ("c", 0.3, 3)]


def test_orphans_missing_failed_nan_and_infinite_values_are_left_out_by_name() -> None:
    metric = StudyColumn(
        "m",
        (
            *column("m", [0.1, math.nan, math.inf, None, 0.5, 0.6]).entries,
            StudyEntry("6", Failed("out of memory")),
            StudyEntry("only m", measured(1.0)),
        ),
    )
    found = join(metric, judgement([1, 2, 3, 4, -math.inf, 5, 1, 2]))
    assert found.ids == ("0", "5")
    assert found.describe().startswith("2 of 9 used (")
    reasons = {drop.id: (drop.side, drop.reason) for drop in found.dropped}
    assert reasons == {
        "1": ("m", "is not a number (NaN)"),
        "2": ("m", "is infinite"),
        "3": ("m", "no value"),
        "4": ("rating", "is infinite"),
        "6": ("m", "out of memory"),
        "only m": ("rating", "has no such id"),
        "7": ("m", "has no such id"),
    }


def test_an_id_with_two_values_is_left_out_and_one_with_the_same_twice_counts_once() -> None:
    metric = column("m", [0.1, 0.2, 0.9, 0.3, 0.3], ["a", "b", "b", "c", "c"])
    rating = StudyJudgement("rating", (column("rating", [1, 2, 3], ["a", "b", "c"]),))
    found = join(metric, rating)
    assert found.ids == ("a", "c")
    assert found.dropped[0].reason == "given 2 times with different values"
    assert found.repeated == ("c",)


def test_lower_is_better_is_negated_on_either_side_and_no_zero_gets_a_sign() -> None:
    rating = StudyJudgement("rank", (column("rank", [1, 2, 0], higher_is_better=False),))
    found = join(column("lpips", [0.0, 0.5, 0.2], higher_is_better=False), rating)
    assert found.x.tolist() == [0.0, -0.5, -0.2] and math.copysign(1, found.x[0]) == 1
    assert found.y.tolist() == [-1, -2, 0]
    assert found.negated_x and found.negated_y


def test_raters_are_averaged_over_those_who_spoke_and_can_be_had_alone() -> None:
    rating = StudyJudgement("rating", (column("ann", [1, None, 3]), column("bob", [3, 4, None])))
    metric = column("m", [1, 2, 3])
    assert join(metric, rating).y.tolist() == [2, 4, 3]
    assert join(metric, rating, only="bob").ids == ("0", "1")


def test_a_rater_whose_value_is_broken_leaves_the_sample_out() -> None:
    rating = StudyJudgement("rating", (column("ann", [1, 2, 3]), column("bob", [3, math.nan, 2])))
    assert join(column("m", [1, 2, 3]), rating).ids == ("0", "2")


def test_raters_of_one_judgement_share_scale_and_direction() -> None:
    with pytest.raises(ValueError, match="share"):
        StudyJudgement("rating", (column("ann", [1], scale=Scale(0, 1)), column("bob", [1], scale=Scale(1, 5))))
    with pytest.raises(ValueError, match="higher number"):
        Scale(5, 1)


def test_names_match_by_id_then_path_then_file_name_then_stem() -> None:
    found = match(["1", "./in/2.png", "in/3.png", "in/4.png", "x"], ["1", "in/2.png", "/out/in/3.png", "4", "y"])
    assert found.to_left == {"1": "1", "in/2.png": "./in/2.png", "/out/in/3.png": "in/3.png", "4": "in/4.png"}
    assert found.by == {MatchKey.ID: 1, MatchKey.PATH: 1, MatchKey.NAME: 1, MatchKey.STEM: 1}
    assert (found.only_left, found.only_right) == (("x",), ("y",))


def test_an_ending_is_part_of_an_id_unless_it_is_that_of_an_image_file() -> None:
    assert match(["sd1.4", "sd3.5", "flux1"], ["sd1", "sd3", "flux1.1"]).to_left == {}
    assert match(["1.png", "2.png"], ["1.5", "2.5"]).to_left == {}
    assert match(["openai/clip"], ["google/clip"]).to_left == {}
    found = match(["x.PNG"], ["x.jpg"])
    assert found.to_left == {"x.jpg": "x.PNG"} and found.by == {MatchKey.ENDING: 1}


def test_a_match_that_rests_on_a_guess_is_listed_with_its_pairs() -> None:
    found = match(["in/4.png", "in/5.png"], ["4", "5"])
    assert found.guesses() == ["check these pairs, matched by file name without its ending: in/4.png = 4, in/5.png = 5"]
    found = match([f"a/{n}.png" for n in range(9)], [f"b/{n}.png" for n in range(9)])
    assert found.by == {MatchKey.ELSEWHERE: 9} and found.guesses()[0].endswith("a/4.png = b/4.png and 4 more")
    assert match(["a/1.png"], ["1.png"]).guesses() == []


def test_one_folder_that_would_stand_for_two_is_not_matched() -> None:
    assert match(["a/1.png", "b/2.png"], ["c/1.png", "c/2.png"]).to_left == {}


def test_a_name_that_is_left_over_is_not_matched_by_elimination() -> None:
    assert match(["a/1.png", "b/1.png"], ["a/1.png", "1.png"]).to_left == {"a/1.png": "a/1.png"}


def test_paths_of_two_machines_match_where_one_is_the_end_of_the_other() -> None:
    left, right = ["/d/a/1.png", "/d/b/1.png"], ["a/1.png", "b/1.png"]
    assert match(left, right).to_left == dict(zip(right, left, strict=True))
    assert match(right, left).to_left == dict(zip(left, right, strict=True))


def test_one_name_in_two_forms_of_unicode_is_one_name() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for form in ("{}", "{}.png", "in/{}.png"):
        pair = form.format(composed), form.format(decomposed)
        assert match([pair[0]], [pair[1]]).to_left == {pair[1]: pair[0]}


def test_of_copies_of_a_file_name_none_is_matched() -> None:
    assert match(["a/1.png", "b/1.png"], ["1.png"]).to_left == {}


def test_gathering_renames_the_judgements_and_merges_what_is_known_of_samples() -> None:
    metric, rating = column("m", [0.5, 0.2, 0.1], ["in/1.png", "in/2.png", "in/3.png"]), column("r", [5, 1], ["1", "2"])
    scores = StudySource("scores", (metric,), {"in/1.png": Sample("in/1.png", path="/in/1.png")})
    judged = StudySource("judged", (rating,), {"1": Sample("1", instruction="more snow", labels={"kind": "a"})})
    made = gather(scores, [metric], judged, [StudyJudgement("r", (rating,))])
    assert join(made.metrics[0], made.judgements[0]).ids == ("in/1.png", "in/2.png")
    sample = made.samples["in/1.png"]
    assert (sample.path, sample.instruction, sample.labels["kind"]) == ("/in/1.png", "more snow", "a")
    assert made.notes == (
        "2 matched (2 by file name without its ending)",
        "check these pairs, matched by file name without its ending: in/1.png = 1, in/2.png = 2",
        "only among the scores: in/3.png",
    )


# -- ties -------------------------------------------------------------------------------------------------------------


def test_the_accuracy_and_its_best_eps_are_those_of_trying_every_eps() -> None:
    x, y = noisy(25, seed=7, noise=0.5)
    found = tie_accuracy(x, y)

    def accuracy(eps: float) -> tuple[float, float]:
        right = tied = 0
        for one, other in itertools.combinations(range(25), 2):
            said = 0 if abs(x[one] - x[other]) <= eps else np.sign(x[one] - x[other])
            right += said == np.sign(y[one] - y[other])
            tied += said == 0
        return right / 300, tied / 300

    tried = {eps: accuracy(eps) for eps in [0.0, *(abs(a - b) for a, b in itertools.combinations(x, 2))]}
    best = max(right for right, _ in tried.values())
    assert found is not None
    assert found.plain == pytest.approx(tried[0.0][0], abs=EXACT)
    assert found.calibrated == pytest.approx(best, abs=EXACT)
    assert found.eps == min(eps for eps, (right, _) in tried.items() if right == best)
    assert found.tied == pytest.approx(tried[found.eps][1], abs=EXACT)
    assert found.all_ties == pytest.approx(np.mean([a == b for a, b in itertools.combinations(y, 2)]), abs=EXACT)


def test_where_the_judgement_ties_everything_an_eps_that_ties_everything_is_best_and_seen_to_be() -> None:
    found = tie_accuracy(np.array([0.1, 0.2, 0.4]), np.array([3.0, 3, 3]))
    assert found is not None
    assert (found.plain, found.calibrated, found.tied, found.all_ties) == (0, 1, 1, 1)


def test_ties_of_the_metric_count_with_eps_zero() -> None:
    found = tie_accuracy(np.array([1.0, 1, 2]), np.array([5.0, 5, 6]))
    assert found is not None and (found.plain, found.eps, found.tied) == (1.0, 0.0, 0.0)


def test_of_very_many_pairs_some_are_drawn_and_that_is_said() -> None:
    x, y = noisy(300)
    whole, drawn = tie_accuracy(x, y), tie_accuracy(x, y, most=20_000)
    assert whole is not None and drawn is not None
    assert drawn.drawn and drawn.pairs == 20_000 and not whole.drawn
    assert drawn.plain == pytest.approx(whole.plain, abs=0.02)
    assert tie_accuracy(x, y, most=20_000) == drawn
    assert tie_accuracy(x[:1], y[:1]) is None


# -- errors -----------------------------------------------------------------------------------------------------------


def test_calibrated_residuals_are_those_of_lines_drawn_without_the_pair() -> None:
    x, y = noisy(12)
    wanted = []
    for left_out in range(12):
        keep = np.arange(12) != left_out
        fit = stats.linregress(x[keep], y[keep])
        wanted.append(y[left_out] - fit.intercept - fit.slope * x[left_out])
    assert left_out_residuals(x, y) == pytest.approx(wanted, abs=EXACT)
    found = error_measures(pairs(x, y), ErrorMapping.CALIBRATED, None, None)
    assert found.mae == pytest.approx(np.abs(wanted).mean(), abs=EXACT)
    assert found.rmse == pytest.approx(np.sqrt(np.square(wanted).mean()), abs=EXACT)


def test_minmax_is_the_habit_of_the_seed_project() -> None:
    x, y = np.array([0.1, 0.4, 0.2, 0.3]), np.array([2.0, 9, 4, 10])
    found = error_measures(pairs(x, y), ErrorMapping.MINMAX, None, Scale(0, 10))
    differences = (x - x.min()) / (x.max() - x.min() + 1e-8) - y / 10
    assert found.mae == pytest.approx(np.abs(differences).mean(), abs=EXACT)
    assert found.rmse == pytest.approx(np.sqrt((differences**2).mean()), abs=EXACT)
    assert "0..1" in found.words


def test_raw_errors_need_one_scale_that_both_declare() -> None:
    made = pairs([1, 2, 5], [1, 3, 4])
    assert "declared: none and 1 to 5" in error_measures(made, ErrorMapping.RAW, None, Scale(1, 5)).reason
    assert error_measures(made, ErrorMapping.RAW, Scale(0, 5), Scale(1, 5)).mae is None
    assert error_measures(made, ErrorMapping.RAW, Scale(1, 5), Scale(1, 5)).mae == pytest.approx(2 / 3)


def test_a_side_of_which_lower_is_better_is_reversed_on_its_scale() -> None:
    made = pairs([0.0, 0.25, 1.0], [1.0, 0.75, 0.0], higher_is_better=False)
    found = error_measures(made, ErrorMapping.RAW, Scale(0, 1), Scale(0, 1))
    assert found.mae == 0 and "reversed" in found.words


@pytest.mark.parametrize(
    ("mapping", "x", "reason"),
    [
        (ErrorMapping.MINMAX, [2, 2, 2], "all m values are equal"),
        (ErrorMapping.CALIBRATED, [2, 2, 2], "undefined: all m values equal 2.0"),
        (ErrorMapping.CALIBRATED, [1, 2], "fewer than 3 pairs"),
        (ErrorMapping.CALIBRATED, [1, 1, 2], "without one of the pairs all m values are equal"),
        (ErrorMapping.MINMAX, [], "no pairs"),
    ],
)
def test_where_an_error_is_undefined_there_is_a_reason(mapping: ErrorMapping, x: list[float], reason: str) -> None:
    found = error_measures(pairs(x, list(range(len(x)))), mapping, None, Scale(0, 5))
    assert (found.mae, found.rmse, found.reason) == (None, None, reason)


def test_an_undeclared_scale_is_no_scale() -> None:
    assert (
        "scale of rating is not declared"
        in error_measures(pairs([1, 2], [1, 2]), ErrorMapping.MINMAX, None, None).reason
    )


# -- levels -----------------------------------------------------------------------------------------------------------


def test_levels_are_the_coefficients_of_pairs_groups_and_means() -> None:
    x, y = noisy(40)
    groups = [str(number % 4) for number in range(40)]
    found = levels(x, y, groups, "g")
    within = [stats.pearsonr(x[start::4], y[start::4])[0] for start in range(4)]
    means = [(x[start::4].mean(), y[start::4].mean()) for start in range(4)]
    assert found.everything.values[CoefficientKind.PEARSON] == pytest.approx(stats.pearsonr(x, y)[0], abs=EXACT)
    assert found.within.values[CoefficientKind.PEARSON] == pytest.approx(np.mean(within), abs=EXACT)
    assert found.system.values[CoefficientKind.PEARSON] == pytest.approx(
        stats.pearsonr(*zip(*means, strict=True))[0], abs=EXACT
    )
    assert (found.everything.used, found.within.used, found.system.used) == (40, 4, 4)


def test_signs_that_differ_between_levels_raise_a_warning() -> None:
    # Within each group y falls with x; the groups rise.
    x = np.array([0.0, 1, 2, 10, 11, 12, 20, 21, 22])
    y = np.array([2.0, 1, 0, 12, 11, 10, 22, 21, 20])
    found = levels(x, y, list("aaabbbccc"), "g")
    assert "Simpson" in found.warning and "within groups -1.00" in found.warning
    assert levels(x, x + 0.1 * y, list("aaabbbccc"), "g").warning == ""


def test_groups_that_are_too_small_or_constant_are_dropped_with_counts() -> None:
    x, y = np.array([1.0, 2, 3, 1, 2, 1, 2, 3]), np.array([1.0, 3, 2, 1, 2, 4, 4, 4])
    found = levels(x, y, list("aaabbccc"), "g").within
    assert (found.used, found.dropped) == (1, 2)
    assert found.reasons == {"fewer than 3 pairs": 1, "a constant side": 1}


def test_one_group_has_no_system_level() -> None:
    x, y = noisy(10)
    found = levels(x, y, ["a"] * 10, "g")
    assert found.system.values[CoefficientKind.PEARSON] is None
    assert found.system.reasons == {"fewer than 3 groups": 1}
    assert found.within.values == pytest.approx(found.everything.values)


# -- residuals --------------------------------------------------------------------------------------------------------


def test_influence_is_what_leaving_the_pair_out_changes() -> None:
    x, y = noisy(15)
    keep = [np.arange(15) != number for number in range(15)]
    wanted = [stats.pearsonr(x, y)[0] - stats.pearsonr(x[rest], y[rest])[0] for rest in keep]
    assert influence(x, y) == pytest.approx(wanted, abs=EXACT)


def test_a_pair_without_which_a_side_is_constant_has_no_influence_and_no_residual() -> None:
    made = pairs([1, 1, 1, 5], [1, 2, 3, 9])
    found = residuals(made)
    assert found[3].influence is None and found[3].residual is None
    assert all(math.isfinite(one.influence or 0) for one in found)


def test_the_one_that_does_not_fit_is_the_worst_by_residual_and_by_rank() -> None:
    x = np.arange(20.0)
    y = x.copy()
    y[4] = 30
    found = residuals(pairs(x, y))
    assert worst(found, 1)[0].id == "4" and worst(found, 1)[0].residual == pytest.approx(26, abs=2)
    assert widest_gaps(found, 1)[0].id == "4"
    assert widest_gaps(found, 1)[0].rank_gap == pytest.approx(-15 / 19)


def test_the_line_is_that_of_least_squares() -> None:
    x, y = noisy(20)
    found, wanted = line(x, y), stats.linregress(x, y)
    assert found is not None
    assert (found.slope, found.intercept) == pytest.approx((wanted.slope, wanted.intercept), abs=EXACT)
    assert line(np.ones(5), y[:5]) is None and residuals(pairs([1, 1, 1], [1, 2, 3])) == ()


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "standing"),
    [(2, "NONE"), (3, "TOO_FEW"), (9, "TOO_FEW"), (10, "EXPLORATORY"), (29, "EXPLORATORY"), (30, "INDICATIVE"),
     (99, "INDICATIVE"), (100, "ENOUGH")],
)  # fmt: skip
def test_what_a_number_of_pairs_can_carry(n: int, standing: str) -> None:
    assert interpretation.EvidenceLevel.of(n).name == standing


def test_the_sentence_is_made_from_the_interval() -> None:
    x, y = noisy(20, noise=6.0)
    found = coefficient(CoefficientKind.SPEARMAN, x, y)
    assert found.interval is not None and not found.interval.decided
    said = interpretation.sentence(found, 20, "clip", "rating")
    assert f"95 % interval {found.interval.low:+.2f} to {found.interval.high:+.2f}" in said
    assert "(exploratory)" in said and "which includes 0" in said
    x, y = noisy(20, noise=0.3)
    assert "better scores go with better judgements" in interpretation.sentence(
        coefficient(CoefficientKind.SPEARMAN, x, y), 20, "m", "r"
    )
    assert "worse scores" in interpretation.sentence(coefficient(CoefficientKind.SPEARMAN, -x, y), 20, "m", "r")


def test_the_sentence_without_a_coefficient_or_interval_says_why() -> None:
    x = np.arange(12.0)
    assert "fewer than 3 pairs" in interpretation.sentence(
        coefficient(CoefficientKind.SPEARMAN, x[:2], x[:2]), 2, "m", "r"
    )
    assert "interval not defined: perfect fit" in interpretation.sentence(
        coefficient(CoefficientKind.SPEARMAN, x, x), 12, "m", "r"
    )


def test_the_pairs_that_a_width_needs_are_the_fewest() -> None:
    needed = interpretation.pairs_for_width(0.5, 0.1)

    def width(n: int) -> float:
        half = stats.norm.ppf(0.975) / math.sqrt(n - 3)
        return math.tanh(math.atanh(0.5) + half) - math.tanh(math.atanh(0.5) - half)

    assert width(needed) <= 0.2 < width(needed - 1)
    assert f"takes {needed} pairs (there are 50)" in interpretation.pairs_needed_sentence(
        coefficient(CoefficientKind.PEARSON, *_of_half()), 50
    )


def _of_half() -> tuple[np.ndarray, np.ndarray]:
    """Two rows whose Pearson r is 0.5 exactly."""
    x = np.array([1.0, 0, -1, 1, 0, -1])
    z = np.array([1.0, -2, 1, -1, 2, -1])
    return x, 0.5 * x / np.linalg.norm(x) + math.sqrt(0.75) * z / np.linalg.norm(z)


def test_the_words_of_the_seed_project_have_its_limits() -> None:
    assert [interpretation.strength(value) for value in (0.7, -0.69, 0.4, 0.39, None)] == [
        "strong", "moderate", "moderate", "weak", None,
    ]  # fmt: skip


# -- what files state -------------------------------------------------------------------------------------------------


def test_stated_figures_are_held_against_the_rows() -> None:
    rows = column("s", [0.1, 0.2, 0.6], origin="f")
    told = [("mean_score", 0.3), ("std_score", 0.2160), ("std_score", 0.2646), ("num_samples", 4.0), ("max_score", 0.6)]
    found = check([StatedFigure("f", name, value, "s") for name, value in told], [rows])
    # To the digits stated: 0.2160 is the deviation with ddof 0, 0.2646 that with ddof 1.
    assert [one.differs for one in found] == [False, False, True, True, False]
    assert found[3].recomputed == 3


def test_what_cannot_be_recomputed_says_why_and_does_not_differ() -> None:
    rows = column("s", [0.1, 0.2], origin="f")
    told = [
        StatedFigure("f", "colour", 3.0, "s"),
        StatedFigure("f", "mean", 3.0, "t"),
        StatedFigure("f", "pearson_r", 1.0, "s", "s"),
    ]
    found = check(told, [rows])
    assert [one.differs for one in found] == [False, False, False]
    assert [one.reason for one in found] == [
        "no statistic of this name is known", "the rows have no such column", "fewer than 3 pairs",
    ]  # fmt: skip


# -- the whole --------------------------------------------------------------------------------------------------------


def test_the_same_study_and_seed_give_the_same_analysis() -> None:
    made = study(*noisy(40), [str(number % 12) for number in range(40)])
    options = Options(group_by="g", resamples=500)
    one, other = analyse(made, options), analyse(made, options)
    assert one.cells[0].coefficients == other.cells[0].coefficients
    assert one.cells[0].coefficients != analyse(made, Options("g", resamples=500, seed=1)).cells[0].coefficients


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1], [1]),
        ([1, 2], [2, 1]),
        ([1, 2, 3], [5, 5, 5]),
        ([4, 4, 4, 4], [1, 2, 3, 4]),
        ([math.nan] * 5, [1, 2, 3, 4, 5]),
        ([math.inf, 1, 2, 3], [1, None, 2, 3]),
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 1, 2, 2], [1, 1, 2, 2]),
        ([0, 0, 0, 1], [1, 1, 1, 2]),
    ],
)
@pytest.mark.parametrize("groups", [(), ("a",) * 5])
def test_degenerate_input_is_told_and_breaks_nothing(
    x: list[float | None], y: list[float | None], groups: tuple[str, ...]
) -> None:
    from aim_tui.core.agreement.report_json import document
    from aim_tui.core.agreement.report_tables import sections
    from aim_tui.core.scoring.records import to_json

    found = analyse(study(x, y, groups), Options("g" if groups else "", resamples=200))
    (cell,) = found.cells
    assert cell.pairs.n + len(cell.pairs.dropped) == len(x)
    for one in cell.coefficients.values():
        assert (one.value is None) == bool(one.reason)
        assert one.value is None or math.isfinite(one.value)
    assert cell.sentences
    said = "\n".join(str(section) for section in sections(found))
    assert "nan" not in said and "inf " not in said
    to_json(document(found))  # refuses NaN


def test_over_few_groups_the_wider_interval_holds_and_it_is_said() -> None:
    x, y = noisy(10)
    # Four copies of ten pairs. As four groups of ten they are drawn over and over with one result; as ten groups of
    # four they are what they are.
    copies, tens = [str(number // 10) for number in range(40)], [str(number % 10) for number in range(40)]
    for groups, over_groups in ((copies, False), (tens, True)):
        made = analyse(study(np.tile(x, 4), np.tile(y, 4), groups), Options("g", resamples=500)).cells[0]
        found = made.coefficients[CoefficientKind.SPEARMAN]
        assert found.best_interval is (found.bootstrap if over_groups else found.interval)
        assert any("only 4 groups" in warning for warning in made.warnings) == (not over_groups)


def test_pairs_without_a_group_are_one_group_and_that_is_said() -> None:
    cell = analyse(study(*noisy(30), ["a"] * 10 + ["b"] * 10 + [""] * 10), Options("g", resamples=0)).cells[0]
    assert "10 pairs without a group count as one group" in cell.warnings
    assert cell.levels is not None and cell.levels.within.used == 3


def test_a_metric_is_not_held_against_itself() -> None:
    metrics = (column("clip", [1, 2, 3]), column("lpips", [3, 1, 2]))
    both = replace(study([], []), metrics=metrics, judgements=(StudyJudgement("clip", metrics[:1]),))
    assert [cell.metric.name for cell in analyse(both).cells] == ["lpips"]


def test_values_outside_the_declared_scale_are_warned_of() -> None:
    rating = StudyJudgement("rating", (column("rating", [1, 9, 3], scale=Scale(1, 5)),))
    made = replace(study([1, 2, 3], []), judgements=(rating,))
    assert "1 values of rating lie outside its scale of 1 to 5" in analyse(made).cells[0].warnings


def test_a_coarse_rating_has_tau_c_besides() -> None:
    x, y = noisy(40)
    found = analyse(study(x, y), Options(resamples=0)).cells[0].coefficients
    assert found[CoefficientKind.KENDALL_C].value == pytest.approx(stats.kendalltau(x, y, variant="c")[0], abs=EXACT)
    assert CoefficientKind.KENDALL_C not in analyse(study(x, x + y), Options(resamples=0)).cells[0].coefficients


def test_what_is_missing_is_no_failure() -> None:
    assert measured(None) == Missing("no value")
