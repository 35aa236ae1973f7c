"""A choice among a few named things."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from aim_tui.core.text import printable
from aim_tui.ui.dialogs.dialog import Dialog


class _Choices(OptionList):
    """A page of the list can be turned before it is laid out: Textual then looks up a line that is not there."""

    def action_page_up(self) -> None:
        """Move up by what is shown."""
        with suppress(KeyError):
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Move down by what is shown."""
        with suppress(KeyError):
            super().action_page_down()  # type: ignore[no-untyped-call]


class ChooseScreen(Dialog[str]):
    """The name of what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Down", show=False, tooltip="The next choice", id="choose.down"),
        Binding("k", "move(-1)", "Up", show=False, tooltip="The choice before", id="choose.up"),
        Binding("q", "close", "Close", show=False, tooltip="Close and choose nothing", id="choose.close"),
    ]

    def __init__(self, heading: str, choices: Mapping[str, str], current: str) -> None:
        super().__init__(heading)
        self._names = list(choices)
        options = [
            Option(Content.assemble((printable(name), "bold"), "  ", (printable(about), "$foreground-muted")))
            for name, about in choices.items()
        ]
        self._list = _Choices(*options, compact=True)
        self._current = current

    def body(self) -> list[Widget]:
        """The choices."""
        return [self._list]

    def keys(self) -> str:
        """The keys that matter."""
        return "enter chooses · esc closes"

    def on_mount(self) -> None:
        """Begin at what is in use."""
        self._list.focus()
        if self._current in self._names:
            self._list.highlighted = self._names.index(self._current)

    def action_move(self, lines: int) -> None:
        """Move the highlight."""
        if lines > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._names[event.option_index])
