"""What screens over the main screen share: how their keys are declared, a key for help, and keys that go back."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from textual.binding import Binding
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.help import HelpScreen

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class ScreenKeys:
    """Makes the bindings of one screen; their ids, which a keymap changes, begin with its `place`."""

    place: str

    def __call__(
        self,
        keys: str,
        action: str,
        name: str,
        about: str,
        id: str = "",
        *,
        show: bool = True,
        display: str | None = None,
    ) -> Binding:
        """A binding with the tooltip `about`; its id is that of the action where there is no other."""
        known = f"{self.place}.{id or action.replace('_', '-')}"
        return Binding(keys, action, name, show=show, tooltip=about, id=known, key_display=display)

    def help(self, *, show: bool = True) -> Binding:
        """The keys for help."""
        return self("question_mark,f1", "help", "Help", "The keys that work here", show=show, display="?")

    def close(self, about: str, *, opener: str = "", name: str = "Close") -> Binding:
        """The keys that go back: escape, q and the key that opened the screen."""
        return self(",".join(filter(None, ("escape", "q", opener))), "close", name, about, display="q")


class AimScreen(ModalScreen[Answer]):
    """A screen over the main screen, with help and a way back."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]

    def report(self, text: str, *, error: bool = False) -> None:
        """Show a notification; an error stays longer."""
        severity: SeverityLevel = "error" if error else "information"
        self.notify(printable(text), severity=severity, markup=False, timeout=12 if error else 4)

    async def report_export(self, exporting: Awaitable[str]) -> None:
        """Report what came of writing a file; nothing where there is nothing to report."""
        try:
            text = await exporting
        except AimError as error:
            self.report(str(error), error=True)
        else:
            if text:
                self.report(text)

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

    def action_close(self) -> None:
        """Go back without an answer."""
        self.dismiss(None)
