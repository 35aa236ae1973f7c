"""From a plan of work to the application on the screen; without typer, whose import is a third of a start."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aim_tui.runs.edit_plan import EditWish
    from aim_tui.runs.setup import Setup
    from aim_tui.ui.launch import Launch


def open_plainly(path: str) -> int:
    """Open the application on a path with the settings as they are; returns its exit code."""

    def prepare() -> Launch:
        from aim_tui.runs.setup import resolve
        from aim_tui.runs.storage import store_path

        named = os.environ.get("AIM_TUI_STORE")
        return launch(resolve(), folder, store=store_path(Path(named) if named else None), edits=edits_of(path))

    folder = folder_of(path)
    return open_on(folder, prepare)


def folder_of(path: str) -> Path:
    """The folder that a path means: itself, or that of the image; UsageError where there is none."""
    folder = Path(path).absolute()
    if not folder.exists():
        raise UsageError(f"no such file or folder: {path}")
    return folder if folder.is_dir() else folder.parent


def edits_of(path: str) -> EditWish | None:
    """The edits that a path names, where it is that of a file of rows: the application opens on their screen."""
    if not path.lower().endswith((".json", ".jsonl", ".ndjson", ".csv", ".tsv")) or Path(path).is_dir():
        return None
    from aim_tui.runs.edit_plan import EditWish

    return EditWish(path)


def in_terminal() -> bool:
    """Whether there is a terminal to draw on and to read keys from; Textual draws on stderr."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__))


def open_on(folder: Path, prepare: Callable[[], Launch]) -> int:
    """Open the application on a folder; returns its exit code.

    `prepare` is called when there is something on the screen.
    """
    if not in_terminal():
        raise UsageError(
            "the application needs a terminal for its input, output and errors (it draws on the last)",
            "without one, use `aim-tui score`",
        )
    # Before anything imports Textual: what the terminal answers would reach it as keys.
    from aim_tui.terminal.startup import meet_terminal

    meet_terminal(meanwhile=import_early)

    from aim_tui.ui.app import run

    return run(folder, prepare)


def launch(
    setup: Setup,
    folder: Path,
    *,
    start_scoring: bool = False,
    store: Path | None = None,
    state_name: str = "",
    edits: EditWish | None = None,
    watch: bool = False,
) -> Launch:
    """What the application is opened with; imports Textual.

    Without a store nothing is remembered either, unless under a name of its own.
    """
    from aim_tui.cli.setup.ui_settings import preferences
    from aim_tui.settings import paths
    from aim_tui.terminal.images import image_support
    from aim_tui.ui.launch import Launch

    wanted, doubts = preferences(setup.settings)
    images = image_support()
    notices = (*doubts, f"half blocks are used: {images.why}") if images.refused else doubts
    notices += tuple(f"profile {name} cannot be used: {why}" for name, why in setup.settings.unusable.items())
    remembering = setup.settings.interface.remember and (store is not None or bool(state_name))
    return Launch(
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
        watch=watch,
        store=store,
        state=paths.state_place() if remembering else None,
        state_name=state_name,
        preferences=wanted,
        rater=setup.settings.rater,
        notices=notices,
        edits=edits,
    )


def import_early() -> None:
    """Import what the first words on the screen need besides Textual; there is time while the terminal answers."""
    import asyncio  # noqa: F401

    import rich.console  # noqa: F401
