"""`aim-tui [PATH]`: the application."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from aim_tui.cli.options import Setup


def open_app(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="A folder, or an image in it.")] = ".",
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
) -> None:
    """Open the application on a folder."""
    from aim_tui.cli.storage import store_path
    from aim_tui.errors import UsageError

    setup = options.resolve(
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
    folder = Path(path).absolute()
    if not folder.exists():
        raise UsageError(f"no such file or folder: {path}")
    kept = None if no_store else store_path(store)
    raise typer.Exit(launch(setup, folder if folder.is_dir() else folder.parent, start_scoring=False, store=kept))


def in_terminal() -> bool:
    """Whether there is a terminal to draw on and to read keys from; Textual draws on stderr."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__))


def launch(setup: Setup, folder: Path, *, start_scoring: bool, store: Path | None) -> int:
    """Open the application with what the command line set up; returns its exit code."""
    from aim_tui.errors import UsageError
    from aim_tui.ui.app import run
    from aim_tui.ui.launch import Launch

    if not in_terminal():
        raise UsageError(
            "the application needs a terminal for its input, output and errors (it draws on the last)",
            "without one, use `aim-tui score`",
        )
    return run(
        Launch(
            folder=folder,
            context=setup.context,
            profile=setup.profile,
            profiles=setup.settings.profiles,
            metrics=setup.enabled,
            weights=setup.weights,
            device=setup.engine.device,
            precision=setup.engine.precision,
            batch_size=setup.engine.batch_size,
            reading=setup.engine.reading,
            start_scoring=start_scoring,
            store=store,
        )
    )
