"""A question before something that destroys or costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from aim_tui.ui.dialogs.dialog import Dialog

# How often words that can change are looked at.
_ANEW_SECONDS = 0.2


class ConfirmScreen(Dialog[bool]):
    """True only where the user says yes. The safe button has the focus: no, or yes where nothing can be lost by it."""

    BINDING_GROUP_TITLE = "Question"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", tooltip="Do it", id="confirm.yes"),
        Binding("n,q", "answer(False)", "No", tooltip="Leave things as they are", id="confirm.no"),
        Binding("left,right", "app.focus_next", "Other", show=False, tooltip="The other button", id="confirm.other"),
    ]

    def __init__(
        self, heading: str, question: str | Callable[[], str], yes: str, no: str, *, yes_is_safe: bool = False
    ) -> None:
        """A question whose words may change while it is open, such as a count, is a function that gives them."""
        super().__init__(heading)
        self._words: Callable[[], str] = question if callable(question) else lambda: question
        self._question = Static(Content(self._words()))
        self._yes = Button(Content(yes), id="yes", compact=True)
        self._no = Button(Content(no), id="no", compact=True)
        self._safe, self._other = (self._yes, self._no) if yes_is_safe else (self._no, self._yes)
        self._safe.variant = "primary"

    def body(self) -> list[Widget]:
        """The question and its two answers."""
        return [self._question, Horizontal(self._safe, self._other, classes="buttons")]

    def keys(self) -> str:
        """The keys for the answers."""
        return "y yes · n no"

    def on_mount(self) -> None:
        """The safe answer is one enter away."""
        self._safe.focus()
        self.set_interval(_ANEW_SECONDS, self._ask_anew)

    def _ask_anew(self) -> None:
        if (words := Content(self._words())) != self._question.content:
            self._question.update(words)

    def action_answer(self, answer: bool) -> None:
        """Give the answer."""
        self.dismiss(answer)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button is self._yes)
