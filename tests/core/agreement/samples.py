"""Columns and studies small enough to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aim_tui.core.agreement.pairs import Pairs, join
from aim_tui.core.agreement.study import Sample, Study, StudyColumn, StudyEntry, StudyJudgement, measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def column(name: str, values: Iterable[float | None], ids: Sequence[str] | None = None, **said: Any) -> StudyColumn:
    """Values of samples 0, 1, 2 ... or of these ids."""
    listed = list(values)
    names = ids or [str(number) for number in range(len(listed))]
    return StudyColumn(
        name, tuple(StudyEntry(one, measured(value)) for one, value in zip(names, listed, strict=True)), **said
    )


def judgement(values: Iterable[float | None], name: str = "rating", **said: Any) -> StudyJudgement:
    return StudyJudgement(name, (column(name, values, **said),))


def pairs(x: Iterable[float | None], y: Iterable[float | None], **said: Any) -> Pairs:
    """Pairs of a metric 'm' and a rating 'rating'."""
    return join(column("m", x, **said), judgement(y))


def study(x: Iterable[float | None], y: Iterable[float | None], groups: Sequence[str] = ()) -> Study:
    samples = {str(number): Sample(str(number), labels={"g": group}) for number, group in enumerate(groups)}
    return Study((column("m", x),), (judgement(y),), samples)


def noisy(n: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A metric of many digits, and ratings from 1 to 5 that go with it."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n)
    return x, np.clip(np.round(3 + x + noise * generator.normal(size=n)), 1, 5)
