"""What a filter that is being typed may go on with: names of fields, statuses, and the other words with a meaning."""

from __future__ import annotations

import re

from aim_tui.core.scoring.plan import Status
from aim_tui.core.selection.fields import FIELDS

#: The words that stand for themselves in an expression.
WORDS: tuple[str, ...] = (*(status.value for status in Status), "stale", "marked")

# A word at the end that is neither quoted nor what something is compared with.
_LAST = re.compile(r"(?:^|[\s&|(!])([A-Za-z_][A-Za-z0-9_]*)$")


def completions(text: str) -> list[str]:
    """The names that the word at the end of `text` begins, in the order of the field table; none within a value."""
    if text.count('"') % 2 or text.count("'") % 2:
        return []
    found = _LAST.search(text)
    if found is None or re.search(r"[<>=~]\s*$", text[: found.start(1)]):
        return []
    word = found[1].lower()
    return [name for name in (*FIELDS, *WORDS) if name.startswith(word) and name != word]


def completed(text: str) -> str | None:
    """`text` with its last word completed by the first name that fits, or None."""
    names = completions(text)
    if not names:
        return None
    found = _LAST.search(text)
    assert found is not None  # or there would be no names
    return text + names[0][len(found[1]) :]
