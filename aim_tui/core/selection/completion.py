"""What a filter that is being typed may go on with: the names of columns, in the order numbers, texts, flags."""

from __future__ import annotations

import re

from aim_tui.core.scoring.columns import IMAGES, ColumnSet, Kind

# A word at the end that is neither quoted nor what something is compared with.
_LAST = re.compile(r"(?:^|[\s&|(!])([A-Za-z_][A-Za-z0-9_]*)$")


def completions(text: str, columns: ColumnSet = IMAGES) -> list[str]:
    """The names that the word at the end of `text` begins, in the order of the columns; none within a value."""
    if text.count('"') % 2 or text.count("'") % 2:
        return []
    found = _LAST.search(text)
    if found is None or re.search(r"[<>=~]\s*$", text[: found.start(1)]):
        return []
    word = found[1].lower()
    return [name for name in columns.names(*Kind) if name.startswith(word) and name != word]


def completed(text: str, columns: ColumnSet = IMAGES) -> str | None:
    """`text` with its last word completed by the first name that fits, or None."""
    names = completions(text, columns)
    if not names:
        return None
    found = _LAST.search(text)
    assert found is not None  # or there would be no names
    return text + names[0][len(found[1]) :]
