"""`aim-tui [PATH]`: the application."""

from __future__ import annotations

from typing import Annotated

import typer

from aim_tui.cli import options


def open_app(
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="A folder, an image in it, or a file of edits (JSON, CSV).")
    ] = ".",
    topic: options.TopicOption = "",
    prompt: options.PromptOption = "",
    reference: options.ReferenceOption = "",
    profile: options.ProfileOption = None,
    metrics: options.MetricsOption = None,
    weights: options.WeightsOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    batch_size: options.BatchOption = None,
    exif: options.ExifOption = None,
    config: options.ConfigOption = None,
    store: options.StoreOption = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep nothing of what is scored.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show and score images that appear in the folder, as they become whole.")
    ] = False,
) -> None:
    """Open the application on a folder."""
    from aim_tui.cli.launching import edits_of, folder_of, launch, open_on
    from aim_tui.errors import UsageError
    from aim_tui.runs.setup import resolve
    from aim_tui.runs.storage import store_path

    setup = resolve(
        profile=profile,
        topic=topic,
        prompt=prompt,
        reference=reference,
        metrics=metrics,
        weights=weights,
        device=device,
        precision=precision,
        batch_size=batch_size,
        exif=exif,
        config=config,
    )
    folder, kept, edits = folder_of(path), None if no_store else store_path(store), edits_of(path)
    if watch and edits is not None:
        raise UsageError("--watch follows a folder of images", "leave it out, or name a folder")
    raise typer.Exit(open_on(folder, lambda: launch(setup, folder, store=kept, edits=edits, watch=watch)))
