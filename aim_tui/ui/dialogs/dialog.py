"""What all dialogs share: a titled box in the middle of the screen that escape closes, giving nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

Answer = TypeVar("Answer")


#: For dialogs whose letters are free: a page that does not fit is read by these.
SCROLLING: list[BindingType] = [
    Binding("j,down", "scroll_page(1)", "Down", show=False, tooltip="Scroll down a line", id="page.down"),
    Binding("k,up", "scroll_page(-1)", "Up", show=False, tooltip="Scroll up a line", id="page.up"),
    Binding("pagedown,space", "scroll_page(10)", "Page down", show=False, tooltip="Scroll on", id="page.page-down"),
    Binding("pageup", "scroll_page(-10)", "Page up", show=False, tooltip="Scroll back", id="page.page-up"),
]


class Dialog(ModalScreen[Answer | None]):
    """A question or a page of facts; None is the answer of whoever closes it."""

    # Absolute: Textual looks for a relative one beside the subclass.
    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    BINDING_GROUP_TITLE = "Dialog"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", tooltip="Close this and change nothing", id="dialog.close"),
    ]

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def compose(self) -> ComposeResult:
        """The box: heading, then what the dialog is about."""
        box = VerticalScroll(*self.body(), id="box", can_focus=False)
        box.border_title = Content(self._heading)
        box.border_subtitle = Content(self.keys())
        yield box

    def body(self) -> list[Widget]:
        """The widgets inside the box."""
        return []

    def keys(self) -> str:
        """The keys that matter here, shown on the lower border."""
        return "esc closes"

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_scroll_page(self, lines: int) -> None:
        """Move what is in the box by some lines."""
        self.query_exactly_one(VerticalScroll).scroll_relative(y=lines, animate=False)


class PageDialog(Dialog[None]):
    """A page to read; q closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "Close", show=False, tooltip="Close this page", id="page.close"),
        *SCROLLING,
    ]

    def __init__(self, heading: str, lines: Sequence[Content]) -> None:
        super().__init__(heading)
        self._lines = lines

    def body(self) -> list[Widget]:
        """A widget for each line, so that one that begins with spaces stays indented where it wraps."""
        return [
            Static(line[2:], markup=False, classes="indented")
            if line.plain.startswith("  ")
            else Static(line if line.plain else Content(" "), markup=False)
            for line in self._lines
        ]
