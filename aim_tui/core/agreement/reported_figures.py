"""Check the summary figures in a file against its rows: a summary is never trusted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from aim_tui.core.agreement.coefficients import CoefficientKind, coefficient, undefined
from aim_tui.core.agreement.error_measures import ErrorMapping, error_measures
from aim_tui.core.agreement.pairs import collapse, pair
from aim_tui.core.agreement.scales import scale_of
from aim_tui.core.agreement.study import CheckedFigure, Sample, StatedFigure, StudyColumn
from aim_tui.core.outcomes import Outcome, Present, value_of

CORRECT, WRONG = "correct", "wrong"
_CLASSES = {"correct": CORRECT, "right": CORRECT, "wrong": WRONG, "incorrect": WRONG}
#: Right minus wrong.
_GAP = frozenset({"discrimination", "separation", "gap", "margin", "difference"})
_COUNTS = frozenset({"n", "num", "count", "samples", "results", "total"})


def reported_figure(origin: str, name: str, value: float, columns: Collection[str]) -> StatedFigure:
    """A figure of a summary, with the column and the rows that its name says it is of.

    `mean_score_wrong` is of the wrong rows, `mean_llm_score` of the column llm_score, `by_error_type.object.mean` of
    the rows with that type of error.
    """
    *outer, last = name.split(".")
    words = last.split("_")
    of = next((_CLASSES[word] for word in (*words, *outer) if word in _CLASSES), "")
    if not of and len(outer) > 1 and "type" in outer[0]:
        of = outer[-1]
    rest = "_".join(word for word in words if word not in _CLASSES)
    fitting = (column for column in columns if rest == column or rest.endswith(f"_{column}") or column in outer)
    return StatedFigure(origin, name, value, max(fitting, key=len, default=""), of=of)


def check(
    stated: Sequence[StatedFigure], columns: Sequence[StudyColumn], samples: Mapping[str, Sample] | None = None
) -> tuple[CheckedFigure, ...]:
    """Recompute each figure from the rows of its own file; the names are those of AIM's EditCLIP files.

    `samples` says which rows are right and which are wrong.
    """
    by_name = {(column.origin, column.name): column for column in columns}
    return tuple(_check(one, by_name, samples or {}) for one in stated)


def _check(
    one: StatedFigure, columns: Mapping[tuple[str, str], StudyColumn], samples: Mapping[str, Sample]
) -> CheckedFigure:
    column, against = columns.get((one.origin, one.column)), columns.get((one.origin, one.against))
    if column is None or (one.against and against is None):
        return CheckedFigure(one.origin, one.name, one.value, None, "the rows have no such column")
    if against is not None:
        value, reason = _of_two(one.name, column, against, one.mapping)
    else:
        value, reason = _of_one(one, column, samples)
    return CheckedFigure(one.origin, one.name, one.value, value, reason)


_OF_ONE: dict[str, Callable[[list[float]], float]] = {
    "mean": lambda values: float(np.mean(values)),
    "average": lambda values: float(np.mean(values)),
    "avg": lambda values: float(np.mean(values)),
    "std": lambda values: float(np.std(values)),  # ddof 0, as the EditCLIP files have it
    "min": min,
    "max": max,
    "median": lambda values: float(np.median(values)),
}


def _of_one(one: StatedFigure, column: StudyColumn, samples: Mapping[str, Sample]) -> tuple[float | None, str]:
    words = one.name.rpartition(".")[2].split("_")
    entries = [entry for entry in column.entries if _is_of(samples.get(entry.id), one.of)]
    if one.of and not entries:
        return None, f"no row is {one.of}"
    if not one.of and _GAP.intersection(words):
        return _gap(column, samples)
    measure = next((word for word in (words[0], *reversed(words)) if word in _OF_ONE), None)
    if measure is None and _COUNTS.intersection(words):
        return float(len(entries)), ""
    values = [entry.outcome.value for entry in entries if isinstance(entry.outcome, Present)]
    if measure is None:
        return None, "no statistic of this name is known"
    return (_OF_ONE[measure](values), "") if values else (None, "no row has a value")


def _is_of(sample: Sample | None, of: str) -> bool:
    if not of:
        return True
    if sample is None:
        return False
    return sample.correct is (of == CORRECT) if of in (CORRECT, WRONG) else sample.error_type == of


def _gap(column: StudyColumn, samples: Mapping[str, Sample]) -> tuple[float | None, str]:
    """The mean of the right rows minus that of the wrong ones."""
    means = []
    for of in (CORRECT, WRONG):
        values = [
            value
            for e in column.entries
            if _is_of(samples.get(e.id), of) and (value := value_of(e.outcome)) is not None
        ]
        if not values:
            return None, f"no {of} row has a value"
        means.append(float(np.mean(values)))
    return means[0] - means[1], ""


def _of_two(name: str, column: StudyColumn, against: StudyColumn, mapping: str) -> tuple[float | None, str]:
    xs, ys = _by_id(column), _by_id(against)
    negated = (not column.higher_is_better, not against.higher_is_better)
    pairs = pair(column.name, against.name, xs, ys, negate_x=negated[0], negate_y=negated[1])
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
            scales = (scale_of(side.name, [side])[0] for side in (column, against))
            errors = error_measures(pairs, ErrorMapping(mapping), *scales)
            return (errors.mae if name == "mae" else errors.rmse), errors.reason
        case _:
            return None, "no statistic of this name is known"
    found = coefficient(kind, pairs.x, pairs.y)
    return (found.value if name.endswith("_r") else found.p), ""


def _by_id(column: StudyColumn) -> dict[str, Outcome]:
    return collapse(column)[0]
