"""What screens over the main screen share: a key for help, and keys that go back."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

from aim_tui.ui.dialogs.help import HelpScreen

Answer = TypeVar("Answer")


def help_binding(place: str, *, show: bool = True) -> Binding:
    """The keys for help, with the id that they have on this screen."""
    return Binding(
        "question_mark,f1",
        "help",
        "Help",
        show=show,
        tooltip="The keys that work here",
        id=f"{place}.help",
        key_display="?",
    )


def close_binding(place: str, tooltip: str, *, opener: str = "", name: str = "Close") -> Binding:
    """The keys that go back: escape, q and the key that opened the screen, with the id that they have on it."""
    keys = ",".join(filter(None, ("escape", "q", opener)))
    return Binding(keys, "close", name, tooltip=tooltip, id=f"{place}.close", key_display="q")


class AimScreen(ModalScreen[Answer]):
    """A screen over the main screen, with help and a way back."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

    def action_close(self) -> None:
        """Go back without an answer."""
        self.dismiss(None)
