"""The words of a prompt, each of which can be switched off, with what the score loses or gains without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

_HERE = ("move", "page", "first", "last", "toggle_mark", "clear_marks", "only")
_OFF = Style(strike=True)
_CHANGE = 8


class WordList(LineList[int]):
    """Keys are places in the prompt; the marked words are off."""

    HEADER_LINES: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_mark", "On/off", id="words.toggle", tooltip="Switch the word off or on"),
        Binding("o", "only", "Only", id="words.only", tooltip="This word alone; again: all words"),
        Binding("escape", "clear_marks", "All on", show=False, id="words.all", tooltip="Switch all words on"),
    ]

    def __init__(self, words: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._words = words
        self._changes: Mapping[int, float] = {}
        self.empty_text = "There is no prompt; p on the main screen edits it."

    def on_mount(self) -> None:
        """Show all of them, each switched on."""
        super().on_mount()
        self.set_keys(range(len(self._words)))

    def show(self, words: Sequence[str]) -> None:
        """Show the words of another prompt, each switched on."""
        self._words = words
        self.set_marks(())
        self.set_keys(range(len(words)))

    def show_changes(self, changes: Mapping[int, float]) -> None:
        """How the score changes without each word, as far as that is known."""
        self._changes = dict(changes)
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Words are neither opened nor marked in ranges."""
        return action in _HERE and super().check_action(action, parameters)

    def action_only(self) -> None:
        """Switch off every word but this one; where that is so already, all on."""
        others = set(self.keys) - {self.cursor_key}
        self.set_marks(() if self.marks == others else others)
        self.post_message(self.MarksChanged(self))

    def draw_header(self, width: int) -> list[Segment]:
        """What the columns are."""
        style = self.get_component_rich_style("line-list--header")
        said = "without" if width >= 20 else ""
        return [
            Segment(" " * self.GUTTER + fit("Words", max(width - self.GUTTER - len(said) - 1, 0)) + said + " ", style)
        ]

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One word, struck out while it is off, and the change without it."""
        room = max(width - _CHANGE - 1, 0)
        word = self._words[key]
        off = "off " if look.marked else ""
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        shown = fit(word, max(room - len(off), 0))
        body = shown.rstrip(" ")
        change = f"{self._changes[key]:+.4f}" if key in self._changes else ""
        return [
            Segment(off, muted),
            Segment(body, muted + _OFF if look.marked else look.base),
            Segment(shown[len(body) :], look.base),
            Segment(fit(change.rjust(_CHANGE), min(_CHANGE, width)), look.base),
            Segment(" ", look.base),
        ]
