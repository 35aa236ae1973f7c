"""What is on the screen while the panes are being imported and made."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from aim_tui.core.text import printable


class OpeningScreen(Screen[None]):
    """The title line where it is going to stay, and nothing to press."""

    DEFAULT_CSS = "OpeningScreen > Static { height: 1; padding: 0 1; }"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        """One line."""
        yield Static(
            Content.assemble(("aim-tui  ", "bold"), printable(str(self._folder)), ("  opening", "$foreground-muted"))
        )
