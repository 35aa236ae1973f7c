"""A stored run in a format, as the command `aim-tui runs export` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.exports.formats import export, format_of, get_format
from aim_tui.exports.sink import Sink
from aim_tui.exports.stored_run import StoredRun

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.exports.html import Thumbnail
    from aim_tui.store.records import Run


def render(run: Run, name: str, thumbnail: Thumbnail | None = None) -> str | bytes:
    return get_format(name, StoredRun).writer(StoredRun(run, thumbnail), Sink()).render()


def write(run: Run, path: Path, name: str | None = None) -> None:
    export(StoredRun(run), get_format(name, StoredRun) if name else format_of(path, StoredRun), path)
