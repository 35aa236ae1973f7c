"""What was said on the screen and is gone from it, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.text import printable
from aim_tui.ui.dialogs.dialog import PageDialog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aim_tui.ui.notifications import Told

_SIGNS = {"error": ("! ", "bold $text-error"), "warning": ("! ", "bold $text-warning")}


class ToldScreen(PageDialog):
    """Toasts leave after seconds; here their words stay as long as the application is open."""

    def __init__(self, told: Sequence[Told]) -> None:
        lines = [_line(one) for one in reversed(told)]
        super().__init__("What was said", lines or [Content("Nothing was said yet.")])

    def keys(self) -> str:
        """The keys that matter."""
        return "j k pgdn pgup scroll · esc closes"


def _line(told: Told) -> Content:
    return Content.assemble(
        (f"{told.at:%H:%M:%S}  ", "$foreground-muted"), _SIGNS.get(told.severity, ""), printable(told.text)
    )
