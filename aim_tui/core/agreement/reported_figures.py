"""Check the summary figures in a file against its rows: a summary is never trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aim_tui.core.agreement.coefficients import CoefficientKind, coefficient, undefined
from aim_tui.core.agreement.error_measures import ErrorMapping, error_measures
from aim_tui.core.agreement.pairs import pair
from aim_tui.core.agreement.study import CheckedFigure, StatedFigure, StudyColumn
from aim_tui.core.outcomes import Outcome, Present


def check(stated: Sequence[StatedFigure], columns: Sequence[StudyColumn]) -> tuple[CheckedFigure, ...]:
    """Recompute each figure from the rows of its own file; the names are those of AIM's EditCLIP files."""
    by_name = {(column.origin, column.name): column for column in columns}
    return tuple(_check(one, by_name) for one in stated)


def _check(one: StatedFigure, columns: dict[tuple[str, str], StudyColumn]) -> CheckedFigure:
    column, against = columns.get((one.origin, one.column)), columns.get((one.origin, one.against))
    if column is None or (one.against and against is None):
        return CheckedFigure(one.origin, one.name, one.value, None, "the rows have no such column")
    if against is not None:
        value, reason = _of_two(one.name, column, against, one.mapping)
    else:
        value, reason = _of_one(one.name, column)
    return CheckedFigure(one.origin, one.name, one.value, value, reason)


_OF_ONE: dict[str, Callable[[list[float]], float]] = {
    "mean": lambda values: float(np.mean(values)),
    "std": lambda values: float(np.std(values)),  # ddof 0, as the EditCLIP files have it
    "min": min,
    "max": max,
    "median": lambda values: float(np.median(values)),
}


def _of_one(name: str, column: StudyColumn) -> tuple[float | None, str]:
    if name.removeprefix("n_").removeprefix("num_") in ("samples", "results", "count", "n"):
        return float(len(column.entries)), ""
    words = name.split("_")
    measure = next((word for word in (words[0], words[-1]) if word in _OF_ONE), None)
    values = [entry.outcome.value for entry in column.entries if isinstance(entry.outcome, Present)]
    if measure is None:
        return None, "no statistic of this name is known"
    return (_OF_ONE[measure](values), "") if values else (None, "no row has a value")


def _of_two(name: str, column: StudyColumn, against: StudyColumn, mapping: str) -> tuple[float | None, str]:
    xs, ys = _by_id(column), _by_id(against)
    turned = (not column.higher_is_better, not against.higher_is_better)
    pairs = pair(column.name, against.name, xs, ys, negate_x=turned[0], negate_y=turned[1])
    if name == "n_samples":
        return float(pairs.n), ""
    reason = undefined(pairs.x, pairs.y)
    if reason:
        return None, reason
    match name:
        case "pearson_r" | "pearson_p":
            kind = CoefficientKind.PEARSON
        case "spearman_r" | "spearman_p":
            kind = CoefficientKind.SPEARMAN
        case "mae" | "rmse":
            errors = error_measures(pairs, ErrorMapping(mapping), column.scale, against.scale)
            return (errors.mae if name == "mae" else errors.rmse), errors.reason
        case _:
            return None, "no statistic of this name is known"
    found = coefficient(kind, pairs.x, pairs.y)
    return (found.value if name.endswith("_r") else found.p), ""


def _by_id(column: StudyColumn) -> dict[str, Outcome]:
    return {entry.id: entry.outcome for entry in column.entries}
