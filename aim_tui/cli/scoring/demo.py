"""`aim-tui demo`: score the embedded sample images with the embedded sample models."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli.launching import in_terminal, launch, open_on
from aim_tui.cli.progress import display
from aim_tui.core.scoring.events import numbered
from aim_tui.exports.formats import get_format
from aim_tui.exports.images import ScoredImages
from aim_tui.exports.sink import Sink
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.runs.recording import Record
from aim_tui.runs.runner import image_work, run
from aim_tui.runs.setup import resolve

if TYPE_CHECKING:
    from aim_tui.ui.launch import Launch

_NOT_KEPT = "a demo: scores and ratings are not kept; aim-tui demo --store PATH keeps them"


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Print the table instead of opening the screen.")
    ] = False,
    edits: Annotated[
        bool,
        typer.Option("--edits", help="Score the sample edits and measure how well the metrics agree with the truth."),
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="PATH", help="Store scores and ratings here."),
    ] = None,
) -> None:
    """Open the application on the sample images and start scoring; without a terminal, print the table."""
    if edits:
        from aim_tui.cli.scoring.demo_edits import demo_edits  # with numpy, which the application starts without

        raise typer.Exit(demo_edits())
    sample = load_demo_data()
    setup = resolve(
        profile="sample",
        topic=sample.topic,
        prompt=sample.prompt,
        reference=str(sample.reference),
        metrics="clip,blip2,lpips",
    )
    if headless or not in_terminal():
        # Without a store: a demo does not belong in the history, and must work where the home is read-only.
        record = Record(setup, numbered(list_folder(sample.generations).images))
        content = ScoredImages(record.results, setup.provenance())
        writer = get_format("table", ScoredImages).writer(content, Sink())
        raise typer.Exit(run(image_work(setup), writer, record, display()))
    folder = sample.generations
    with contextlib.ExitStack() as stack:
        notices: tuple[str, ...] = ()
        if store is not None:
            kept = store.expanduser().absolute()
        else:
            # Ratings and searches need a store; the user's own is not touched.
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="aim-tui-demo-"))
            kept, notices = Path(place) / "store.db", (_NOT_KEPT,)

        def prepare() -> Launch:
            launched = launch(setup, folder, start_scoring=True, store=kept, state_name="demo")
            return replace(launched, notices=(*launched.notices, *notices))

        raise typer.Exit(open_on(folder, prepare))
