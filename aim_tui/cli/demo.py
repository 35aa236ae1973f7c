"""`aim-tui demo`: the embedded sample images, scored with the embedded sample models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Print the table instead of opening the screen.")
    ] = False,
    edits: Annotated[
        bool, typer.Option("--edits", help="Score the sample edits, and tell how far their metrics can be trusted.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="PATH", help="Keep what the application scores in this store."),
    ] = None,
) -> None:
    """Open the application on the sample images and start scoring; without a terminal, print the table."""
    if edits:
        from aim_tui.cli.demo_edits import demo_edits

        raise typer.Exit(demo_edits())
    from aim_tui.cli.headless import run
    from aim_tui.cli.launching import in_terminal, launch, open_on
    from aim_tui.cli.recording import Record
    from aim_tui.cli.setup import resolve
    from aim_tui.cli.writers import open_writer
    from aim_tui.core.events import numbered
    from aim_tui.inputs.listing import list_folder
    from aim_tui.inputs.sample import load_sample

    sample = load_sample()
    setup = resolve(
        profile="sample",
        topic=sample.topic,
        prompt=sample.prompt,
        reference=str(sample.reference),
        metrics="clip,blip2,lpips",
    )
    if headless or not in_terminal():
        # Without a store: a try-out belongs in nobody's history, and has to work where the home cannot be written.
        record = Record(setup, numbered(list_folder(sample.generations).images))
        raise typer.Exit(run(setup, open_writer("table", None), record, []))
    # Nor does the application keep anything, unless it is told where.
    kept = store.expanduser().absolute() if store is not None else None
    folder = sample.generations
    raise typer.Exit(open_on(folder, lambda: launch(setup, folder, start_scoring=True, store=kept, state_name="demo")))
