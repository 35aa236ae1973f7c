"""Notifications that were shown and are gone from the screen, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from aim_tui.core.text import printable
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.notifications import ShownNotification

_SIGNS = {"error": ("! ", "bold $text-error"), "warning": ("! ", "bold $text-warning")}


class NotificationsScreen(PageDialog):
    """Toasts leave after seconds; here their texts stay as long as the application is open."""

    def __init__(self, notifications: Sequence[ShownNotification]) -> None:
        lines = [_line(one) for one in reversed(notifications)]
        super().__init__("Messages", lines or [Content("No messages yet.")])

    def keys(self) -> str:
        """The keys that matter."""
        return "j k pgdn pgup scroll · esc closes"


def _line(shown: ShownNotification) -> Content:
    return Content.assemble(
        (f"{shown.at:%H:%M:%S}  ", "$foreground-muted"), _SIGNS.get(shown.severity, ""), printable(shown.text)
    )
