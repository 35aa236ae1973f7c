"""A line for a word to find or an expression to filter by; it goes away when it is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Seeking(StrEnum):
    """What the line is used for."""

    FIND = "find"
    FILTER = "filter"


_PLACEHOLDERS = {
    Seeking.FIND: "part of a name",
    Seeking.FILTER: "part of a name, or final>70 & caption~cabin & !failed",
}


class FindBar(Horizontal):
    """Label, field, and what came of it."""

    BINDING_GROUP_TITLE = "Find and filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Give up", tooltip="Go back to what was shown before", id="find.leave"),
    ]

    @dataclass
    class Changed(Message):
        """The text reads like this now."""

        seeking: Seeking
        text: str

    @dataclass
    class Taken(Message):
        """Enter was pressed."""

        seeking: Seeking
        text: str

    @dataclass
    class Left(Message):
        """Escape was pressed."""

        seeking: Seeking

    def __init__(self) -> None:
        super().__init__(id="find-bar")
        self.display = False
        self._seeking = Seeking.FIND
        self._label = Static(classes="field-label")
        self._field = Input(compact=True, select_on_focus=False)
        self._answer = Static(classes="answer", markup=False)

    def compose(self) -> ComposeResult:
        """One line."""
        yield self._label
        yield self._field
        yield self._answer

    @property
    def seeking(self) -> Seeking:
        """What the line is used for, or was last."""
        return self._seeking

    def open(self, seeking: Seeking, text: str) -> None:
        """Take the keyboard for one of the two."""
        self._seeking = seeking
        self._label.update(seeking.title())
        self._field.placeholder = _PLACEHOLDERS[seeking]
        with self.prevent(Input.Changed):
            self._field.value = text
        self.say("")
        self.display = True
        self._field.focus()
        self._field.cursor_position = len(text)

    def close(self) -> None:
        """Go away."""
        self.display = False

    def say(self, answer: str, problem: bool = False) -> None:
        """Say what came of the text."""
        self._answer.update(answer)
        self._answer.set_class(problem, "-problem")

    def action_leave(self) -> None:
        """Give up."""
        self.post_message(self.Left(self._seeking))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self._seeking, event.value))

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Taken(self._seeking, event.value))
