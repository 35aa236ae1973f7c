"""The second key of a sort: a comma, then the letter of a column; upper case reverses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.scoring.columns import IMAGES, Column
from aim_tui.core.selection.sorting import SortKey


def _letters() -> dict[str, tuple[str, SortKey]]:
    """Each column's letter with its title and order: scores begin with the best, names with the first."""
    lettered = {column.letter: column for column in IMAGES if column.letter}
    columns = {letter: column for letter, column in lettered.items() if column.id == "final"}
    for metric in METRICS:
        letter = next(char for char in f"{metric}{ascii_lowercase}" if char.isalpha() and char not in lettered)
        lettered[letter] = columns[letter] = IMAGES[metric]
    return {letter: _choice(column) for letter, column in (columns | lettered).items()}


def _choice(column: Column) -> tuple[str, SortKey]:
    return column.label or column.title, SortKey(column.id, column.largest_first)


LETTERS = _letters()


Letters = Mapping[str, tuple[str, SortKey]]
"""Each letter with the title and the order that it stands for."""


def sort_bindings(letters: Letters, place: str, in_full: Mapping[str, str] | None = None) -> list[BindingType]:
    """The keys of a screen that waits for one of these letters; columns whose titles are cut have a name `in_full`."""
    found: list[BindingType] = []
    for letter, (title, key) in letters.items():
        name, about = title.lower(), title
        if in_full is not None and key.column in in_full:
            name, about = key.column, in_full[key.column]
        there = Binding(letter, f"sort('{letter}')", title, tooltip=f"Sort by {about}", id=f"{place}.{name}")
        back = Binding(
            letter.upper(),
            f"sort('{letter}', True)",
            f"{title}, reversed",
            show=False,
            tooltip=f"Sort by {about}, the other way round",
            id=f"{place}.{name}-reversed",
        )
        found += [there, back]
    leave = Binding("escape,q,comma", "close", "Leave", tooltip="Leave the order as it is", id=f"{place}.close")
    return [*found, leave]


class LetterScreen(ModalScreen["SortKey | None"]):
    """A line at the bottom that waits for one of some letters; None where the order is to stay."""

    CSS_PATH = Path(__file__).with_name("sort.tcss")
    BINDING_GROUP_TITLE = "Sort"

    def __init__(self, letters: Letters) -> None:
        super().__init__()
        self._letters = letters

    def compose(self) -> ComposeResult:
        """The words, each with its letter underlined: one line in 80 columns."""
        words = [_with_letter(title, letter) for letter, (title, _) in self._letters.items()]
        yield Static(
            Content.assemble(("sort  ", "bold"), Content(" ").join(words), ("   Shift reverses", "$foreground-muted")),
            id="letters",
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A letter of what is not there does nothing."""
        return action != "sort" or parameters[0] in self._letters

    def action_sort(self, letter: str, reverse: bool = False) -> None:
        """Answer with the column of a letter."""
        key = self._letters[letter][1]
        self.dismiss(SortKey(key.column, key.reverse != reverse))

    def action_close(self) -> None:
        """Leave the order as it is."""
        self.dismiss(None)


class SortScreen(LetterScreen):
    """The columns of images."""

    BINDINGS: ClassVar[list[BindingType]] = sort_bindings(LETTERS, "sort")

    def __init__(self) -> None:
        super().__init__(LETTERS)


def _with_letter(title: str, letter: str) -> Content:
    """A title with the letter that stands for it underlined; before the title where it has no such letter."""
    at = title.lower().find(letter)
    if at < 0:
        return Content.assemble((letter, "bold underline $text-accent"), f" {title}")
    return Content.assemble(title[:at], (title[at], "bold underline $text-accent"), title[at + 1 :])
