"""Duels: how often a metric predicts the winner, and the strength of each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement.discrimination import Wins, win_rate
from aim_tui.core.agreement.pairs import collapse
from aim_tui.core.agreement.study import Contest, StudyColumn
from aim_tui.core.exact import levelled
from aim_tui.core.outcomes import value_of

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

_ROUNDS = 10_000
_SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class DuelAgreement:
    """How often a metric prefers the image that the rater preferred; equal values are half a win."""

    metric: str
    contests: int
    undecided: int
    """Duels that ended in a tie, which are not counted."""
    not_scored: int
    """Duels with an image that has no value."""
    wins: Wins | None


def duel_agreement(metric: StudyColumn, contests: Sequence[Contest]) -> DuelAgreement:
    """How well a metric predicts the winners of duels."""
    side, sign = collapse(metric)[0], 1.0 if metric.higher_is_better else -1.0
    values = {name: sign * value for name in side if (value := value_of(side[name])) is not None}
    decided = [contest for contest in contests if contest.outcome]
    scored = [one for one in decided if one.first in values and one.second in values]
    gaps = [one.outcome * (values[one.first] - values[one.second]) for one in scored]
    return DuelAgreement(
        metric.name, len(contests), len(contests) - len(decided), len(decided) - len(scored), win_rate(gaps)
    )


def strengths(contests: Sequence[Contest]) -> dict[str, float]:
    """The strength of each image: log-odds of winning against an average one (Bradley and Terry 1952).

    A tie is half a win for each. Each image also plays one tie against an image of strength 0, so that one that
    always wins has a finite strength, and images that never met can be compared. By Hunter's minorisation (2004), until
    no strength changes.
    """
    names = list(dict.fromkeys(name for one in contests for name in (one.first, one.second)))
    if not names:
        return {}
    number = {name: place for place, name in enumerate(names)}
    first = np.array([number[one.first] for one in contests])
    second = np.array([number[one.second] for one in contests])
    share = np.array([(one.outcome + 1) / 2 for one in contests])
    # The tie with the average image: half a win.
    won = 0.5 + np.bincount(first, share, len(names)) + np.bincount(second, 1 - share, len(names))
    odds: Floats = np.ones(len(names))
    for _ in range(_ROUNDS):
        met = 1 / (odds[first] + odds[second])
        chances = 1 / (odds + 1) + np.bincount(first, met, len(names)) + np.bincount(second, met, len(names))
        before, odds = odds, won / chances
        if np.abs(np.log(odds / before)).max() < _SETTLED:
            break
    # Equal records give equal strengths, which iteration reaches within its tolerance only.
    logits = levelled(np.log(odds))
    return {name: float(logits[place]) for name, place in number.items()}
