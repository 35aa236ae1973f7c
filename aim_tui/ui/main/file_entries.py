"""What the file list shows of a folder: the way up, folders, and images with what is known of their scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Results, Row
from aim_tui.ui.main.file_list import Entry, EntryKind

if TYPE_CHECKING:
    from aim_tui.inputs.listing import FolderListing


def folder_entries(listing: FolderListing, results: Results) -> dict[str, Entry]:
    """Every line of a folder, by its path."""
    folder = listing.folder
    lines = [] if folder.parent == folder else [Entry(str(folder.parent), "..", EntryKind.PARENT)]
    lines += [Entry(str(path), path.name, EntryKind.FOLDER) for path in listing.folders]
    return {entry.path: entry for entry in (*lines, *image_entries(results.rows, results))}


def image_entries(rows: Iterable[Row], results: Results) -> list[Entry]:
    """The lines of these rows."""
    view = View.of(results.context, results.plan.metrics)
    return [
        Entry(row.path, results.names[row.path], status=row.status, stale=view.stale(row), final=row.final)
        for row in rows
    ]
