"""Pairs of a metric's value and a judgement, joined by id; samples left out are listed with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement.study import StudyColumn, StudyJudgement, measured
from aim_tui.core.exact import exact_mean, without_rounding
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present, value_of

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]


#: How many different reasons are listed.
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sample without a pair, and why."""

    id: str
    side: str
    """The column at fault."""
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Values of both sides by sample id, oriented so that higher is better.

    `x` and `y` are float64 (n,), finite. `negated_x` and `negated_y` say which of them were negated for that.
    """

    x_name: str
    y_name: str
    ids: tuple[str, ...]
    x: Floats
    y: Floats
    negated_x: bool
    negated_y: bool
    dropped: tuple[Dropped, ...]
    repeated: tuple[str, ...] = ()
    """Ids that a side repeats with the same value: counted once."""
    rounded: tuple[int, int] = (0, 0)
    """How many values of each side differed from another one by rounding only, and count as equal to it."""

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.ids)

    @property
    def listed(self) -> int:
        """The number of samples on either side."""
        return self.n + len(self.dropped)

    def reasons(self) -> dict[str, int]:
        """The number of dropped samples by reason, the most frequent first."""
        counted = Counter(f"{drop.side}: {drop.reason}" for drop in self.dropped)
        return dict(counted.most_common())

    def describe(self) -> str:
        """How many are used, and why others are not, in words."""
        counts = self.reasons()
        shown = [f"{count} {reason}" for reason, count in list(counts.items())[:_SHOWN]]
        if more := sum(list(counts.values())[_SHOWN:]):
            shown.append(f"{more} for other reasons")
        reasons = "; ".join(shown)
        return f"{self.n} of {self.listed} used{f' ({reasons})' if reasons else ''}"


def join(metric: StudyColumn, judgement: StudyJudgement, only: str | None = None) -> Pairs:
    """The pairs of a metric and a judgement, in the order of the metric; several raters are averaged.

    With `only`, just the rater of that name. A rater without a value for a sample is left out of its mean; a value that
    is infinite or not a number drops the sample, since its mean would be undefined.
    """
    raters = [column for column in judgement.raters if only is None or column.name == only]
    xs, again_x = collapse(metric)
    sides = [collapse(column) for column in raters]
    ys = _without_rounding(_mean([side for side, _ in sides]))
    repeated = dict.fromkeys([*again_x, *(name for _, again in sides for name in again)])
    rounded = (
        _changed(metric, xs),
        sum(_changed(column, side) for column, (side, _) in zip(raters, sides, strict=True)),
    )
    return pair(
        metric.name,
        judgement.name if only is None else f"{judgement.name} ({only})",
        xs,
        ys,
        negate_x=not metric.higher_is_better,
        negate_y=not judgement.higher_is_better,
        repeated=tuple(repeated),
        rounded=rounded,
    )


def pair(
    x_name: str,
    y_name: str,
    xs: Mapping[str, Outcome],
    ys: Mapping[str, Outcome],
    *,
    negate_x: bool = False,
    negate_y: bool = False,
    repeated: tuple[str, ...] = (),
    rounded: tuple[int, int] = (0, 0),
) -> Pairs:
    """Pairs of two sides without repeated samples; see `join`."""
    ids, x, y, dropped = [], [], [], []
    for name in dict.fromkeys([*xs, *ys]):
        one, other = xs.get(name), ys.get(name)
        if isinstance(one, Present) and isinstance(other, Present):
            ids.append(name)
            x.append(one.value)
            y.append(other.value)
        else:
            dropped.append(_why_dropped(name, (x_name, one), (y_name, other)))
    return Pairs(
        x_name=x_name,
        y_name=y_name,
        ids=tuple(ids),
        x=_oriented(x, negate_x),
        y=_oriented(y, negate_y),
        negated_x=negate_x,
        negated_y=negate_y,
        dropped=tuple(dropped),
        repeated=repeated,
        rounded=rounded,
    )


def collapse(column: StudyColumn) -> tuple[dict[str, Outcome], tuple[str, ...]]:
    """A column's outcome for each id, and the ids that it repeats with the same value.

    Values that differ by rounding only are equal. An id with different values is ambiguous, and so has failed.
    """
    outcomes: dict[str, Outcome] = {}
    counts: Counter[str] = Counter()
    different: set[str] = set()
    # Values of a run may be too large to be squared.
    measurements = [
        measured(entry.outcome.value) if isinstance(entry.outcome, Present) else entry.outcome
        for entry in column.entries
    ]
    for entry, outcome in zip(column.entries, _level(measurements), strict=True):
        counts[entry.id] += 1
        if entry.id not in outcomes:
            outcomes[entry.id] = outcome
        elif outcomes[entry.id] != outcome:
            different.add(entry.id)
    for name in different:
        outcomes[name] = Failed(f"given {counts[name]} times with different values")
    return outcomes, tuple(name for name, count in counts.items() if count > 1 and name not in different)


def _level(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with values that differ by rounding only made equal."""
    places = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Present)]
    values = np.array([value_of(outcomes[place]) for place in places], dtype=np.float64)
    levelled = list(outcomes)
    for place, value in zip(places, without_rounding(values).tolist(), strict=True):
        levelled[place] = Present(value)
    return levelled


def _without_rounding(side: Mapping[str, Outcome]) -> dict[str, Outcome]:
    return dict(zip(side, _level(list(side.values())), strict=True))


def _changed(column: StudyColumn, side: Mapping[str, Outcome]) -> int:
    """How many values of a column count as another one."""
    values = ((value_of(entry.outcome), value_of(side[entry.id])) for entry in column.entries)
    return sum(old is not None and new is not None and old != new for old, new in values)


def _mean(sides: Sequence[Mapping[str, Outcome]]) -> dict[str, Outcome]:
    if len(sides) == 1:
        return dict(sides[0])
    means: dict[str, Outcome] = {}
    for name in dict.fromkeys(name for side in sides for name in side):
        values = [side[name] for side in sides if name in side]
        failed = next((outcome for outcome in values if isinstance(outcome, Failed)), None)
        numbers = [outcome.value for outcome in values if isinstance(outcome, Present)]
        if failed is not None:
            means[name] = failed
        else:
            means[name] = Present(exact_mean(numbers)) if numbers else values[0]
    return means


def _why_dropped(name: str, one: tuple[str, Outcome | None], other: tuple[str, Outcome | None]) -> Dropped:
    for side, outcome in (one, other):
        if outcome is None:
            return Dropped(name, side, "has no such id")
        if isinstance(outcome, (Failed, Missing)):
            return Dropped(name, side, outcome.reason)
    raise AssertionError("both sides are present")


def _oriented(values: list[float], negate: bool) -> Floats:
    array = np.array(values, dtype=np.float64)
    # 0.0 - x instead of -x: no value becomes -0.0, which would be shown with a sign.
    return 0.0 - array if negate else array
