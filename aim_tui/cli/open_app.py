"""`aim-tui [PATH...]`: the application."""

from __future__ import annotations

from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.launching import edits_of, launch, open_on, source_of
from aim_tui.errors import UsageError
from aim_tui.runs.storage import store_path


@options.takes_groups
def open_app(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]", help="Folders, images and patterns; or one file of edits (JSON, CSV). Default: here."
        ),
    ] = None,
    recursive: options.Recursive = False,
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
    """Open the application on the images of folders, files and patterns; of one image, on its folder."""
    setup = common.setup(topic=topic, prompt=prompt, reference=reference, metrics=metrics, weights=weights)
    named = paths or ["."]
    source, edits = source_of(named, recursive=recursive), edits_of(named)
    kept = None if common.no_store else store_path(common.store)
    if watch and edits is not None:
        raise UsageError("--watch follows a folder of images", "leave it out, or name a folder")

    raise typer.Exit(
        open_on(
            source.folder, lambda: launch(setup, source.folder, source=source, store=kept, edits=edits, watch=watch)
        )
    )
