"""Agreement over all pairs, within groups and between groups, which may differ in sign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement.coefficients import RESAMPLED, CoefficientKind, coefficient, undefined
from aim_tui.core.agreement.rank_kernels import dense
from aim_tui.core.exact import group_means

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """Coefficients of one level; `reasons` says why a value is None."""

    name: str
    values: Mapping[CoefficientKind, float | None]
    used: int
    """The number of pairs or groups used."""
    unit: str
    dropped: int
    reasons: Mapping[str, int]
    """Why groups were left out, or why there is no value, with counts."""


@dataclass(frozen=True, slots=True)
class Levels:
    """All pairs; the mean over groups of the coefficient within each; and the coefficient of the groups' means."""

    by: str
    everything: Level
    within: Level
    system: Level
    warning: str
    """Set if signs differ between levels (Simpson's paradox), else ''."""

    @property
    def all(self) -> tuple[Level, Level, Level]:
        """The three levels, the widest first."""
        return self.everything, self.within, self.system


def levels(x: Floats, y: Floats, groups: Sequence[str], by: str) -> Levels:
    """The three levels of x and y (n,) in these groups; within groups, each group counts once."""
    three = (_everything(x, y), _within(x, y, groups), _system(x, y, groups))
    return Levels(by, *three, warning=_warning(three))


def _everything(x: Floats, y: Floats) -> Level:
    reason = undefined(x, y)
    values = {kind: coefficient(kind, x, y, reason).value for kind in RESAMPLED}
    return Level("global", values, len(x), "pairs", 0, {reason: 1} if reason else {})


def _within(x: Floats, y: Floats, groups: Sequence[str]) -> Level:
    reasons: Counter[str] = Counter()
    coefficients: list[list[float]] = []
    for members in _members(groups):
        reason = undefined(x[members], y[members])
        if reason:
            reasons["a constant side" if reason.startswith("undefined") else reason] += 1
            continue
        within = (coefficient(kind, x[members], y[members]).value for kind in RESAMPLED)
        coefficients.append([value for value in within if value is not None])
    means = np.mean(coefficients, axis=0) if coefficients else [None] * len(RESAMPLED)
    values = {kind: None if mean is None else float(mean) for kind, mean in zip(RESAMPLED, means, strict=True)}
    return Level("within groups", values, len(coefficients), "groups", sum(reasons.values()), dict(reasons))


def _system(x: Floats, y: Floats, groups: Sequence[str]) -> Level:
    places = dense(np.array(groups, dtype=object).astype(str)) if len(x) else np.zeros(0, dtype=np.int64)
    counts = np.bincount(places)
    mean_x, mean_y = (group_means(side, places) for side in (x, y))
    reason = undefined(mean_x, mean_y).replace("pairs", "groups")
    values = {kind: coefficient(kind, mean_x, mean_y, reason).value for kind in RESAMPLED}
    return Level("system (means of groups)", values, len(counts), "groups", 0, {reason: 1} if reason else {})


def _members(groups: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    members: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    return [np.array(members) for members in members.values()]


def _warning(all_levels: Sequence[Level]) -> str:
    for kind in RESAMPLED:
        values = {level.name: value for level in all_levels if (value := level.values[kind])}
        if len({value > 0 for value in values.values()}) > 1:
            listed = ", ".join(f"{name} {value:+.2f}" for name, value in values.items())
            return (
                f"signs differ between levels, {kind.label}: {listed}: pooling the groups misleads (Simpson's paradox)"
            )
    return ""
