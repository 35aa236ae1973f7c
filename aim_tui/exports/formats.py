"""A stored run as a file that leaves the program: CSV, JSON, JSON Lines, Parquet, Markdown or one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError
from aim_tui.exports.atomic_write import write_whole
from aim_tui.exports.html import report
from aim_tui.exports.markdown import markdown
from aim_tui.exports.parquet import parquet
from aim_tui.exports.rows import csv_table, json_document, json_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aim_tui.exports.html import Thumbnail
    from aim_tui.store.records import Run

_WRITERS: dict[str, Callable[[Run], str | bytes]] = {
    "csv": csv_table,
    "json": json_document,
    "jsonl": json_lines,
    "parquet": parquet,
    "markdown": markdown,
}
_SUFFIXES = {"md": "markdown", "htm": "html", "ndjson": "jsonl", "pq": "parquet"}

#: The names of all formats.
FORMATS = (*_WRITERS, "html")


def render(run: Run, format_name: str, thumbnail: Thumbnail | None = None) -> str | bytes:
    """The run in a format of FORMATS; UsageError for another one, ExportError where a package is missing.

    `thumbnail` turns a path into a small PNG, JPEG or WebP for the HTML page, or None where there is none.
    """
    if format_name == "html":
        return report(run, thumbnail)
    if format_name not in _WRITERS:
        raise UsageError(f"unknown format {format_name!r}{did_you_mean(format_name, FORMATS)}")
    return _WRITERS[format_name](run)


def format_of(path: Path) -> str:
    """The format that a file name's ending stands for; UsageError where it stands for none."""
    ending = path.suffix.lower().removeprefix(".")
    name = _SUFFIXES.get(ending, ending)
    if name not in FORMATS:
        raise UsageError(f"{path.name}: its ending names no format", f"known: {', '.join(FORMATS)}")
    return name


def write(run: Run, path: Path, format_name: str | None = None, thumbnail: Thumbnail | None = None) -> None:
    """Write the run to a file, whole or not at all; the file's ending tells the format where none is named."""
    write_whole(path, render(run, format_name or format_of(path), thumbnail))
