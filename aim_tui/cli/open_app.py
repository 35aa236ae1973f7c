"""`aim-tui [PATH]`: the application."""

from __future__ import annotations

from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.launching import edits_of, folder_of, launch, open_on
from aim_tui.errors import UsageError
from aim_tui.runs.storage import store_path


@options.takes_groups
def open_app(
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="A folder, an image in it, or a file of edits (JSON, CSV).")
    ] = ".",
    topic: options.Topic = "",
    prompt: options.Prompt = "",
    reference: options.Reference = "",
    metrics: options.Metrics = None,
    weights: options.Weights = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show and score new images in the folder once they are fully written.")
    ] = False,
    *,
    common: options.RunOptions,
) -> None:
    """Open the application on a folder."""
    setup = common.setup(topic=topic, prompt=prompt, reference=reference, metrics=metrics, weights=weights)
    folder, kept, edits = folder_of(path), None if common.no_store else store_path(common.store), edits_of(path)
    if watch and edits is not None:
        raise UsageError("--watch follows a folder of images", "leave it out, or name a folder")
    raise typer.Exit(open_on(folder, lambda: launch(setup, folder, store=kept, edits=edits, watch=watch)))
