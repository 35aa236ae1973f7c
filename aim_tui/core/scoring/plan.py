"""From raw values to the final score: pure functions of outcomes, weights and rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import RuleSet
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import Missing, Outcome, Present


class Status(StrEnum):
    """How far a row is scored."""

    PENDING = "pending"
    """Values of enabled metrics are still to come."""
    OK = "ok"
    """Every enabled metric has a value."""
    PARTIAL = "partial"
    """An enabled metric failed or has no value; others have one."""
    FAILED = "failed"
    """Nothing could be computed."""


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """The enabled metrics, their weights, and the rules that normalise them.

    `weights` has a number for every enabled metric; they are divided by their total. A metric other than AIM's without
    a rule or weight is a raw column and not part of the final score. Raises ValueError for no metric, a negative or
    non-finite weight, a weight without a rule, or weights that sum to zero.
    """

    metrics: tuple[str, ...]
    weights: Mapping[str, float]
    rules: RuleSet
    shares: Mapping[str, float] = field(init=False, repr=False, compare=False)
    """The share of each metric of the final score; they sum to 1, or there is none."""
    raw_alone: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The enabled metrics that are raw columns, not part of the final score."""

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("no metric is enabled")
        for metric in self.metrics:
            get_metric(metric)
            if metric not in self.rules.rules and (metric in METRICS or self.weights.get(metric)):
                raise ValueError(f"the rules {self.rules.name!r} have none for {metric!r}")
            if metric not in self.weights:
                raise ValueError(f"no weight for {metric!r}")
            weight = self.weights[metric]
            if not math.isfinite(weight) or weight < 0:
                raise ValueError(f"the weight of {metric!r} is {weight:g}; weights are zero or more")
        ruled = [
            metric
            for metric in self.metrics
            if metric in self.rules.rules and (metric in METRICS or self.weights[metric] > 0)
        ]
        total = sum(self.weights[metric] for metric in ruled)
        if total <= 0 and ruled:
            raise ValueError(f"the weights of {', '.join(ruled)} sum to zero; at least one must be above zero")
        # Divided here and not for each row: the user waits while a hundred thousand rows are scored again.
        object.__setattr__(self, "shares", {metric: self.weights[metric] / total for metric in ruled})
        object.__setattr__(self, "raw_alone", tuple(metric for metric in self.metrics if metric not in ruled))

    def formula(self) -> str:
        """The final score in words, with the weights in use."""
        if not self.shares:
            return (
                f"no final score: {', '.join(self.metrics)} {'are' if len(self.metrics) > 1 else 'is'} not part of one"
            )
        terms = " + ".join(f"{share:.4g}*{get_metric(metric).norm_field}" for metric, share in self.shares.items())
        return f"final_score = 100 * ({terms})"


def raw_plan(metrics: Iterable[str]) -> ScoringPlan:
    """A plan without a final score: only raw values, as for edits."""
    metrics = tuple(metrics)
    return ScoringPlan(metrics, dict.fromkeys(metrics, 0.0), RuleSet("none", {}))


@dataclass(frozen=True, slots=True)
class Scores:
    """Normalised values (0..1) of the enabled metrics, and the final score (0..100)."""

    norms: Mapping[str, Outcome]
    """Of raw columns only the missing and failed outcomes, with the reason."""
    final: Outcome | None
    """None while a value is still to come."""
    status: Status


def score(outcomes: Mapping[str, Outcome], plan: ScoringPlan) -> Scores:
    """Normalise the raw outcomes of one image and combine them by the plan.

    A metric without a value makes the final score missing, with the reason.
    """
    norms: dict[str, Outcome] = {}
    total = 0.0
    broken: list[str] = []
    for metric, share in plan.shares.items():
        raw = outcomes.get(metric)
        if isinstance(raw, Present):
            norm = plan.rules.rules[metric].normalise(raw.value)
            norms[metric] = Present(norm)
            total += share * norm
        elif raw is not None:
            norms[metric] = raw
            broken.append(f"{metric}: {raw.reason}")
    pending = len(norms) < len(plan.shares)
    final = _final(total, broken, pending) if plan.shares else _NO_FINAL
    present, failed = len(norms) - len(broken), len(broken)
    for metric in plan.raw_alone:
        raw = outcomes.get(metric)
        if raw is None:
            pending = True
        elif isinstance(raw, Present):
            present += 1
        else:
            norms[metric] = raw
            failed += 1
    return Scores(norms, final, _status(present, failed, pending))


def _final(total: float, broken: list[str], pending: bool) -> Outcome | None:
    if broken:
        return Missing("; ".join(broken))
    return None if pending else Present(100.0 * total)


_NO_FINAL = Missing("no enabled metric is part of the final score")


def _status(present: int, broken: int, pending: bool) -> Status:
    if pending:
        return Status.PENDING
    if not broken:
        return Status.OK
    return Status.PARTIAL if present else Status.FAILED
