"""Duels become a ranking: a known order comes back, with fewer duels than by lot, and agrees with another solver."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy.optimize import minimize

from aim_tui.core.ratings.bradley_terry import PRIOR, Bout, choose_pair, rank


def fight(strengths: list[float], a: int, b: int, chance: random.Random) -> Bout:
    p = 1 / (1 + math.exp(strengths[b] - strengths[a]))
    return Bout(a, b, 1.0 if chance.random() < p else 0.0)


def pairs_in_order(strengths: list[float], mean: np.ndarray) -> float:
    n = len(strengths)
    right = [(strengths[a] > strengths[b]) == (mean[a] > mean[b]) for a in range(n) for b in range(a)]
    return sum(right) / len(right)


def play(seed: int, duels: int, *, adaptive: bool) -> tuple[list[float], list[Bout]]:
    chance = random.Random(seed)
    strengths = [1.5 * number for number in range(10)]
    chance.shuffle(strengths)
    bouts: list[Bout] = []
    for _ in range(duels):
        a, b = choose_pair(rank(10, bouts), chance) if adaptive else chance.sample(range(10), 2)
        bouts.append(fight(strengths, a, b, chance))
    return strengths, bouts


def test_the_order_comes_back_with_fewer_duels_than_by_lot() -> None:
    def agreement(duels: int, *, adaptive: bool) -> float:
        played = [play(seed, duels, adaptive=adaptive) for seed in range(6)]
        return sum(pairs_in_order(strengths, rank(10, bouts).mean) for strengths, bouts in played) / len(played)

    chosen, lots = agreement(30, adaptive=True), {duels: agreement(duels, adaptive=False) for duels in (30, 45, 60)}
    print(f"pairs in the right order after 30 chosen duels {chosen:.3f}; by lot after {lots}")
    assert chosen >= 0.93
    assert chosen > lots[30]
    assert chosen >= lots[45]


def test_the_strengths_are_those_of_an_independent_solver() -> None:
    _, bouts = play(3, 40, adaptive=False)
    bouts += [Bout(0, 1, 0.5), Bout(4, 7, 0.5), Bout(2, 9, 0.5)]

    def minus_log_posterior(strengths: np.ndarray) -> float:
        said = sum(
            score * np.logaddexp(0, strengths[b] - strengths[a])
            + (1 - score) * np.logaddexp(0, strengths[a] - strengths[b])
            for a, b, score in bouts
        )
        return float(said + PRIOR / 2 * strengths @ strengths)

    independent = minimize(minus_log_posterior, np.zeros(10), method="BFGS", options={"gtol": 1e-8}).x
    assert rank(10, bouts).mean == pytest.approx(independent - independent.mean(), abs=1e-3)


def test_intervals_shrink_with_more_duels() -> None:
    _, bouts = play(1, 80, adaptive=False)
    widths = []
    for count in (0, 20, 80):
        ranking = rank(10, bouts[:count])
        widths.append(np.mean([high - low for low, high in map(ranking.interval, range(10))]))
    assert widths[0] > widths[1] > widths[2]


def test_a_tie_pulls_together_and_is_not_a_win() -> None:
    tied = rank(2, [Bout(0, 1, 0.5)])
    assert tied.mean == pytest.approx([0, 0], abs=1e-6)
    assert tied.interval(0)[1] < rank(2, []).interval(0)[1]
    assert not tied.differ(0, 1)


def test_neighbours_are_distinguished_only_after_enough_duels() -> None:
    assert rank(2, [Bout(0, 1, 1.0)]).settled() == 0
    assert rank(2, [Bout(0, 1, 1.0)] * 12).settled() == 1
    assert rank(2, [Bout(0, 1, 1.0)] * 12).order == [0, 1]


def test_pairs_that_are_busy_or_were_skipped_come_last() -> None:
    ranking, chance = rank(4, []), random.Random(0)
    assert set(choose_pair(ranking, chance, busy=(0, 1))) == {2, 3}
    others = {(a, b) for a in range(4) for b in range(a + 1, 4)} - {(1, 3)}
    assert set(choose_pair(ranking, chance, skipped=others)) == {1, 3}
    assert set(choose_pair(rank(2, []), chance, busy=(0, 1), skipped={(0, 1)})) == {0, 1}


def test_sides_are_drawn_by_lot_and_a_seed_repeats_them() -> None:
    def sides(seed: int) -> list[tuple[int, int]]:
        chance = random.Random(seed)
        return [choose_pair(rank(2, []), chance) for _ in range(20)]

    assert set(sides(5)) == {(0, 1), (1, 0)}
    assert sides(5) == sides(5)
