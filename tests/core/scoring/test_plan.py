"""The rules of AIM, and what happens to values that are not there."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import Piece, Rule
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.plan import ScoringPlan, Status, score
from aim_tui.settings.settings import load_settings

AIM = load_settings().profile("aim")
WEIGHTS = {"clip": 0.2, "blip2": 0.5, "lpips": 0.3}


# AIM's rules as published, in its own notation: the reference that our data must equal.
def aim_clip(clip_score: float) -> float:
    return 1 if clip_score >= 0.4 else min(max((clip_score + 1) / 1.4, 0), 1)


def aim_blip2(blip2_similarity: float) -> float:
    return 1 if blip2_similarity >= 0.7 else max(0, blip2_similarity / 0.7)


def aim_lpips(lpips_score: float) -> float:
    if lpips_score <= 0.6:
        return 1
    if lpips_score <= 0.75:
        return 0.9
    if lpips_score <= 0.95:
        return 0.89 - (lpips_score - 0.75) / 0.2 * (0.89 - 0.1)
    return 0


PUBLISHED = {"clip": aim_clip, "blip2": aim_blip2, "lpips": aim_lpips}


def plan(*metrics: str, **weights: float) -> ScoringPlan:
    return ScoringPlan(metrics or tuple(METRICS), WEIGHTS | weights, AIM.rules)


@pytest.mark.parametrize("metric", PUBLISHED)
@given(raw=st.floats(-2, 2))
def test_each_rule_equals_the_published_one(metric: str, raw: float) -> None:
    assert AIM.rules.rules[metric].normalise(raw) == pytest.approx(PUBLISHED[metric](raw), abs=1e-12)


@pytest.mark.parametrize("metric", PUBLISHED)
@pytest.mark.parametrize("raw", [-1.0, 0.0, 0.4, 0.6, 0.7, 0.75, 0.95])
@pytest.mark.parametrize("side", [-math.inf, 0.0, math.inf])
def test_each_rule_is_exact_at_and_beside_its_break_points(metric: str, raw: float, side: float) -> None:
    raw = math.nextafter(raw, side) if side else raw
    assert AIM.rules.rules[metric].normalise(raw) == pytest.approx(PUBLISHED[metric](raw), abs=1e-12)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1.5))
def test_the_final_score_is_the_published_sum(clip: float, blip2: float, lpips: float) -> None:
    scores = score({"clip": Present(clip), "blip2": Present(blip2), "lpips": Present(lpips)}, plan())
    expected = 100 * (0.2 * aim_clip(clip) + 0.3 * aim_lpips(lpips) + 0.5 * aim_blip2(blip2))
    assert isinstance(scores.final, Present)
    assert scores.final.value == pytest.approx(expected, abs=1e-9)
    assert scores.status is Status.OK


def test_a_metric_switched_off_leaves_the_sum_and_the_rest_is_divided_by_its_total() -> None:
    scores = score({"clip": Present(0.4), "blip2": Present(0.35)}, plan("clip", "blip2"))
    assert isinstance(scores.final, Present)
    assert scores.final.value == pytest.approx(100 * (0.2 * 1 + 0.5 * 0.5) / 0.7)


def test_a_failed_metric_makes_the_final_score_missing_with_the_reason() -> None:
    scores = score({"clip": Present(0.4), "blip2": Failed("boom"), "lpips": Present(0.1)}, plan())
    assert scores.final == Missing("blip2: boom")
    assert scores.status is Status.PARTIAL
    assert scores.norms["clip"] == Present(1.0)


def test_an_empty_caption_is_missing_and_not_zero() -> None:
    scores = score({"clip": Present(0.4), "blip2": Missing("empty"), "lpips": Present(0.1)}, plan())
    assert scores.norms["blip2"] == Missing("empty")
    assert scores.final == Missing("blip2: empty")


def test_a_row_with_no_value_at_all_has_failed() -> None:
    assert score(dict.fromkeys(METRICS, Failed("broken")), plan()).status is Status.FAILED


def test_a_row_is_pending_until_every_value_is_known() -> None:
    scores = score({"clip": Present(0.4)}, plan())
    assert scores.status is Status.PENDING
    assert scores.final is None
    assert scores.norms["clip"] == Present(1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_present_value_is_always_a_number(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        Present(value)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"clip": 0.0, "blip2": 0.0, "lpips": 0.0}, "sum to zero"),
        ({"clip": -0.1}, "zero or more"),
        ({"lpips": math.nan}, "zero or more"),
        ({"lpips": math.inf}, "zero or more"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(**weights)


def test_the_formula_names_the_weights_in_use() -> None:
    assert plan("clip", "blip2").formula() == "final_score = 100 * (0.2857*clip_norm + 0.7143*blip2_norm)"


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((), "at least one"),
        ((Piece(1.0, 0.0, 0.0),), "reach inf"),
        ((Piece(0.5, 0.0, 0.0), Piece(0.5, 0.0, 1.0), Piece(math.inf, 1.0, 1.0)), "ascend"),
        ((Piece(0.5, 0.0, 1.0), Piece(math.inf, 1.0, 1.0)), "constant"),
        ((Piece(math.inf, 2.0, 2.0),), "lie in 0..1"),
        ((Piece(math.nan, 0.0, 0.0), Piece(math.inf, 1.0, 1.0)), "ascend"),
    ],
)
def test_a_rule_that_does_not_cover_every_value_once_is_refused(pieces: tuple[Piece, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rule(pieces)


def test_the_branch_of_a_rule_is_described_in_words() -> None:
    rule = AIM.rules.rules["lpips"]
    assert rule.branch(0.7).describe("lpips") == "0.6 < lpips <= 0.75: 0.9"
    assert rule.branch(0.8).describe("lpips") == "0.75 < lpips <= 0.95: a line from 0.89 to 0.1"
    assert rule.describe("x").startswith("x <= 0.6: 1; 0.6 < x <= 0.75: 0.9;")
