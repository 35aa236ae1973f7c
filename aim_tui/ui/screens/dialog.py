"""What all dialogs share: a titled box in the middle of the screen that escape closes, giving nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None]):
    """A question or a page of facts; None is the answer of whoever closes it."""

    CSS_PATH = "dialog.tcss"
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


class PageDialog(Dialog[None]):
    """A page to read; q closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "Close", show=False, tooltip="Close this page", id="page.close"),
        Binding("j,down", "scroll_page(1)", "Down", show=False, tooltip="Scroll down a line", id="page.down"),
        Binding("k,up", "scroll_page(-1)", "Up", show=False, tooltip="Scroll up a line", id="page.up"),
        Binding("pagedown,space", "scroll_page(10)", "Page down", show=False, tooltip="Scroll on", id="page.page-down"),
        Binding("pageup", "scroll_page(-10)", "Page up", show=False, tooltip="Scroll back", id="page.page-up"),
    ]

    def __init__(self, heading: str, page: Content) -> None:
        super().__init__(heading)
        self._page = Static(page, markup=False)

    def body(self) -> list[Widget]:
        """The page."""
        return [self._page]

    def show(self, page: Content) -> None:
        """Show another page in place of the present one."""
        self._page.update(page)

    def action_scroll_page(self, lines: int) -> None:
        """Move the page by some lines."""
        self.query_exactly_one(VerticalScroll).scroll_relative(y=lines, animate=False)
