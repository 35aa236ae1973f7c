"""MAE and RMSE between a metric and a judgement, after a named mapping to one scale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.agreement.coefficients import undefined

if TYPE_CHECKING:
    import numpy.typing as npt

    from aim_tui.core.agreement.pairs import Pairs
    from aim_tui.core.agreement.study import Scale

    Floats = npt.NDArray[np.float64]

_SMALL = 1e-8


class ErrorMapping(StrEnum):
    """How values are put on one scale."""

    RAW = "raw"
    MINMAX = "minmax"
    CALIBRATED = "calibrated"


@dataclass(frozen=True, slots=True)
class ErrorMeasures:
    """Mean absolute and root mean square difference; if they are None, `reason` says why."""

    mapping: ErrorMapping
    words: str
    """What was subtracted from what."""
    mae: float | None = None
    rmse: float | None = None
    reason: str = ""


def error_measures(pairs: Pairs, mapping: ErrorMapping, x_scale: Scale | None, y_scale: Scale | None) -> ErrorMeasures:
    """The errors of these pairs under a mapping.

    raw: the values themselves, if both declare the same scale. minmax: x by its minimum and maximum to 0..1,
    x' = (x - min) / (max - min + 1e-8), and y by its declared scale to 0..1. calibrated: y minus the prediction of a
    linear fit on x, fitted without the pair in question (leave-one-out).
    """
    match mapping:
        case ErrorMapping.RAW:
            return _raw(pairs, x_scale, y_scale)
        case ErrorMapping.MINMAX:
            return _minmax(pairs, y_scale)
        case ErrorMapping.CALIBRATED:
            return _calibrated(pairs)


def left_out_residuals(x: Floats, y: Floats) -> Floats | None:
    """The leave-one-out residuals of a linear fit of y on x (n,); None if the fit is undefined.

    In closed form: the residual of the full fit over 1 - h, h the leverage (PRESS; Allen 1974). NaN where all other
    pairs have the same x.
    """
    if undefined(x, x):
        return None
    centred = x - x.mean()
    squares = float(centred @ centred)
    residual = y - y.mean() - centred * float(centred @ (y - y.mean())) / squares
    rest = 1 - 1 / len(x) - centred**2 / squares
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rest > 1e-12, residual / rest, np.nan)


def _raw(pairs: Pairs, x_scale: Scale | None, y_scale: Scale | None) -> ErrorMeasures:
    words = "the values as they are"
    if x_scale is None or x_scale != y_scale:
        declared = f"{x_scale or 'none'} and {y_scale or 'none'}"
        return ErrorMeasures(ErrorMapping.RAW, words, reason=f"both must declare the same scale (declared: {declared})")
    if not pairs.n:
        return ErrorMeasures(ErrorMapping.RAW, words, reason="no pairs")
    x, y = (_unreversed(values, negated, x_scale) for values, negated in _sides(pairs))
    if pairs.negated_x != pairs.negated_y:
        words = f"{pairs.x_name if pairs.negated_x else pairs.y_name} reversed on its scale of {x_scale}"
    return _measure(ErrorMapping.RAW, words, x - y)


def _minmax(pairs: Pairs, y_scale: Scale | None) -> ErrorMeasures:
    words = f"{pairs.x_name} by its minimum and maximum to 0..1, {pairs.y_name} by its scale to 0..1"
    reason = ""
    if y_scale is None:
        reason = f"the scale of {pairs.y_name} is not declared"
    elif not pairs.n:
        reason = "no pairs"
    elif float(pairs.x.min()) == float(pairs.x.max()):
        reason = f"all {pairs.x_name} values are equal"
    if y_scale is None or reason:
        return ErrorMeasures(ErrorMapping.MINMAX, words, reason=reason)
    low, high = float(pairs.x.min()), float(pairs.x.max())
    x = (pairs.x - low) / (high - low + _SMALL)
    y = (_unreversed(*_sides(pairs)[1], y_scale) - y_scale.low) / (y_scale.high - y_scale.low)
    return _measure(ErrorMapping.MINMAX, words, x - y)


def _calibrated(pairs: Pairs) -> ErrorMeasures:
    words = f"{pairs.y_name} minus what a line through the other pairs predicts from {pairs.x_name}"
    residuals = left_out_residuals(pairs.x, pairs.y)
    if residuals is None:
        reason = undefined(pairs.x, pairs.x, f"{pairs.x_name} values")
    elif not np.isfinite(residuals).all():
        reason = f"without one of the pairs all {pairs.x_name} values are equal"
    else:
        return _measure(ErrorMapping.CALIBRATED, words, residuals)
    return ErrorMeasures(ErrorMapping.CALIBRATED, words, reason=reason)


def _sides(pairs: Pairs) -> tuple[tuple[Floats, bool], tuple[Floats, bool]]:
    return (pairs.x, pairs.negated_x), (pairs.y, pairs.negated_y)


def _unreversed(values: Floats, negated: bool, scale: Scale) -> Floats:
    """Oriented values on their scale; negated ones are mirrored within it."""
    return scale.low + scale.high + values if negated else values


def _measure(mapping: ErrorMapping, words: str, differences: Floats) -> ErrorMeasures:
    mae, rmse = float(np.abs(differences).mean()), float(np.sqrt((differences**2).mean()))
    return ErrorMeasures(mapping, words, mae, rmse)
