"""Agreement among raters, which is the ceiling for any metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement.coefficients import CoefficientKind, undefined, value_only
from aim_tui.core.agreement.pairs import collapse
from aim_tui.core.agreement.study import StudyColumn, StudyJudgement
from aim_tui.core.exact import exact_mean
from aim_tui.core.outcomes import value_of

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]


class Measurement(StrEnum):
    """The level of measurement, for Krippendorff's alpha."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Each rater against the mean of the others, and each metric against the same means: Spearman, averaged."""

    human: float | None
    by_rater: Mapping[str, float | None]
    metrics: Mapping[str, float | None]
    """The metric in place of the left-out rater, on the same samples."""


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """How well the raters of one judgement agree."""

    judgement: str
    raters: tuple[str, ...]
    samples: int
    """Samples with at least two raters."""
    alpha: Mapping[Measurement, float | None]
    reason: str
    """Why there is no alpha, or ''."""
    ceiling: Ceiling


def rater_agreement(judgement: StudyJudgement, metrics: tuple[StudyColumn, ...] = ()) -> RaterAgreement | None:
    """Krippendorff's alpha and the human ceiling; None for a single rater."""
    if len(judgement.raters) < 2:
        return None
    ids, table = _table(judgement.raters)
    shared = int((np.isfinite(table).sum(axis=0) > 1).sum())
    alpha = {kind: krippendorff_alpha(table, kind) for kind in Measurement}
    reason = ""
    if not shared:
        reason = "no sample has two raters"
    elif alpha[Measurement.NOMINAL] is None:
        reason = "undefined: all ratings that can be compared are equal"
    sign = 1.0 if judgement.higher_is_better else -1.0
    return RaterAgreement(
        judgement=judgement.name,
        raters=tuple(column.name for column in judgement.raters),
        samples=shared,
        alpha=alpha,
        reason=reason,
        ceiling=_ceiling(judgement, ids, sign * table, metrics),
    )


def krippendorff_alpha(table: Floats, kind: Measurement) -> float | None:
    """Krippendorff's alpha of ratings (raters, samples) with NaN for missing ones; None if it is undefined.

    1 - D_o / D_e from the matrix of coincidences (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011).
    """
    table = table[:, np.isfinite(table).sum(axis=0) > 1]
    values, places = np.unique(table[np.isfinite(table)], return_inverse=True)
    if len(values) < 2:
        return None
    counts = np.zeros((table.shape[1], len(values)))
    np.add.at(counts, (np.nonzero(np.isfinite(table))[1], places), 1)
    weights = 1 / (counts.sum(axis=1) - 1)
    coincidences = (counts * weights[:, None]).T @ counts - np.diag(weights @ counts)
    totals = coincidences.sum(axis=1)
    squared = _squared_differences(values, totals, kind)
    expected = float(totals @ squared @ totals)
    return 1 - (float(totals.sum()) - 1) * float((coincidences * squared).sum()) / expected


def _squared_differences(values: Floats, totals: Floats, kind: Measurement) -> Floats:
    match kind:
        case Measurement.NOMINAL:
            return 1.0 - np.eye(len(values))
        case Measurement.INTERVAL:
            return np.asarray((values[:, None] - values[None, :]) ** 2)
        case Measurement.ORDINAL:
            # The number of ratings between two ranks, counting half of those at each end.
            middle = np.cumsum(totals) - totals / 2
            return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _table(columns: tuple[StudyColumn, ...]) -> tuple[tuple[str, ...], Floats]:
    """The rated samples and their ratings (raters, samples), NaN for missing ones."""
    sides = [collapse(column)[0] for column in columns]
    ids = tuple(dict.fromkeys(name for side in sides for name in side))
    table = np.full((len(sides), len(ids)), np.nan)
    for row, side in enumerate(sides):
        for number, name in enumerate(ids):
            value = value_of(side.get(name))
            if value is not None:
                table[row, number] = value
    return ids, table


def _ceiling(
    judgement: StudyJudgement, ids: tuple[str, ...], table: Floats, metrics: tuple[StudyColumn, ...]
) -> Ceiling:
    scores = {metric.name: _along(metric, ids) for metric in metrics}
    by_rater: dict[str, float | None] = {}
    by_metric: dict[str, list[float]] = {name: [] for name in scores}
    for row, column in enumerate(judgement.raters):
        others = np.delete(table, row, axis=0)
        means = _means(others)
        shared = np.isfinite(table[row]) & np.isfinite(means)
        by_rater[column.name] = _spearman(table[row][shared], means[shared])
        for name, score in scores.items():
            used = shared & np.isfinite(score)
            found = _spearman(score[used], means[used])
            if found is not None:
                by_metric[name].append(found)
    known = [value for value in by_rater.values() if value is not None]
    return Ceiling(
        human=float(np.mean(known)) if known else None,
        by_rater=by_rater,
        metrics={name: float(np.mean(found)) if found else None for name, found in by_metric.items()},
    )


def _means(table: Floats) -> Floats:
    """The exact mean of each sample (n,) of a table (raters, n), NaN where no rater has a value."""
    columns = ([value for value in column if value == value] for column in table.T.tolist())  # NaN differs from itself
    return np.array([exact_mean(values) if values else np.nan for values in columns])


def _along(metric: StudyColumn, ids: tuple[str, ...]) -> Floats:
    side = collapse(metric)[0]
    sign = 1.0 if metric.higher_is_better else -1.0
    values = (value_of(side.get(name)) for name in ids)
    return np.array([np.nan if value is None else sign * value for value in values])


def _spearman(x: Floats, y: Floats) -> float | None:
    return None if undefined(x, y) else value_only(CoefficientKind.SPEARMAN, x, y)
