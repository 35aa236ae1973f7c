"""A stored run over edits as `aim-tui runs` shows and exports it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from aim_tui.cli.console import facts, table, words
from aim_tui.cli.console import show as show_parts
from aim_tui.core.metrics.edits import EDITCLIP
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.edit_records import Named, csv_fields, csv_record, document, record
from aim_tui.core.scoring.records import to_json
from aim_tui.core.text import portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.deliver import deliver
from aim_tui.exports.ordering import score_text

if TYPE_CHECKING:
    from rich.table import Table

    from aim_tui.core.metrics.spec import MetricSpec
    from aim_tui.core.scoring.edit_results import EditResult, EditResults
    from aim_tui.store.edit_runs import EditRun


def show(run: EditRun, top: int, *, as_json: bool) -> None:
    """Print what was asked, with which models, what it adds up to, and the edits with the highest and lowest value."""
    if as_json:
        deliver(render(run, "json"), None)
        return
    show_parts(_asked(run), _models(run), spreads(run.results))
    leading = next((spec for spec in run.results.specs if spec == EDITCLIP), run.results.specs[0])
    for title, rows in _extremes(run, leading, top):
        show_parts(f"\n{title}")
        show_parts(_rows(run, rows))


def render(run: EditRun, format_name: str) -> str:
    """The run as csv, json or jsonl; UsageError for another format."""
    named = names(run)
    rows = list(zip(run.results.rows, named, strict=True))
    match format_name:
        case "json":
            return to_json(document(run.results, named, _provenance(run)), indent=2) + "\n"
        case "jsonl":
            said = _provenance(run)
            return "".join(to_json(record(row, name, run.results) | said) + "\n" for row, name in rows)
        case "csv":
            stream = io.StringIO(newline="")
            lines = csv.DictWriter(stream, csv_fields(run.results), lineterminator="\n")
            lines.writeheader()
            notice = run.request.notice
            lines.writerows(csv_record(record(row, name, run.results), run.results, notice) for row, name in rows)
            return stream.getvalue()
    raise UsageError(f"a run over edits is not exported as {format_name}", "as csv, json or jsonl it is")


def names(run: EditRun) -> list[Named]:
    """What outputs call the edits."""
    return [Named(edit.id, edit.source, edit.target, edit.instruction, edit.truth) for edit in run.edits]


def spreads(results: EditResults) -> Table:
    """What each number adds up to."""
    made = table("number", "n", "mean", "sd", "min", "max", right=("n", "mean", "sd", "min", "max"))
    for spec in results.specs:
        spread = results.spread(spec.id)
        cells = ["", "", "", ""]
        if spread is not None:
            cells = [f"{value:.{spec.decimals}f}" for value in (spread.mean, spread.std, spread.low, spread.high)]
        direction = "↑" if spec.higher_is_better else "↓"
        made.add_row(*(words(cell) for cell in (f"{spec.id} {direction}", spread.n if spread else 0, *cells)))
    return made


def _provenance(run: EditRun) -> dict[str, Any]:
    request = run.request
    return {
        "run": run.id,
        "state": str(run.state),
        "started": run.started.isoformat(),
        "command": portable_path(request.command),
        "profile": request.profile,
        "data": portable_path(request.data),
        "metrics": list(request.families),
        "settings": {name: value for name, value in request.settings.items() if name != "computing"},
        "fingerprints": dict(request.fingerprints),
        "versions": dict(request.versions),
        **({"notice": request.notice} if request.notice else {}),
    }


def _asked(run: EditRun) -> Table:
    request, states = run.request, [run.results.status(row) for row in run.results.rows]
    took = f", took {(run.ended - run.started).total_seconds():.1f} s" if run.ended else ""
    begun = run.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    settings = {name: value for name, value in request.settings.items() if name != "computing" and value is not None}
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return facts(
        [
            ("run", f"{run.id} over edits, {run.state}"),
            ("begun", f"{begun}{took}"),
            ("data", request.data),
            ("command", request.command),
            ("profile", f"{request.profile} ({request.notice})" if request.notice else request.profile),
            ("metrics", ", ".join(request.families)),
            ("settings", ", ".join(f"{name} {value}" for name, value in settings.items())),
            ("result", f"{len(states)} edits: {counted}"),
        ]
    )


def _models(run: EditRun) -> Table:
    made = table("role", "model", "revision", "dtype", "device")
    for model in run.results.models.values():
        made.add_row(*map(words, (model.role, model.id, model.revision, model.dtype, model.device)))
    return made


def _extremes(run: EditRun, spec: MetricSpec, top: int) -> list[tuple[str, list[EditResult]]]:
    """The best and the worst by one number under a title each; all in one where they would overlap."""
    there = [
        (outcome.value, row) for row in run.results.rows if isinstance(outcome := row.outcomes.get(spec.id), Present)
    ]
    ordered = [row for _, row in sorted(there, key=lambda one: one[0], reverse=spec.higher_is_better)]
    if not ordered or not top:
        return []
    if len(ordered) <= 2 * top:
        return [(f"all with {spec.id}, the best first", ordered)]
    return [(f"the {top} best by {spec.id}", ordered[:top]), (f"the {top} worst by {spec.id}", ordered[-top:])]


def _rows(run: EditRun, rows: list[EditResult]) -> Table:
    numbers = [f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" for spec in run.results.specs]
    made = table("id", *numbers, "instruction", right=numbers)
    for row in rows:
        edit = run.edits[row.item]
        values = [score_text(row.outcomes.get(spec.id), spec.decimals) for spec in run.results.specs]
        made.add_row(*map(words, (edit.id, *values, edit.instruction)))
    return made
