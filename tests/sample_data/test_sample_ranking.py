"""By AIM's rule, with plain library calls, the right pictures rank on top."""

from __future__ import annotations

import pytest

from sample_data import ranking


@pytest.fixture(scope="module")
def rows() -> list[ranking.SampleRow]:
    return ranking.score_all()


def test_final_score_follows_the_true_agreement(rows: list[ranking.SampleRow]) -> None:
    assert ranking.agreement_correlation(rows) >= 0.8


def test_every_perfect_picture_beats_every_clearly_wrong_one(rows: list[ranking.SampleRow]) -> None:
    worst_right = min(row.final_score for row in rows if row.agreement == 1.0)
    assert worst_right > max(row.final_score for row in rows if row.agreement <= 0.5)


def test_distances_reach_every_branch_of_the_lpips_rule(rows: list[ranking.SampleRow]) -> None:
    bounds = (-0.001, 0.6, 0.75, 0.95, float("inf"))
    for low, high in zip(bounds, bounds[1:], strict=False):
        assert any(low < row.lpips_score <= high for row in rows), (low, high)


def test_the_reference_is_at_distance_zero_from_itself(rows: list[ranking.SampleRow]) -> None:
    assert min(row.lpips_score for row in rows) == 0.0


@pytest.mark.parametrize(
    ("distance", "expected"),
    [(0.0, 1.0), (0.6, 1.0), (0.61, 0.9), (0.75, 0.9), (0.85, 0.495), (0.95, 0.1), (0.96, 0.0)],
)
def test_the_lpips_rule_is_aims(distance: float, expected: float) -> None:
    assert ranking.lpips_norm(distance) == pytest.approx(expected)
