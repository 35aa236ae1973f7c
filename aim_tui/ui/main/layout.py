"""Which panes stand beside the table: those that leave room for every value."""

from __future__ import annotations

from typing import NamedTuple

# Cells with their border. A preview that is narrower shows little, and files that are narrower show no names.
_FILES = 30
_PREVIEW_LEAST, _PREVIEW_BESIDE_FILES, _PREVIEW, _PREVIEW_WIDE = 30, 34, 34, 40
#: Below this the preview stands behind a key, whatever the table needs.
_LEAST_WITH_PREVIEW = 100


class Panes(NamedTuple):
    """Cells for the files and for the preview; 0 where they wait behind a key."""

    files: int
    preview: int


def share_out(width: int, table: int) -> Panes:
    """What is left of `width` cells beside a table that needs so many: first for the preview, then for the files."""
    left = width - table
    if width < _LEAST_WITH_PREVIEW or left < _PREVIEW_LEAST:
        return Panes(0, 0)
    if left < _FILES + _PREVIEW_BESIDE_FILES:
        return Panes(0, min(left, _PREVIEW))
    return Panes(_FILES, min(left - _FILES, _PREVIEW_WIDE))
