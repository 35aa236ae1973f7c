"""Start the application. Does not import typer, which would take a third of the startup time."""

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
    """Open the application on a path with the current settings; returns its exit code."""

    def prepare() -> Launch:
        from aim_tui.runs.setup import resolve
        from aim_tui.runs.storage import store_path

        store = os.environ.get("AIM_TUI_STORE")
        return launch(resolve(), folder, store=store_path(Path(store) if store else None), edits=edits_of(path))

    folder = folder_of(path)
    return open_on(folder, prepare)


def folder_of(path: str) -> Path:
    """The folder to open for a path: itself, or the parent of a file; UsageError if it does not exist."""
    folder = Path(path).absolute()
    if not folder.exists():
        raise UsageError(f"no such file or folder: {path}")
    return folder if folder.is_dir() else folder.parent


def edits_of(path: str) -> EditWish | None:
    """The edits to open if the path is a file of rows (JSON, JSON Lines, CSV); None for anything else."""
    if not path.lower().endswith((".json", ".jsonl", ".ndjson", ".csv", ".tsv")) or Path(path).is_dir():
        return None
    from aim_tui.runs.edit_plan import EditWish

    return EditWish(path)


def in_terminal() -> bool:
    """Whether stdin, stdout and stderr are a terminal; Textual draws on stderr."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__))


def open_on(folder: Path, prepare: Callable[[], Launch]) -> int:
    """Open the application on a folder; returns its exit code. `prepare` runs after the first paint."""
    if not in_terminal():
        raise UsageError(
            "the application needs a terminal for stdin, stdout and stderr (it draws on stderr)",
            "without a terminal, use `aim-tui score`",
        )
    # Before anything imports Textual, which would take the terminal's replies for keys.
    from aim_tui.terminal.startup import probe_terminal

    probe_terminal(meanwhile=import_early)

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
    """Everything that the application starts with; imports Textual.

    Without a store no UI state is remembered either, unless `state_name` names a separate state file.
    """
    from aim_tui.cli.setup.ui_settings import preferences
    from aim_tui.settings import paths
    from aim_tui.terminal.images import image_support
    from aim_tui.ui.launch import Launch

    ui, notices = preferences(setup.settings)
    images = image_support()
    if images.refused:
        notices += (f"images are drawn in half blocks: {images.why}",)
    notices += tuple(f"profile {name} cannot be used: {reason}" for name, reason in setup.settings.unusable.items())
    remember = setup.settings.interface.remember and (store is not None or bool(state_name))
    return Launch(
        folder=folder,
        context=setup.context,
        profile=setup.profile,
        profiles=setup.settings.profiles,
        metrics=setup.enabled,
        weights=setup.weights,
        device=setup.engine.device,
        precision=setup.engine.precision,
        plugin_seconds=setup.engine.plugin_seconds,
        batch_size=setup.engine.batch_size,
        reading=setup.engine.reading,
        start_scoring=start_scoring,
        watch=watch,
        store=store,
        state=paths.state_place() if remember else None,
        state_name=state_name,
        preferences=ui,
        rater=setup.settings.rater,
        notices=notices,
        edits=edits,
    )


def import_early() -> None:
    """Import what the first paint needs besides Textual, while the terminal is still answering."""
    import asyncio  # noqa: F401

    import rich.console  # noqa: F401
