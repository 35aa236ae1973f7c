"""Undo and redo, as every screen offers them on which something can be changed."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import work
from textual.binding import BindingType
from textual.screen import Screen

from aim_tui.ui.aim_screen import ScreenKeys
from aim_tui.ui.session.undo_history import UndoHistory, UndoStep


def undo_bindings(key: ScreenKeys, *, show: bool = False) -> list[BindingType]:
    """The keys of `UndoVerbs`."""
    return [
        key("u", "undo", "Undo", "Undo the last change: rating, mark, prompt, reference, weights, files", show=show),
        key("U", "redo", "Redo", "Redo what was undone last", show=False),
    ]


class UndoVerbs(Screen[Any]):
    """The actions behind the keys; the history reports what they undo."""

    undo_history: UndoHistory

    def input_settled(self) -> bool:
        """Whether keys come from the user, and not from a terminal that answers late."""
        return True

    def step_undone(self, step: UndoStep) -> None:
        """A step was undone or redone: show it."""

    @work
    async def action_undo(self) -> None:
        """Undo the last change."""
        if self.input_settled():
            self._show_step(await asyncio.shield(self.undo_history.undo()))

    @work
    async def action_redo(self) -> None:
        """Redo what was undone last."""
        if self.input_settled():
            self._show_step(await asyncio.shield(self.undo_history.redo()))

    def _show_step(self, step: UndoStep | None) -> None:
        if step is not None:
            self.step_undone(step)
