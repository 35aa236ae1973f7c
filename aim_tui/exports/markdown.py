"""Markdown: the run as a page for a repository or an issue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.scoring.columns import IMAGES, Kind, View
from aim_tui.core.text import printable
from aim_tui.exports.ordering import file_name, ranked, score_text, standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aim_tui.store.records import Run

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def markdown(run: Run) -> str:
    """Headings, what was asked, the summary, a table with the best first, and where the numbers come from."""
    said = run.document()
    lines = [f"# Scores of {text(file_name(run.info.folder) or 'images')}", ""]
    asked = {name: said["settings"][name] for name in ("topic", "prompt", "reference")}
    lines += [f"- **{name}**: {text(value)}" for name, value in asked.items() if value]
    lines.append(f"- **result**: {text('; '.join(standing(run)))}")
    if "notice" in said:
        lines += ["", f"> {text(said['notice'])}"]
    lines += ["", "## Images", "", *_table(run), "", "## Where the numbers come from", ""]
    lines += [f"- {text(name)}: {text(formula)}" for name, formula in said["formulas"].items()]
    lines += [f"- {text(name)}: {text(value)}" for name, value in _provenance(said)]
    return "\n".join(lines) + "\n"


def _table(run: Run) -> Iterable[str]:
    metrics = [get_metric(metric) for metric in run.results.plan.metrics]
    titles = ["#", "image", *(f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" for spec in metrics)]
    additional = IMAGES.additional()
    titles += [text(column.title) for column in additional]
    judged = run.judged if run.judged is not None and run.judged.raters else None
    said = ["said by raters"] if judged else []
    titles += ["final ↑", "status", "caption", *said]
    yield line(titles)
    aligned = ["--:" if column.kind is Kind.NUMBER else ":--" for column in additional]
    yield line(["--:", ":--", *("--:" for _ in metrics), *aligned, "--:", ":--", ":--", *(":--" for _ in said)])
    for rank, row in ranked(run.results):
        cells = [str(rank or ""), text(file_name(row.path))]
        cells += [score_text(row.outcome(spec.id), spec.decimals) for spec in metrics]
        cells += [text(column.text(row, View())) for column in additional]
        cells += [score_text(row.scores.final if row.scores else None, 2), str(row.status)]
        cells.append(text(row.caption or ""))
        yield line([*cells, text(judged.words(row.path))] if judged else cells)


def line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def _provenance(said: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield "profile", said["profile"]
    yield "rules", said["rules"]
    for metric, reason in said.get("not_asked", {}).items():
        yield f"{metric} not asked for", reason
    for model in said["models"]:
        told = ("id", "revision", "dtype", "device")
        yield str(model["role"]), ", ".join(str(model[name]) for name in told if model[name])
    for name, value in said["settings"].items():
        if name not in ("topic", "prompt", "reference", "metrics") and value is not None:
            yield name, str(value)
    run = said["run"]
    yield "run", f"{run['id']}, begun {run['started']} on {run['host']}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in run["versions"].items())


def text(content: str) -> str:
    """Text in one line that Markdown, and the HTML it may hold, take for nothing else."""
    return _SPECIAL.sub(r"\\\1", printable(str(content)))
