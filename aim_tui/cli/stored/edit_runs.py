"""A stored run over edits as `aim-tui runs` shows and exports it."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from aim_tui.cli.console import facts, table, words
from aim_tui.cli.console import show as show_parts
from aim_tui.core.metrics.edits import EDITCLIP, families_of
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import portable_path
from aim_tui.exports.edits import EditRecords, spreads
from aim_tui.exports.formats import export
from aim_tui.exports.formats.json import JSON
from aim_tui.exports.ordering import score_text
from aim_tui.store.records import Run


def show(run: Run, top: int, *, as_json: bool) -> None:
    """Print what was asked, with which models, what it adds up to, and the edits with the highest and lowest value."""
    if as_json:
        export(stored_edits(run), JSON)
        return
    show_parts(_asked(run), _models(run), spreads(run.results, arrows=True))
    leading = next((spec for spec in run.results.specs if spec == EDITCLIP), run.results.specs[0])
    for title, rows in _extremes(run, leading, top):
        show_parts(f"\n{title}")
        show_parts(_rows(run, rows))


def stored_edits(run: Run) -> EditRecords:
    """The run as something to export."""
    return EditRecords(run.results, _provenance(run))


def _provenance(run: Run) -> dict[str, Any]:
    request, info = run.request, run.info
    return {
        "run": info.id,
        "state": str(info.state),
        "started": info.started.isoformat(),
        "command": portable_path(request.command),
        "profile": info.profile,
        "data": portable_path(request.data),
        "metrics": list(families_of(request.plan.metrics)),
        "settings": {name: value for name, value in request.settings.items() if name != "computing"},
        "fingerprints": dict(request.fingerprints),
        "versions": dict(request.versions),
        **({"notice": request.profile.notice} if request.profile.notice else {}),
    }


def _asked(run: Run) -> Table:
    info, request, states = run.info, run.request, [row.status for row in run.results.rows]
    took = f", took {(info.ended - info.started).total_seconds():.1f} s" if info.ended else ""
    begun = info.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    settings = {name: value for name, value in request.settings.items() if name != "computing" and value is not None}
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return facts(
        [
            ("run", f"{info.id} over edits, {info.state}"),
            ("begun", f"{begun}{took}"),
            ("data", request.data),
            ("command", request.command),
            ("profile", f"{info.profile} ({request.profile.notice})" if request.profile.notice else info.profile),
            ("metrics", ", ".join(families_of(request.plan.metrics))),
            ("settings", ", ".join(f"{name} {value}" for name, value in settings.items())),
            ("result", f"{len(states)} edits: {counted}"),
        ]
    )


def _models(run: Run) -> Table:
    made = table("role", "model", "revision", "dtype", "device")
    for model in run.results.models.values():
        made.add_row(*map(words, (model.role, model.id, model.revision, model.dtype, model.device)))
    return made


def _extremes(run: Run, spec: MetricSpec, top: int) -> list[tuple[str, list[Row]]]:
    """The best and the worst by one number under a title each; all in one where they would overlap."""
    there = [(outcome.value, row) for row in run.results.rows if isinstance(outcome := row.outcome(spec.id), Present)]
    ordered = [row for _, row in sorted(there, key=lambda one: one[0], reverse=spec.higher_is_better)]
    if not ordered or not top:
        return []
    if len(ordered) <= 2 * top:
        return [(f"all with {spec.id}, the best first", ordered)]
    return [(f"the {top} best by {spec.id}", ordered[:top]), (f"the {top} worst by {spec.id}", ordered[-top:])]


def _rows(run: Run, rows: list[Row]) -> Table:
    numbers = [f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" for spec in run.results.specs]
    made = table("id", *numbers, "instruction", right=numbers)
    for row in rows:
        values = [score_text(row.outcome(spec.id), spec.decimals) for spec in run.results.specs]
        made.add_row(*map(words, (row.id, *values, row.instruction)))
    return made
