"""The line below the table with what it is ranked or filtered by, and the key that ends that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.text import printable

if TYPE_CHECKING:
    from aim_tui.ui.session.arrangement import Arrangement

_MUTED = "$foreground-muted"


def arranged_line(arrangement: Arrangement, searching: str, counts: str) -> Content | None:
    """The line, or None where all rows are shown by a column; `searching` is a search that has no answer yet."""
    likeness, expression = arrangement.likeness, printable(arrangement.expression)
    if searching:
        return Content.assemble(("Search  ", _MUTED), printable(searching), ("  looking...", _MUTED))
    if likeness is not None:
        # What is most wanted first: a narrow line is cut at its end.
        counted = f"  {len(likeness.cosines)} ranked"
        if likeness.without:
            counted += f", {likeness.without} not seen by CLIP are last (s scores them)"
        if likeness.cut:
            counted += ", CLIP reads its beginning alone"
        if expression:
            counted += f"  {counts} {expression}"
        return Content.assemble(("Search  ", _MUTED), printable(likeness.text), counted, ("  esc ends", _MUTED))
    if expression:
        hint = ("  esc shows all", _MUTED)
        return Content.assemble(("Filter  ", _MUTED), expression, f"  {counts}", hint)
    return None
