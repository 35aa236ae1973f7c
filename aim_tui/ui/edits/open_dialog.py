"""Which file of edits: a path that completes itself, read before the dialog goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import on, work
from textual.widget import Widget
from textual.widgets import Input, Static

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.dialog import Dialog
from aim_tui.ui.widgets.path_input import PathInput

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")


class EditFileScreen(Dialog[bool]):
    """True once `read` has read the file; why it cannot is told while the path can still be changed."""

    def __init__(self, path: str, read: Callable[[str], Awaitable[None]]) -> None:
        super().__init__("Open edits")
        self._read = read
        self._field = PathInput(path, _ENDINGS)
        self._problem = Static(classes="problem", markup=False)

    def body(self) -> list[Widget]:
        """What is asked for, the field, and what is wrong with it."""
        about = "A file of edits: source, target and instruction in each row, as JSON, JSON Lines or CSV."
        return [Static(about, classes="muted", markup=False), self._field, self._problem]

    def keys(self) -> str:
        """The keys that matter."""
        return "tab completes · enter opens · esc closes"

    def on_mount(self) -> None:
        """Type at once."""
        self._field.focus()
        self._field.cursor_position = len(self._field.value)

    @on(Input.Submitted)
    @work(exclusive=True, group="read")
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._problem.update("reading…")
        try:
            await self._read(event.value.strip())
        except AimError as error:
            self._problem.update(printable(str(error)))
        else:
            self.dismiss(True)
