"""Manifests: files whose rows name images and texts, in JSON Lines, JSON, CSV, TSV and Parquet.

They are read row by row and written with added columns; everything else in them stays unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests.base import Manifest, ManifestRow, RowWriter, UnreadableCell
from aim_tui.inputs.manifests.delimited import Delimited
from aim_tui.inputs.manifests.images import PathError, locate_image
from aim_tui.inputs.manifests.json_array import JsonArray
from aim_tui.inputs.manifests.json_lines import JsonLines, numbered_lines
from aim_tui.inputs.manifests.json_text import JsonError, parse_object
from aim_tui.inputs.manifests.parquet import Parquet

__all__ = [
    "Manifest",
    "ManifestRow",
    "PathError",
    "RowWriter",
    "UnreadableCell",
    "locate_image",
    "open_manifest",
    "require_columns",
]

_FORMATS: tuple[type[Manifest], ...] = (JsonLines, JsonArray, Delimited, Parquet)


def open_manifest(path: Path) -> Manifest:
    """The manifest in a file, by its suffix; UsageError for an unknown format or an unreadable file."""
    suffix = path.suffix.lower()
    kind = next((kind for kind in _FORMATS if suffix in kind.suffixes), None)
    if kind is None:
        known = ", ".join(suffix for kind in _FORMATS for suffix in kind.suffixes)
        raise UsageError(f"{path}: unknown file extension", f"known: {known}")
    try:
        if os.path.isdir(path):
            raise UsageError(f"{path} is a folder", "name a file")
        if not os.path.isfile(path) and os.path.exists(path):
            # It is read several times: for its columns, its rows and its output.
            raise UsageError(f"{path} is not a regular file", "save it to a file first")
        with path.open("rb") as stream:
            head = stream.read(2)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"cannot read {path}: {reason or error}") from None
    if kind is not Parquet and head in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"{path} is UTF-16", "save it as UTF-8")
    if kind is JsonArray and _is_lines(path):
        return JsonLines(path)
    return kind(path)


def require_columns(manifest: Manifest, wanted: Sequence[str]) -> None:
    """UsageError if a column is missing from the file, or from its first rows."""
    known = manifest.columns()
    if not known and next(manifest.rows(()), None) is None:
        return  # a file without rows is valid input
    for name in wanted:
        if name not in known:
            columns = ", ".join(known) or "none"
            raise UsageError(
                f"{manifest.path} has no column {name!r}{did_you_mean(name, known)}", f"its columns: {columns}"
            )


def _is_lines(path: Path) -> bool:
    """Whether a file named .json is in fact JSON Lines."""
    with path.open("rb") as stream:
        first = next((line for _, line in numbered_lines(stream) if line is None or line.strip()), None)
    try:
        parse_object((first or b"").decode("utf-8"))
    except (JsonError, UnicodeDecodeError):
        return False
    return True
