"""The second key of a sort: a comma, then the letter of a column; upper case reverses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.scoring.columns import EDITS, IMAGES, Column, ColumnSet
from aim_tui.core.selection.sorting import SortKey


def _lettered(columns: ColumnSet) -> list[Column]:
    """The columns that have a letter: the final score, then metrics, then the others."""
    lettered = (column for column in columns if column.letter)
    return sorted(lettered, key=lambda column: (column.id != "final", not column.metric))


def _bindings(columns: ColumnSet, place: str) -> list[BindingType]:
    """The keys of a screen that waits for the letter of one of these columns."""
    bindings: list[BindingType] = []
    for column in _lettered(columns):
        letter, label = column.letter, column.label or column.title
        name, about = (column.id, get_metric(column.metric).title) if column.metric else (label.lower(), label)
        there = Binding(letter, f"sort('{letter}')", label, tooltip=f"Sort by {about}", id=f"{place}.{name}")
        back = Binding(
            letter.upper(),
            f"sort('{letter}', True)",
            f"{label}, reversed",
            show=False,
            tooltip=f"Sort by {about}, the other way round",
            id=f"{place}.{name}-reversed",
        )
        bindings += [there, back]
    leave = Binding("escape,q,comma", "close", "Leave", tooltip="Leave the order as it is", id=f"{place}.close")
    return [*bindings, leave]


class LetterScreen(ModalScreen["SortKey | None"]):
    """A line at the bottom that waits for the letter of a column; None where the order is to stay.

    Scores begin with the best, names with the first.
    """

    CSS_PATH = Path(__file__).with_name("sort.tcss")
    BINDING_GROUP_TITLE = "Sort"
    columns: ClassVar[ColumnSet]

    def __init__(self, absent: Iterable[str] = ()) -> None:
        """`absent` are metrics whose columns are not there."""
        super().__init__()
        absent = frozenset(absent)
        self._letters = {column.letter: column for column in _lettered(self.columns) if column.metric not in absent}

    def compose(self) -> ComposeResult:
        """The words, each with its letter underlined: one line in 80 columns."""
        words = [_with_letter(column.label or column.title, letter) for letter, column in self._letters.items()]
        yield Static(
            Content.assemble(("sort  ", "bold"), Content(" ").join(words), ("   Shift reverses", "$foreground-muted")),
            id="letters",
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A letter of what is not there does nothing."""
        return action != "sort" or parameters[0] in self._letters

    def action_sort(self, letter: str, reverse: bool = False) -> None:
        """Answer with the column of a letter."""
        column = self._letters[letter]
        self.dismiss(SortKey(column.id, column.largest_first != reverse))

    def action_close(self) -> None:
        """Leave the order as it is."""
        self.dismiss(None)


class SortScreen(LetterScreen):
    """The columns of images."""

    BINDINGS: ClassVar[list[BindingType]] = _bindings(IMAGES, "sort")
    columns = IMAGES


class EditSortScreen(LetterScreen):
    """The columns of edits."""

    BINDINGS: ClassVar[list[BindingType]] = _bindings(EDITS, "edit-sort")
    columns = EDITS


def _with_letter(title: str, letter: str) -> Content:
    """A title with the letter that stands for it underlined; before the title where it has no such letter."""
    at = title.lower().find(letter)
    if at < 0:
        return Content.assemble((letter, "bold underline $text-accent"), f" {title}")
    return Content.assemble(title[:at], (title[at], "bold underline $text-accent"), title[at + 1 :])
