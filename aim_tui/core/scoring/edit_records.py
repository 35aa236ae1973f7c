"""Scored edits as plain records, and as the editclip_results.json of the EditCLIP correlation work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aim_tui.core.outcomes import value_of
from aim_tui.core.scoring.records import spreadsheet_cell
from aim_tui.core.text import portable_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.core.scoring.edit_results import EditResult, EditResults

_TRUTH = ("original_id", "is_correct", "error_type", "original_instruction")


@dataclass(frozen=True, slots=True)
class Named:
    """What an edit is called in a file: its id, its paths as the file has them, its instruction, and what is known."""

    id: str
    source: str
    target: str
    instruction: str
    truth: Mapping[str, Any]


def record(row: EditResult, named: Named, results: EditResults) -> dict[str, Any]:
    """One edit as a flat record; a number that is not there is None, and `error` says why."""
    flat: dict[str, Any] = {
        "id": named.id,
        "source_image": portable_path(named.source),
        "target_image": portable_path(named.target),
        "instruction": named.instruction,
        **{name: named.truth[name] for name in _TRUTH if name in named.truth},
    }
    flat |= {spec.id: value_of(row.outcomes.get(spec.id)) for spec in results.specs}
    flat |= {f"{name}_from": caption for name, caption in row.captions.items()}
    flat |= {"status": results.status(row), "error": row.reasons()}
    for side, facts in (("source", row.source), ("target", row.target)):
        if facts is not None:
            flat |= {
                f"{side}_width": facts.width,
                f"{side}_height": facts.height,
                f"{side}_sha256": facts.sha256,
            }
    return flat


def csv_fields(results: EditResults) -> list[str]:
    """The columns of CSV, the same for every row."""
    numbers = [spec.id for spec in results.specs]
    return ["id", "source_image", "target_image", "instruction", *_TRUTH, *numbers, "status", "error", "notice"]


def csv_record(flat: Mapping[str, Any], results: EditResults, notice: str) -> dict[str, Any]:
    """A flat record as a line of CSV."""
    cells = {**flat, "notice": notice or None}
    return {name: spreadsheet_cell(cells.get(name)) for name in csv_fields(results)}


def statistics(results: EditResults) -> dict[str, Any]:
    """What each number adds up to over the edits that have it; the deviation is the population's (ddof 0)."""
    found: dict[str, Any] = {}
    for spec in results.specs:
        spread = results.spread(spec.id)
        found[spec.id] = {
            "n": spread.n if spread else 0,
            "left_out": len(results.rows) - (spread.n if spread else 0),
            "mean": spread.mean if spread else None,
            "std": spread.std if spread else None,
            "min": spread.low if spread else None,
            "max": spread.high if spread else None,
        }
    return found


def document(results: EditResults, named: Sequence[Named], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The whole run: what it was made with, the formulas, the rows, and what they add up to."""
    counts = [results.status(row) for row in results.rows]
    return {
        **provenance,
        "models": [
            {"role": info.role, "id": info.id, "revision": info.revision, "dtype": info.dtype, "device": info.device}
            | {"parameters": info.parameters, **info.detail}
            for info in results.models.values()
        ],
        "formulas": {
            spec.id: {
                "formula": spec.formula,
                "higher_is_better": spec.higher_is_better,
                "low": spec.low,
                "high": spec.high if spec.high != float("inf") else None,
            }
            for spec in results.specs
        },
        "results": [record(row, name, results) for row, name in zip(results.rows, named, strict=True)],
        "statistics": statistics(results),
        "summary": {"n": len(counts)}
        | {f"n_{state}": counts.count(state) for state in ("ok", "partial", "failed", "pending")},
    }


def editclip_document(
    results: EditResults, named: Sequence[Named], *, measure: str, model: str, resolution: str, notice: str
) -> dict[str, Any]:
    """editclip_results.json: the edits that have the number, its statistics, and why the others have none.

    `measure` is 'editclip_score', or a similarity of the images, which the file calls 'image_similarity'.
    """
    field = "editclip_score" if measure == "editclip_score" else "image_similarity"
    spread = results.spread(measure)
    rows, failures = [], []
    for row, name in zip(results.rows, named, strict=True):
        value = value_of(row.outcomes.get(measure))
        told = {
            "id": name.id,
            "instruction": name.instruction,
            "source_image": portable_path(name.source),
            "target_image": portable_path(name.target),
        }
        if value is None:
            failures.append({**told, "error": row.reasons() or "not scored"})
            continue
        truth = {key: name.truth[key] for key in _TRUTH if key in name.truth}
        rows.append({**told, field: value, "model": model, **truth})
    stated = {
        "num_samples": len(rows),
        "mean_score": spread.mean if spread else None,
        "std_score": spread.std if spread else None,
        "min_score": spread.low if spread else None,
        "max_score": spread.high if spread else None,
        "model": model,
        "resolution": resolution,
        "score_type": field,
        "num_failed": len(failures),
    }
    if notice:
        stated["notice"] = notice
    return {"statistics": stated, "results": rows, "failures": failures}
