"""What can be done with the marked images, the rule that marks, and how far the files are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, ProgressBar, Static

from aim_tui.core.selection.filters import FilterError
from aim_tui.core.selection.mark_rules import MarkRule
from aim_tui.core.text import printable
from aim_tui.file_operations.transfer import TransferOutcome
from aim_tui.ui.dialogs.dialog import Dialog
from aim_tui.ui.dialogs.menu import MenuItem, MenuScreen, menu_bindings
from aim_tui.ui.session.file_transfer import FileTransferService
from aim_tui.ui.widgets.find_bar import FilterInput, FilterSuggester

#: By the name that the screen answers with.
CHOICES: dict[str, MenuItem] = {
    "score": MenuItem("s", "Score", "Score these images anew"),
    "rate": MenuItem("r", "Rate", "Give all of them one rating; u undoes it"),
    "copy": MenuItem("c", "Copy", "Copy the files to a folder"),
    "move": MenuItem("m", "Move", "Move the files to a folder; scores stay theirs"),
    "undo": MenuItem("u", "Undo", "Undo the last copy or move, whatever was changed since"),
    "list": MenuItem("l", "List", "Write their paths to a file, one a line"),
    "list0": MenuItem("z", "List for xargs -0", "Write their paths to a file, each ended by NUL"),
    "rows": MenuItem("t", "Table", "Write their rows to a CSV or JSON file"),
    "rule": MenuItem("a", "Mark by rule", "Mark top 20, or what an expression accepts"),
}


class BatchScreen(MenuScreen):
    """What can be done with the marked images."""

    BINDING_GROUP_TITLE = "Batch"
    BINDINGS: ClassVar[list[BindingType]] = menu_bindings("batch", CHOICES, "b")
    items = CHOICES


class TransferScreen(Dialog[TransferOutcome]):
    """Does the work it is given and shows how far it is; escape ends it after the file that is on."""

    def __init__(self, transfer: FileTransferService, job: Coroutine[Any, Any, TransferOutcome | None]) -> None:
        super().__init__("Files")
        self._transfer = transfer
        self._job = job
        self._bar = ProgressBar(show_eta=False)
        self._line = Static(" ", markup=False)

    def body(self) -> list[Widget]:
        """How far, and which file."""
        return [self._bar, self._line]

    def keys(self) -> str:
        """The key that matters."""
        return "esc ends it after this file"

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(0.1, self._show)
        self._do()

    @work
    async def _do(self) -> None:
        self.dismiss(await self._job)

    def _show(self) -> None:
        if (progress := self._transfer.progress) is not None:
            self._bar.update(total=progress.total, progress=progress.done)
            name = printable(progress.path.rpartition("/")[2])
            self._line.update(f"{progress.verb} {progress.done}/{progress.total}  {name}")

    def action_close(self) -> None:
        """End it."""
        self._transfer.cancel()


class RuleScreen(Dialog["list[int]"]):
    """The items that a rule takes, or None. How many there are is said while the rule is typed."""

    def __init__(self, take: Callable[[MarkRule], list[int]], order: str, shown: int) -> None:
        super().__init__("Mark by rule")
        self._take = take
        self._about = f"top 20 or bottom 20 as sorted now ({order}), top 20 clip, or final>70 & caption~cabin"
        self._shown = shown
        self._field = FilterInput(compact=True, suggester=FilterSuggester())
        self._answer = Static(" ", markup=False)
        self._items: tuple[str, list[int]] | None = None

    def body(self) -> list[Widget]:
        """What can be typed, the field, and what it takes."""
        return [Static(Content(self._about), classes="muted"), self._field, self._answer]

    def keys(self) -> str:
        """The keys that matter."""
        return "tab completes · enter adds to the marks · esc closes"

    def on_mount(self) -> None:
        """Type at once."""
        self._field.focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._try(event.value)

    @work(exclusive=True)
    async def _try(self, text: str, then_close: bool = False) -> None:
        self._items = None
        try:
            rule = MarkRule(text)
        except FilterError as error:
            self._answer.update(str(error) if text.strip() else " ")
            self._answer.set_class(bool(text.strip()), "problem")
            return
        items = await asyncio.to_thread(self._take, rule)
        self._answer.update(f"takes {len(items)} of {self._shown} shown")
        self._answer.remove_class("problem")
        self._items = (text, items)
        if then_close:
            self.dismiss(items)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._items is not None and self._items[0] == event.value:
            self.dismiss(self._items[1])
        else:
            self._try(event.value, then_close=True)
