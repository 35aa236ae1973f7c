"""Find a named file whatever form of Unicode its folder stores names in."""

from __future__ import annotations

import os
import unicodedata

from aim_tui.core.names import composed


def existing_path(path: str) -> str:
    """The path as its folder spells it; `path` itself if there is no such file.

    macOS stores é as two characters, most other systems and spreadsheets as one; both are the same name.
    """
    if path.isascii() or "\0" in path or os.path.lexists(path):
        return path
    for other in (unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)):
        if os.path.lexists(other):
            return other
    folder, name = os.path.split(path)
    try:
        names = os.listdir(folder or ".")  # as text: any bytes
    except OSError:
        return path
    same = [entry for entry in names if composed(entry) == composed(name)]
    return os.path.join(folder, same[0]) if len(same) == 1 else path
