"""An analysis as plain data: the keys of the seed's correlation_results.json, and all further figures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from aim_tui.core.agreement.coefficients import Coefficient, CoefficientKind
from aim_tui.core.agreement.interpretation import significant, strength
from aim_tui.core.text import portable_path

if TYPE_CHECKING:
    from aim_tui.core.agreement.analysis import AgreementCell, Analysis, DescribedColumn

_SIMILARITIES = ("target_text_sim", "source_text_sim", "source_target_sim")


def document(analysis: Analysis) -> dict[str, Any]:
    """The seed's keys are of the first cell: its metric is `clip`, its judgement is `llm`, whatever they are.

    Values stand there in their own direction; the coefficients are of values of which higher is better, and
    `lower_is_better` names those that were negated for it.
    """
    first = analysis.cells[0] if analysis.cells else None
    known = plain(analysis.study.metadata)
    return {
        "metadata": {
            **known,
            "n_samples": first.pairs.n if first else 0,
            # Of these columns, whatever the source says of others.
            "model_type": (first.metric.model or first.metric.name) if first else None,
            "llm_type": (first.judgement.model or first.judgement.name) if first else None,
            "simulated": first.judgement.simulated if first else None,
            "device": known.get("device"),
        },
        "correlation_metrics": _metrics(first) if first else {"n_samples": 0},
        "clip_results": _clip_results(analysis, first) if first else [],
        "llm_results": _llm_results(analysis, first) if first else [],
        "options": plain(analysis.options),
        "notes": list(analysis.study.notes),
        "cells": [_cell(cell) for cell in analysis.cells],
        "comparisons": plain(analysis.comparisons),
        "raters": plain(analysis.raters),
        "discrimination": plain(analysis.discriminations),
        "duels": plain(analysis.duels),
        "stated": [plain(one) | {"differs": one.differs} for one in analysis.checked],
    }


def plain(value: Any) -> Any:
    """Records, arrays and enums as what JSON knows; a number that is not finite is None."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return portable_path(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return data | (_words(value) if isinstance(value, Coefficient) else {})
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _words(found: Coefficient) -> dict[str, Any]:
    """The seed's words, for whoever reads its files."""
    return {"strength": strength(found.value), "significant": significant(found.p)}


def _cell(cell: AgreementCell) -> dict[str, Any]:
    data: dict[str, Any] = plain(cell)
    pairs = data["pairs"]
    pairs["used"], pairs["listed"] = cell.pairs.n, cell.pairs.listed
    return data


def _metrics(cell: AgreementCell) -> dict[str, Any]:
    pearson, spearman = cell.coefficients[CoefficientKind.PEARSON], cell.coefficients[CoefficientKind.SPEARMAN]
    figures: dict[str, Any] = {
        "n_samples": cell.pairs.n,
        "pearson_r": pearson.value,
        "pearson_p": pearson.p,
        "spearman_r": spearman.value,
        "spearman_p": spearman.p,
        "mae": cell.errors.mae,
        "rmse": cell.errors.rmse,
        "mapping": str(cell.errors.mapping),
    }
    lower = []
    for side, column, described in (("clip", "edit_score", cell.metric), ("llm", "llm_score", cell.judgement)):
        figures |= {
            f"{side}_mean": described.mean,
            f"{side}_std": described.std,
            f"{side}_min": described.low,
            f"{side}_max": described.high,
        }
        if not described.higher_is_better:
            lower.append(column)
    return figures | {"lower_is_better": lower, "clip_scale": _ends(cell.metric), "llm_scale": _ends(cell.judgement)}


def _ends(side: DescribedColumn) -> list[float] | None:
    return [side.scale.low, side.scale.high] if side.scale else None


def _clip_results(analysis: Analysis, cell: AgreementCell) -> list[dict[str, Any]]:
    sign = -1.0 if cell.pairs.negated_x else 1.0
    rows = []
    for name, value in zip(cell.pairs.ids, cell.pairs.x, strict=True):
        sample = analysis.sample(name)
        labels = sample.labels if sample else {}
        values = sample.values if sample else {}
        similarities = {key: values.get(key, _number(labels.get(key))) for key in _SIMILARITIES}
        row = {
            "sample_id": _sample_id(analysis, name),
            "instruction": portable_path(sample.instruction if sample else ""),
        }
        rows.append({**row, "edit_score": sign * float(value), **similarities})
    return rows


def _sample_id(analysis: Analysis, name: str) -> str | int:
    return int(name) if name in analysis.study.integer_ids else portable_path(name)


def _llm_results(analysis: Analysis, cell: AgreementCell) -> list[dict[str, Any]]:
    sign = -1.0 if cell.pairs.negated_y else 1.0
    model = cell.judgement.model or cell.judgement.name
    return [
        {"sample_id": _sample_id(analysis, name), "llm_score": sign * float(value), "llm_model": model}
        for name, value in zip(cell.pairs.ids, cell.pairs.y, strict=True)
    ]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
