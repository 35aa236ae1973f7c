"""`aim-tui edit`: score image edits without the application; data on stdout, everything else on stderr.

With --tui it opens the application on them instead, as a bare `aim-tui DATA.json` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.launching import folder_of, launch, open_on
from aim_tui.cli.progress import display
from aim_tui.errors import UsageError
from aim_tui.exports.edits import ScoredEdits
from aim_tui.exports.formats import get_format
from aim_tui.exports.sink import Sink
from aim_tui.inputs.edits import read_edits
from aim_tui.runs.edit_plan import EditPlan, EditWish, plan
from aim_tui.runs.recording import Record, StoredRecord
from aim_tui.runs.runner import edit_work, run
from aim_tui.runs.storage import open_to_score
from aim_tui.store.runs import Runs


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
        str, options.format_option(ScoredEdits, default="table")
    ] = "table",
    output: options.Output = None,
    pre_resize: Annotated[
        int | None,
        typer.Option(
            "--pre-resize", min=1, max=4096, metavar="N",
            help="Resize both images to N x N before EditCLIP's own processor; the published script uses 256.",
        ),
    ] = None,
    tui: Annotated[
        bool, typer.Option("--tui", help="Open the Edits screen instead of writing; `aim-tui DATA` does the same.")
    ] = False,
    *,
    columns: options.EditColumnOptions,
    common: options.StoredRunOptions,
) -> None:  # fmt: skip
    """Score image edits.

    Exit: 0 all edits scored, 1 some failed, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    setup = common.setup()
    wish = EditWish(str(data), metrics, model, pre_resize, columns.columns)
    if tui:
        if output is not None:
            raise UsageError("--output and --tui cannot be combined", "in the application ctrl+s exports")
        folder = folder_of(str(data))
        raise typer.Exit(open_on(folder, lambda: launch(setup, folder, store=common.store_path, edits=wish)))
    found = read_edits(data, wish.columns)
    edit_plan = plan(setup.profile, setup.engine, found, wish)
    chosen, sink = get_format(output_format, ScoredEdits), Sink(output)
    sink.check([edit_plan.file.path, *(image for row in edit_plan.file.rows for image in (row.source, row.target))])

    def score_to(record: Record, edit_plan: EditPlan) -> int:
        edits = ScoredEdits(
            record.results,
            edit_plan.provenance(),
            families=edit_plan.families,
            models=edit_plan.engine.models,
            pre_resize=edit_plan.engine.edit_resize,
        )
        return run(edit_work(edit_plan, fresh=common.fresh), chosen.writer(edits, sink), record, display())

    path = common.store_path
    if path is None:
        raise typer.Exit(score_to(Record(edit_plan, edit_plan.items()), edit_plan))
    with open_to_score(path) as database:
        stored = edit_plan.with_store(path)
        # Before torch is imported, which takes seconds: are all models here?
        request = stored.request(models_needed=True)
        record = StoredRecord(Runs(database), stored, stored.items(), request, fresh=common.fresh)
        raise typer.Exit(score_to(record, stored))
