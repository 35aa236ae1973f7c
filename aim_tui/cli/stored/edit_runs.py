"""A stored run over edits as `aim-tui runs` shows and exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_tui.cli.console import facts, table, words
from aim_tui.cli.console import show as show_parts
from aim_tui.core.metrics.edits import EDITCLIP
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.edit_records import Named
from aim_tui.core.text import portable_path
from aim_tui.exports.edits import EditRecords, spreads
from aim_tui.exports.formats import export
from aim_tui.exports.formats.json import JSON
from aim_tui.exports.ordering import score_text

if TYPE_CHECKING:
    from rich.table import Table

    from aim_tui.core.metrics.spec import MetricSpec
    from aim_tui.core.scoring.edit_results import EditResult
    from aim_tui.store.edit_runs import EditRun


def show(run: EditRun, top: int, *, as_json: bool) -> None:
    """Print what was asked, with which models, what it adds up to, and the edits with the highest and lowest value."""
    if as_json:
        export(stored_edits(run), JSON)
        return
    show_parts(_asked(run), _models(run), spreads(run.results, arrows=True))
    leading = next((spec for spec in run.results.specs if spec == EDITCLIP), run.results.specs[0])
    for title, rows in _extremes(run, leading, top):
        show_parts(f"\n{title}")
        show_parts(_rows(run, rows))


def stored_edits(run: EditRun) -> EditRecords:
    """The run as something to export."""
    named = [Named(edit.id, edit.source, edit.target, edit.instruction, edit.truth) for edit in run.edits]
    return EditRecords(run.results, named, _provenance(run))


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
