"""`aim-tui runs`: list, show, compare, export and delete stored runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import facts, print_json, say, table, words
from aim_tui.cli.console import show as show_parts
from aim_tui.cli.stored.compare_runs import compare_runs
from aim_tui.cli.stored.thumbnails import thumbnails
from aim_tui.core.metrics.edits import EDITCLIP, families_of
from aim_tui.core.names import ShortNames
from aim_tui.core.scoring.columns import EDITS, View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import SortKey, sort_rows
from aim_tui.core.text import portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.edits import EditRecords, spreads, stored_edits
from aim_tui.exports.formats import HTML, format_of, formats_for, get_format
from aim_tui.exports.formats import export as write
from aim_tui.exports.formats.json import JSON
from aim_tui.exports.html import Thumbnail
from aim_tui.exports.ordering import ranked, score_text, standing
from aim_tui.exports.stored_run import StoredRun
from aim_tui.runs import storage
from aim_tui.runs.storage import open_existing, store_path
from aim_tui.store.records import Run, RunInfo, RunKind
from aim_tui.store.runs import Runs

app = typer.Typer(no_args_is_help=True)

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run: its id, a prefix of it, or 'last'.", show_default=False)
]


@app.command("list")
def list_runs(
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Only the runs of this folder.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, metavar="N", help="Only the N newest.")] = None,
    as_json: options.Json = False,
    store: options.Store = None,
) -> None:
    """List stored runs of images and edits, newest first."""
    path = store_path(store)
    infos: list[RunInfo] = []
    # A store that does not exist yet is not created: the list is empty.
    if os.path.exists(path):
        with open_existing(path) as database:
            infos = Runs(database).history(str(folder.absolute()) if folder else None, limit, kind=None)
    if as_json:
        print_json([_info_as_data(info) for info in infos])
    elif infos:
        show_parts(_history(infos))
    else:
        say(f"no runs {f'of {folder} ' if folder else ''}in {path}")


@app.command()
def show(
    run: RunArgument,
    top: Annotated[
        int, typer.Option("--top", min=0, metavar="N", help="How many of the best and worst images to show.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole run as JSON.")] = False,
    store: options.Store = None,
) -> None:
    """Show a run: settings, models, summary, the best and the worst images."""
    loaded = storage.load_any(store, run)
    if as_json:
        write(_content(loaded), JSON)
        return
    sums = [spreads(loaded.results, arrows=True)] if loaded.results.of_edits else []
    show_parts(_overview(loaded), _models(loaded), *sums)
    for title, rows in _extremes(loaded, top):
        show_parts(f"\n{title}")
        show_parts(_rows(loaded, rows))


@app.command()
def delete(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, prefixes of ids, or 'last'.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    store: options.Store = None,
) -> None:
    """Delete runs with their values. Ratings, the feature cache and the images themselves stay."""
    with open_existing(store_path(store)) as database:
        # All are found before the first is deleted: a wrong name deletes nothing, and 'last' is one run.
        stored = Runs(database)
        found = list(dict.fromkeys(stored.find(run, kind=None) for run in runs))
        infos = {info.id: info for info in stored.history(kind=None)}
        for run_id in found:
            say(_describe(infos[run_id]))
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("cannot confirm: not a terminal", "pass --yes")
            typer.confirm(f"delete {'them' if len(found) > 1 else 'it'}?", abort=True, err=True)
        for run_id in found:
            stored.delete(run_id)
            say(f"deleted {run_id}")


@app.command()
def export(
    run: RunArgument,
    output: options.Output = None,
    output_format: Annotated[
        str | None, options.format_option(StoredRun, EditRecords, default="by the ending of FILE")
    ] = None,
    store: options.Store = None,
) -> None:
    """Export a run; without --format the ending of the file decides."""
    kinds = (StoredRun, EditRecords)
    if output_format is not None:
        chosen = get_format(output_format, *kinds)
    elif output is not None:
        chosen = format_of(output, *kinds)
    else:
        known = ", ".join(each.id for each in formats_for(*kinds))
        raise UsageError("no format given", f"--format, one of {known}; or -o FILE")
    loaded = storage.load_any(store, run)
    write(_content(loaded, thumbnails(loaded) if chosen is HTML else None), chosen, output)


app.command("compare")(compare_runs)


def _describe(info: RunInfo) -> str:
    begun = f"run {info.id}: {_when(info.started)}"
    if info.kind is RunKind.EDITS:
        return f"{begun}, {info.images} edits of {info.data}"
    return f"{begun}, {info.images} images of {info.folder}, {info.prompt!r}"


def _history(infos: Sequence[RunInfo]) -> Table:
    names = ShortNames(info.data if info.kind is RunKind.EDITS else info.folder for info in infos)
    made = table("run", "begun", "state", "scored", "mean", "of", "prompt, or metrics", right=("scored", "mean"))
    for info in infos:
        cells = [info.id, _when(info.started), info.state]
        if info.kind is RunKind.EDITS:
            cells += [f"{info.begun}/{info.images} edits", "-", names[info.data]]
            cells.append(", ".join(families_of(info.metrics)))
        else:
            mean = info.summary.mean if info.summary else None
            cells += [f"{info.begun}/{info.images} images", "-" if mean is None else f"{mean:.2f}"]
            cells += [names[info.folder], info.prompt]
        made.add_row(*map(words, cells))
    # One line a run; what is typed again is never cut. The whole texts are in `show` and in --json.
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for column in made.columns[:5]:
        column.min_width = max(cell_len(str(cell)) for cell in column.cells)
    return made


def _info_as_data(info: RunInfo) -> dict[str, Any]:
    summary, of_edits = info.summary, info.kind is RunKind.EDITS
    texts = ("data", "profile") if of_edits else ("folder", "topic", "prompt", "reference", "profile")
    data = {
        "id": info.id,
        "kind": str(info.kind),
        "state": str(info.state),
        "started": info.started.isoformat(),
        "ended": info.ended.isoformat() if info.ended else None,
        "command": portable_path(info.command),
        **{name: portable_path(getattr(info, name)) for name in texts},
        "metrics": list(families_of(info.metrics) if of_edits else info.metrics),
        "edits" if of_edits else "images": info.images,
        "begun": info.begun,
        "host": info.owner.host,
    }
    if of_edits:
        return data
    return data | {name: getattr(summary, name) if summary else None for name in ("n_ok", "mean", "median")}


def _content(run: Run, thumbnail: Thumbnail | None = None) -> StoredRun | EditRecords:
    """The run as content to export."""
    return stored_edits(run) if run.results.of_edits else StoredRun(run, thumbnail)


def _overview(run: Run) -> Table:
    info, request, context = run.info, run.request, run.request.context
    of_edits = run.results.of_edits
    took = f", took {(info.ended - info.started).total_seconds():.1f} s" if info.ended else ""
    settings = {name: value for name, value in request.settings.items() if name != "computing" and value is not None}
    asked = [
        ("topic", context.topic),
        ("prompt", context.prompt),
        ("reference", context.reference),
        ("final score", request.plan.formula().removeprefix("final_score = ")),
        ("rules", request.profile.rules_note().removeprefix("rules: ")),
        *((f"no {metric}", reason) for metric, reason in request.not_asked.items()),
    ]
    return facts(
        [
            ("run", f"{info.id}{' over edits' if of_edits else ''}, {info.state}"),
            ("begun", f"{_when(info.started, seconds=True)} on {info.owner.host}{took}"),
            ("data", request.data) if of_edits else ("folder", info.folder),
            ("command", info.command),
            ("profile", f"{info.profile} ({request.profile.notice})" if request.profile.notice else info.profile),
            *([("metrics", ", ".join(families_of(request.plan.metrics)))] if of_edits else asked),
            ("settings", ", ".join(f"{name} {value}" for name, value in settings.items())),
            ("result", "; ".join(standing(run))),
        ]
    )


def _models(run: Run) -> Table:
    made = table("role", "model", "revision", "dtype", "device", "parameters", right=("parameters",))
    for model in run.results.models.values():
        cells = [model.role, model.id, model.revision, model.dtype, model.device, f"{model.parameters:,}"]
        made.add_row(*map(words, cells))
    return made


def _extremes(run: Run, top: int) -> list[tuple[str, list[tuple[int, Row]]]]:
    """The best and the worst rows under a title each; all in one where they would overlap.

    Edits have no final score: they are ranked by EditCLIP, or else by their first number.
    """
    results, what, by = run.results, "a final score", ""
    if results.of_edits:
        metrics = results.plan.metrics
        what = EDITCLIP.id if EDITCLIP.id in metrics else metrics[0]
        by, column = f" by {what}", EDITS[what]
        scored = [row for row in results.rows if column.value(row, View()) is not None]
        order = sort_rows(scored, SortKey(what, column.largest_first), columns=EDITS)
        rows = [(rank, results.rows[item]) for rank, item in enumerate(order, start=1)]
    else:
        rows = [(rank, row) for rank, row in ranked(results) if rank is not None]
    if not rows or not top:
        return []
    if len(rows) <= 2 * top:
        return [(f"all with {what}, the best first", rows)]
    return [(f"the {top} best{by}", rows[:top]), (f"the {top} worst{by}", rows[-top:])]


def _rows(run: Run, rows: Sequence[tuple[int, Row]]) -> Table:
    specs, of_edits = run.results.specs, run.results.of_edits
    numbers = [spec.heading for spec in specs]
    names, texts = (["id"], "instruction") if of_edits else (["image", "final ↑"], "caption")
    made = table("#", *names, *numbers, texts, right=("#", "final ↑", *numbers))
    for rank, row in rows:
        values = [score_text(row.outcome(spec.id), spec.decimals) for spec in specs]
        first = [row.id] if of_edits else [run.results.names[row.path], score_text(row.final_outcome, 2)]
        made.add_row(*map(words, [rank, *first, *values, row.instruction if of_edits else row.caption or ""]))
    return made


def _when(at: datetime, *, seconds: bool = False) -> str:
    """A time in the user's time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
