"""`aim-tui report`: write a run as one HTML page with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.console import say
from aim_tui.cli.stored.runs import RunArgument
from aim_tui.cli.stored.thumbnails import thumbnails
from aim_tui.exports.formats import HTML, export
from aim_tui.exports.stored_run import StoredRun
from aim_tui.runs import storage


def report(
    run: RunArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")],
    pictures: Annotated[
        int, typer.Option("--thumbnails", min=0, metavar="N", help="Show the N best images; 0 for none.")
    ] = 1000,
    store: options.Store = None,
) -> None:
    """Write a run as one self-contained HTML page: scores, pictures, captions, distributions, provenance."""
    loaded = storage.load(store, run)
    export(StoredRun(loaded, thumbnails(loaded, pictures) if pictures else None), HTML, output)
    shown = min(pictures, len(loaded.results.rows))
    of_best = f", pictures of the {shown} best (--thumbnails N for more)" if shown < len(loaded.results.rows) else ""
    say(f"wrote {output}: {len(loaded.results.rows)} images of run {loaded.info.id}{of_best}")
