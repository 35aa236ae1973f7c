"""A dialog for a line of text, which is checked before it is accepted."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from textual import on, work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from aim_tui.ui.dialogs.dialog import Dialog


class AskScreen(Dialog[str]):
    """A text, or None. `check` returns why a text will not do, or an empty text; the dialog stays until it does."""

    def __init__(
        self,
        heading: str,
        explanation: str,
        value: str,
        check: Callable[[str], str | Awaitable[str]],
        field: Input | None = None,
    ) -> None:
        """`field` is another one than a plain line."""
        super().__init__(heading)
        self._explanation = explanation
        self._check = check
        self._field = field or Input(compact=True, select_on_focus=False)
        self._field.value = value
        self._problem = Static(classes="problem", markup=False)

    def body(self) -> list[Widget]:
        """The explanation, the field, and what is wrong with it."""
        return [Static(Content(self._explanation), classes="muted"), self._field, self._problem]

    def keys(self) -> str:
        """The keys that matter."""
        return "enter takes it · esc closes"

    def on_mount(self) -> None:
        """Type at once."""
        self._field.focus()
        self._field.cursor_position = len(self._field.value)

    @on(Input.Submitted)
    @work(exclusive=True, group="check")
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        problem = self._check(text)
        if inspect.isawaitable(problem):
            self._problem.update("reading…")
            problem = await problem
        if problem:
            self._problem.update(problem)
        else:
            self.dismiss(text)
