"""The records and tables of `aim-tui compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from aim_tui.cli.console import say_first
from aim_tui.cli.embeddings.embedder import about
from aim_tui.core.embeddings.all_pairs import CosineSpread
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.outcomes import Outcome, reason_of, value_of
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.statistics import Mean
from aim_tui.core.text import path_fields, portable_path
from aim_tui.exports.tables import Part, table, words
from aim_tui.runs.setup import Setup

#: The names of the metrics in JSON and CSV.
COLUMNS = {"clip": "clip_cosine", "lpips": "lpips"}
_HEADINGS = {"clip": "CLIP ↑", "lpips": "LPIPS ↓"}


def head_of(setup: Setup, gallery: ImageEmbeddings | None, lpips: ModelInfo | None) -> dict[str, Any]:
    """What every output says about the models behind the figures."""
    reading = setup.engine.reading
    head: dict[str, Any] = {"profile": setup.profile.name, "exif": reading.exif, "background": reading.background}
    if gallery is not None:
        head = about(setup, gallery)
    if lpips is not None:
        head["lpips_model"] = {
            "model": lpips.id,
            "revision": lpips.revision,
            "dtype": lpips.dtype,
            "device": lpips.device,
            **lpips.detail,
        }
    return head


def pair_record(pair: tuple[str, str], row: int, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """One pair for JSON and CSV; without a value, the reason."""
    record: dict[str, Any] = path_fields(pair[0])
    record |= {name.replace("path", "reference"): text for name, text in path_fields(pair[1]).items()}
    record |= {COLUMNS[name]: value_of(column[row]) for name, column in outcomes.items()}
    reasons = [f"{name}: {reason}" for name, column in outcomes.items() if (reason := reason_of(column[row]))]
    return record | {"reason": portable_path("; ".join(reasons)) or None}


def group_record(
    name: str, sides: tuple[list[str], list[str]], figures: Mapping[str, CosineSpread | None], wanted: Sequence[str]
) -> dict[str, Any]:
    """All pairs of one category, for JSON and CSV."""
    record: dict[str, Any] = {"category": portable_path(name), "images_a": len(sides[0]), "images_b": len(sides[1])}
    for metric in wanted:
        spread = figures[metric]
        for key in ("pairs", "mean", "std", "min", "max"):
            record[f"{COLUMNS[metric]}_{key}"] = spread.record()[key] if spread is not None else None
    return record


def pairs_table(
    pairs: Sequence[tuple[str, str]],
    outcomes: Mapping[str, Sequence[Outcome]],
    means: Mapping[str, Mean | None],
    limit: int,
) -> list[Table]:
    """Pairs, and the means over them."""
    headings = [_HEADINGS[name] for name in outcomes]
    made = table("A", "B", *headings, right=headings)
    for row, (image, reference) in enumerate(pairs[:limit]):
        values = [value_of(column[row]) for column in outcomes.values()]
        made.add_row(*map(words, (image, reference, *("!" if value is None else f"{value:.4f}" for value in values))))
    if len(pairs) > 1:
        made.add_row()
        for label, key in (("mean", "mean"), ("standard deviation (n - 1)", "std"), ("n", "n")):
            cells = [_cell(getattr(found, key)) if found is not None else "-" for found in means.values()]
            made.add_row(*(words(text, "bold") for text in (label, "", *cells)))
        intervals = [
            f"{found.low:.4f} to {found.high:.4f}" if found is not None and found.low is not None else "-"
            for found in means.values()
        ]
        made.add_row(*(words(text, "bold") for text in ("95% interval of the mean (bootstrap)", "", *intervals)))
    return [made]


def groups_table(
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[str],
    everything: Mapping[str, CosineSpread | None],
    means: Mapping[str, float | None],
) -> list[Part]:
    """Categories, and the means over them."""
    numbers = [f"{_HEADINGS[metric]} {what}" for metric in wanted for what in ("mean", "std", "min", "max")]
    made = table("category", "images A", "images B", *numbers, right=("images A", "images B", *numbers))
    for row in rows:
        figures = [_cell(row[f"{COLUMNS[metric]}_{key}"]) for metric in wanted for key in ("mean", "std", "min", "max")]
        made.add_row(*map(words, (row["category"] or "all", row["images_a"], row["images_b"], *figures)))
    if len(rows) > 1:
        made.add_row()
        cells: list[str] = []
        for metric in wanted:
            spread = everything[metric]
            record = spread.record() if spread is not None else {}
            cells += [_cell(record.get(key)) for key in ("mean", "std", "min", "max")]
        made.add_row(*(words(text, "bold") for text in ("all pairs", "", "", *cells)))
        cells = [text for metric in wanted for text in (_cell(means[metric]), "", "", "")]
        made.add_row(*(words(text, "bold") for text in ("mean of categories", "", "", *cells)))
    return [made, words("std: divisor n - 1. No interval: the pairs share images.", "dim")]


def _cell(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def say_failed(pairs: Sequence[tuple[str, str]], outcomes: Mapping[str, Sequence[Outcome]]) -> int:
    """Print the pairs without a value on stderr; returns how many there are."""
    lines = []
    for row, (image, reference) in enumerate(pairs):
        reasons = {reason for column in outcomes.values() if (reason := reason_of(column[row]))}
        if reasons:
            lines.append(f"{image} against {reference}: {'; '.join(sorted(reasons))}")
    say_first(lines, "red", what=" like the last")
    return len(lines)
