"""`aim-tui edit`: image edits scored without the application; data on stdout, everything else on stderr.

With --tui the application opens on them instead, as a bare `aim-tui DATA.json` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from aim_tui.runs.edit_plan import EditPlan


@options.takes_groups
def edit(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="data.json, adversarial_dataset.json, JSON Lines or CSV of edits.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="M", help="EditCLIP: a hub id or a folder. Default: the profile's."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="LIST",
            help="clip_edit, editclip, preservation, directional, caption_change (comma-separated), or all. "
            "Default: those without a captioner.",
        ),
    ] = None,
    output_format: Annotated[
        str, options.format_option("table, json, jsonl, csv or editclip.")
    ] = "table",
    output: options.Output = None,
    pre_resize: Annotated[
        int | None,
        typer.Option(
            "--pre-resize", min=1, max=4096, metavar="N",
            help="Resize both images to N x N before EditCLIP's own processor; the published script uses 256.",
        ),
    ] = None,
    source_key: Annotated[
        str, typer.Option("--source-key", metavar="COLUMN", help="Column of source images. Default: source_image ...")
    ] = "",
    target_key: Annotated[
        str, typer.Option("--target-key", metavar="COLUMN", help="Column of edited images. Default: target_image ...")
    ] = "",
    instruction_key: Annotated[
        str, typer.Option("--instruction-key", metavar="COLUMN", help="Column of instructions. Default: instruction.")
    ] = "",
    id_key: Annotated[str, typer.Option("--id-key", metavar="COLUMN", help="Column of ids. Default: id.")] = "",
    tui: Annotated[
        bool, typer.Option("--tui", help="Open the Edits screen instead of writing; `aim-tui DATA` does the same.")
    ] = False,
    *,
    common: options.StoredRunOptions,
) -> None:  # fmt: skip
    """Score image edits.

    Exit: 0 all edits scored, 1 some failed, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    from aim_tui.cli.progress import display
    from aim_tui.errors import UsageError
    from aim_tui.exports.edits import ScoredEdits
    from aim_tui.exports.formats import get_format
    from aim_tui.exports.sink import Sink
    from aim_tui.inputs.edits import EditColumns, read_edits
    from aim_tui.runs.edit_plan import EditWish, plan
    from aim_tui.runs.recording import Record, StoredRecord
    from aim_tui.runs.runner import edit_work, run

    setup = common.setup()
    columns = EditColumns(source_key, target_key, instruction_key, id_key)
    wish = EditWish(str(data), metrics, model, pre_resize, columns)
    if tui:
        from aim_tui.cli.launching import folder_of, launch, open_on
        from aim_tui.runs.storage import store_path

        if output is not None:
            raise UsageError("--output and --tui exclude each other", "in the application ctrl+s exports")
        folder, kept_in = folder_of(str(data)), None if common.no_store else store_path(common.store)
        raise typer.Exit(open_on(folder, lambda: launch(setup, folder, store=kept_in, edits=wish)))
    found = read_edits(data, columns)
    asked = plan(setup.profile, setup.engine, found, wish)
    chosen, sink = get_format(output_format, ScoredEdits), Sink(output)
    sink.check([asked.file.path, *(image for row in asked.file.rows for image in (row.source, row.target))])

    def score_to(record: Record, asked: EditPlan) -> int:
        edits = ScoredEdits(
            record.results,
            asked.provenance(),
            families=asked.families,
            models=asked.engine.models,
            pre_resize=asked.engine.edit_resize,
        )
        return run(edit_work(asked, fresh=common.fresh), chosen.writer(edits, sink), record, display())

    if common.no_store:
        raise typer.Exit(score_to(Record(asked, asked.items()), asked))
    from aim_tui.runs.storage import open_to_score, store_path
    from aim_tui.store.runs import Runs

    path = store_path(common.store)
    with open_to_score(path) as database:
        kept = asked.with_store(path)
        # Before torch is imported, which takes seconds: is everything here?
        request = kept.request(models_needed=True)
        raise typer.Exit(score_to(StoredRecord(Runs(database), kept, kept.items(), request, fresh=common.fresh), kept))
