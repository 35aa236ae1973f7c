"""The second key of a sort of edits: a comma, then the letter of a column; upper case reverses."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.binding import BindingType

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.selection.sorting import SortKey
from aim_tui.ui.dialogs.sort import LetterScreen, sort_bindings
from aim_tui.ui.edits.arrangement import first_on_top
from aim_tui.ui.edits.table import TITLES

# Where the main screen has the same column, it has the same letter.
_NUMBERS = {
    "c": "editclip_score",
    "e": "edit_score",
    "d": "directional_similarity",
    "t": "target_text_sim",
    "x": "source_text_sim",
    "b": "source_target_sim",
    "l": "preservation_lpips",
    "k": "preservation_clip",
    "a": "caption_change",
    "y": "caption_instruction_sim",
}
_OTHERS = {
    "i": ("id", "id"),
    "n": ("instruction", "instruction"),
    "w": ("wrong", "error_type"),
    "s": ("status", "status"),
    "r": ("rating", "rating"),
    "o": ("order", "item"),
}
LETTERS = {letter: (TITLES[column], SortKey(column, first_on_top(column))) for letter, column in _NUMBERS.items()} | {
    letter: (title, SortKey(column, first_on_top(column))) for letter, (title, column) in _OTHERS.items()
}


class EditSortScreen(LetterScreen):
    """The columns of edits, of the numbers those that were asked for."""

    BINDINGS: ClassVar[list[BindingType]] = sort_bindings(
        LETTERS, "edit-sort", {column: MEASURES[column].title for column in _NUMBERS.values()}
    )

    def __init__(self, numbers: Collection[str]) -> None:
        absent = {letter for letter, column in _NUMBERS.items() if column not in numbers}
        super().__init__({letter: said for letter, said in LETTERS.items() if letter not in absent})
