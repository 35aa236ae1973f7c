"""Matched pairs of a right and a wrong instruction for the same edit, and which of the two a metric prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.outcomes import Outcome, Present
from aim_tui.core.scoring.results import Results


class Winner(StrEnum):
    """Which instruction of a pair a metric prefers."""

    RIGHT = "right"
    WRONG = "wrong"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class InstructionPair:
    """Two items that share images: one with the right instruction, one with a wrong one."""

    right: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How often the right instruction won, of the pairs with both values."""

    won: int
    tied: int
    of: int


def pairs_of(truths: Sequence[Mapping[str, Any]]) -> list[InstructionPair]:
    """Every wrong instruction with the right one of the same `original_id`, if there is one."""
    right: dict[str, int] = {}
    for item, truth in enumerate(truths):
        if truth.get("is_correct") is True and (original := truth.get("original_id")) is not None:
            right.setdefault(str(original), item)
    return [
        InstructionPair(right[str(truth["original_id"])], item)
        for item, truth in enumerate(truths)
        if truth.get("is_correct") is False and str(truth.get("original_id")) in right
    ]


def partner_of(item: int, pairs: Sequence[InstructionPair]) -> int | None:
    """The next instruction for the same edit; None where there is no other."""
    right = next((pair.right for pair in pairs if item in (pair.right, pair.wrong)), None)
    if right is None:
        return None
    family = [right, *(pair.wrong for pair in pairs if pair.right == right)]
    return family[(family.index(item) + 1) % len(family)]


def winner(spec: MetricSpec, right: Outcome | None, wrong: Outcome | None) -> Winner | None:
    """Which instruction a metric prefers; None if one of the two has no value."""
    if not isinstance(right, Present) or not isinstance(wrong, Present):
        return None
    if right.value == wrong.value:
        return Winner.TIE
    return Winner.RIGHT if (right.value > wrong.value) == spec.higher_is_better else Winner.WRONG


def tally(spec: MetricSpec, pairs: Sequence[InstructionPair], results: Results) -> Tally:
    """How often a metric prefers the right instruction, over all pairs."""
    rows = results.rows
    winners = [winner(spec, *(rows[item].outcome(spec.id) for item in (pair.right, pair.wrong))) for pair in pairs]
    return Tally(winners.count(Winner.RIGHT), winners.count(Winner.TIE), len(winners) - winners.count(None))
