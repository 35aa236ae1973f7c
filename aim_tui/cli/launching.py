"""Start the application. Does not import typer, which would take a third of the startup time."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aim_tui.runs.edit_plan import EditWish
    from aim_tui.runs.setup import Setup
    from aim_tui.ui.launch import Launch


def open_plainly(paths: Sequence[str], *, recursive: bool = False) -> int:
    """Open the application on paths with the current settings; returns its exit code."""

    def prepare() -> Launch:
        from aim_tui.runs.setup import resolve
        from aim_tui.runs.storage import store_path

        store = os.environ.get("AIM_TUI_STORE")
        kept = store_path(Path(store) if store else None)
        return launch(resolve(), source.folder, source=source, store=kept, edits=edits_of(paths))

    source = source_of(paths, recursive=recursive)
    return open_on(source.folder, prepare)


class ImageSource(NamedTuple):
    """What the command line names: a folder, or several paths of which it is the lowest that holds all."""

    folder: Path
    paths: tuple[str, ...] = ()
    recursive: bool = False
    current: str = ""
    """The image that was named alone: it is shown among those of its folder."""


def source_of(paths: Sequence[str], *, recursive: bool = False) -> ImageSource:
    """Where the images of some paths are; UsageError for one that is neither there nor a pattern."""
    if len(paths) == 1 and not recursive and (os.path.exists(paths[0]) or not glob.has_magic(paths[0])):
        folder = folder_of(paths[0])
        path = Path(paths[0]).absolute()
        return ImageSource(folder, current="" if path == folder or edits_of(paths) else str(path))
    whole = tuple(str(Path(path).absolute()) for path in paths)
    folders = {_existing_folder(path) for path in whole}
    if len(whole) == 1 and str(next(iter(folders))) == whole[0]:
        return ImageSource(next(iter(folders)), recursive=recursive)
    try:
        folder = Path(os.path.commonpath(folders))
    except ValueError:  # on different drives
        folder = next(iter(folders))
    return ImageSource(folder, whole, recursive)


def _existing_folder(path: str) -> Path:
    """The folder itself, or the lowest above a file or pattern that is there."""
    if not os.path.exists(path) and not glob.has_magic(path):
        raise UsageError(f"no such file or folder: {path}")
    folder = Path(path)
    while not os.path.isdir(folder):
        folder = folder.parent
    return folder


def folder_of(path: str) -> Path:
    """The folder to open for a path: itself, or the parent of a file; UsageError if it does not exist."""
    folder = Path(path).absolute()
    if not os.path.exists(folder):
        raise UsageError(f"no such file or folder: {path}")
    return folder if os.path.isdir(folder) else folder.parent


def edits_of(paths: Sequence[str]) -> EditWish | None:
    """The edits to open if the only path is a file of rows (JSON, JSON Lines, CSV); None for anything else."""
    path = paths[0] if len(paths) == 1 else ""
    if not path.lower().endswith((".json", ".jsonl", ".ndjson", ".csv", ".tsv")) or os.path.isdir(path):
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
    source: ImageSource | None = None,
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
        paths=source.paths if source else (),
        recursive=source.recursive if source else False,
        current=source.current if source else "",
        profile_given=setup.profile_given,
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
