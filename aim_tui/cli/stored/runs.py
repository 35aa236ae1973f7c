"""`aim-tui runs`: list, show, compare, export and delete stored runs."""

from __future__ import annotations

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
from aim_tui.cli.stored import edit_runs
from aim_tui.cli.stored.compare_runs import compare_runs
from aim_tui.cli.stored.edit_runs import stored_edits
from aim_tui.cli.stored.thumbnails import thumbnails
from aim_tui.core.metrics.edits import families_of
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name, portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.edits import EditRecords
from aim_tui.exports.formats import HTML, format_of, formats_for, get_format
from aim_tui.exports.formats import export as write
from aim_tui.exports.formats.json import JSON
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
    if path.exists():
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
    if loaded.info.kind is RunKind.EDITS:
        edit_runs.show(loaded, top, as_json=as_json)
        return
    if as_json:
        write(StoredRun(loaded), JSON)
        return
    show_parts(_overview(loaded), _models(loaded))
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
    if loaded.info.kind is RunKind.EDITS:
        content: StoredRun | EditRecords = stored_edits(loaded)
    else:
        content = StoredRun(loaded, thumbnails(loaded) if chosen is HTML else None)
    write(content, chosen, output)


app.command("compare")(compare_runs)


def _describe(info: RunInfo) -> str:
    begun = f"run {info.id}: {_when(info.started)}"
    if info.kind is RunKind.EDITS:
        return f"{begun}, {info.images} edits of {info.data}"
    return f"{begun}, {info.images} images of {info.folder}, {info.prompt!r}"


def _history(infos: Sequence[RunInfo]) -> Table:
    made = table("run", "begun", "state", "scored", "mean", "of", "prompt, or metrics", right=("scored", "mean"))
    for info in infos:
        cells = [info.id, _when(info.started), info.state]
        if info.kind is RunKind.EDITS:
            cells += [f"{info.begun}/{info.images} edits", "-", file_name(info.data)]
            cells.append(", ".join(families_of(info.metrics)))
        else:
            mean = info.summary.mean if info.summary else None
            cells += [f"{info.begun}/{info.images} images", "-" if mean is None else f"{mean:.2f}"]
            cells += [file_name(info.folder), info.prompt]
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


def _overview(run: Run) -> Table:
    info, request, context = run.info, run.request, run.request.context
    took = f", took {(info.ended - info.started).total_seconds():.1f} s" if info.ended else ""
    settings = ", ".join(f"{name} {value}" for name, value in request.settings.items() if value is not None)
    return facts(
        [
            ("run", f"{info.id}, {info.state}"),
            ("begun", f"{_when(info.started, seconds=True)} on {info.owner.host}{took}"),
            ("folder", info.folder),
            ("command", info.command),
            ("profile", f"{info.profile} ({request.profile.notice})" if request.profile.notice else info.profile),
            ("topic", context.topic),
            ("prompt", context.prompt),
            ("reference", context.reference),
            ("final score", request.plan.formula().removeprefix("final_score = ")),
            ("rules", request.profile.rules_note().removeprefix("rules: ")),
            *((f"no {metric}", reason) for metric, reason in request.not_asked.items()),
            ("settings", settings),
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
    """The best and the worst rows under a title each; all in one where they would overlap."""
    rows = [(rank, row) for rank, row in ranked(run.results) if rank is not None]
    if not rows or not top:
        return []
    if len(rows) <= 2 * top:
        return [("all with a final score, the best first", rows)]
    return [(f"the {top} best", rows[:top]), (f"the {top} worst", rows[-top:])]


def _rows(run: Run, rows: Sequence[tuple[int, Row]]) -> Table:
    specs = run.results.specs
    numbers = [spec.heading for spec in specs]
    made = table("#", "image", "final ↑", *numbers, "caption", right=("#", "final ↑", *numbers))
    for rank, row in rows:
        cells = [str(rank), file_name(row.path), score_text(row.final_outcome, 2)]
        cells += [score_text(row.outcome(spec.id), spec.decimals) for spec in specs]
        made.add_row(*map(words, [*cells, row.caption or ""]))
    return made


def _when(at: datetime, *, seconds: bool = False) -> str:
    """A time in the user's time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
