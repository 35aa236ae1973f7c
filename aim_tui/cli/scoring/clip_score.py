"""`aim-tui clip-score`: add a CLIP score of image and text to each row of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.cli.console import say
from aim_tui.cli.scoring.manifest_run import ManifestTask, OnError, Refused, cell_text, run
from aim_tui.core.embeddings.clip_score_scales import SCALES, ClipScoreScale
from aim_tui.core.names import one_of
from aim_tui.core.outcomes import value_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Row as Result
from aim_tui.inputs.manifests import Manifest
from aim_tui.runs.manifest_output import ManifestOutput, open_input
from aim_tui.runs.setup import Setup


@options.takes_groups
def clip_score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, JSON, CSV, TSV or Parquet.")],
    image_key: Annotated[
        str, typer.Option("--image-key", metavar="COLUMN", help="Column of image paths.")
    ] = "image_path",
    text_key: Annotated[str, typer.Option("--text-key", metavar="COLUMN", help="Column of texts.")] = "text",
    output_key: Annotated[
        str, typer.Option("--output-key", metavar="COLUMN", help="The column to add.")
    ] = "clip_score",
    scale: Annotated[
        str,
        typer.Option(
            "--scale",
            metavar="SCALE",
            help="cosine; unit: clip((cos+1)/2, 0, 1); hundred: 100*cos; hessel: 2.5*max(cos, 0) of 'A photo depicts "
            "TEXT'.",
        ),
    ] = "cosine",
    on_error: Annotated[
        str,
        typer.Option(
            "--on-error",
            metavar="WHAT",
            help="null: no value, with the reason in a second column; zero: 0.0 for an unreadable image or an empty "
            "text, as DataFlow does; fail: end at the first.",
        ),
    ] = "null",
    output: options.Output = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the column if it exists.")] = False,
    *,
    common: options.ReadOptions,
) -> None:
    """Add the CLIP score of image and text to each row; other columns stay as they are.

    Exit: 0 all rows scored, 1 some not, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    chosen = one_of("--scale", scale, SCALES)
    rule = OnError(one_of("--on-error", on_error, {str(each): each for each in OnError}))
    setup = common.setup(metrics="clip", weights="clip=1")
    manifest = open_input(file, output)
    task = _task(manifest, setup, chosen, rule, image=image_key, text=text_key, added=output_key, replace=replace)
    task.check()
    if setup.profile.notice:
        say(setup.profile.notice, "yellow")
    prefix = f", cos of the image and {chosen.prefix!r} + {text_key}" if chosen.prefix else ""
    say(f"{output_key} = {chosen.formula}{prefix}")
    raise typer.Exit(run(task, ManifestOutput(manifest, output, task.added), common.store_path))


def _task(
    manifest: Manifest,
    setup: Setup,
    scale: ClipScoreScale,
    rule: OnError,
    *,
    image: str,
    text: str,
    added: str,
    replace: bool,
) -> ManifestTask:
    reason_key = f"{added}_reason"

    def context(row: Any, _path: str) -> Context | Refused:
        found = cell_text(row, text)
        if isinstance(found, Refused):
            return found
        return Context(prompt=scale.prefix + found) if found else Refused(f"no {text}")

    def cells(found: Result | Refused) -> dict[str, Any]:
        if isinstance(found, Refused):
            return {added: 0.0} if rule is OnError.ZERO else {added: None, reason_key: found.reason}
        value = value_of(found.outcome("clip"))
        number = None if value is None else scale.of(value)
        if rule is OnError.ZERO:
            # Only an unreadable image or an empty text counts as 0.0, not a failure of the model.
            return {added: 0.0 if found.error is not None else number}
        return {added: number, reason_key: found.errors()}

    columns = {added: float} if rule is OnError.ZERO else {added: float, reason_key: str}
    plan = ScoringPlan(("clip",), {"clip": 1.0}, setup.profile.rules)
    return ManifestTask(manifest, setup, plan, (image, text), columns, context, image, cells, added, rule, replace)
