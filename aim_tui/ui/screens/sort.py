"""The second key of a sort: a comma, then the letter of a column; upper case reverses."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.metrics import METRICS
from aim_tui.core.selection import SortKey
from aim_tui.ui.arrangement import best_first

if TYPE_CHECKING:
    from textual.app import ComposeResult


_OTHERS = (
    ("n", "name", "name"),
    ("t", "caption", "caption"),
    ("s", "status", "status"),
    ("r", "rating", "rating"),
    ("o", "order", "item"),
)


def _letters() -> dict[str, tuple[str, SortKey]]:
    """Each column's letter with its title and order: scores begin with the best, names with the first."""
    columns = {"f": ("final", SortKey("final", best_first("final")))}
    taken = {"f", *(letter for letter, _, _ in _OTHERS)}
    for spec in METRICS.values():
        letter = next(char for char in f"{spec.id}{ascii_lowercase}" if char.isalpha() and char not in taken)
        taken.add(letter)
        columns[letter] = (spec.short, SortKey(spec.id, best_first(spec.id)))
    return columns | {letter: (title, SortKey(column, best_first(column))) for letter, title, column in _OTHERS}


LETTERS = _letters()


class SortScreen(ModalScreen["SortKey | None"]):
    """A line at the bottom that waits for one letter."""

    CSS_PATH = "sort.tcss"
    BINDING_GROUP_TITLE = "Sort"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(letter, f"sort('{letter}')", title, tooltip=f"Sort by {title}", id=f"sort.{title.lower()}")
            for letter, (title, _) in LETTERS.items()
        ),
        *(
            Binding(
                letter.upper(),
                f"sort('{letter}', True)",
                f"{title}, reversed",
                show=False,
                tooltip=f"Sort by {title}, the other way round",
                id=f"sort.{title.lower()}-reversed",
            )
            for letter, (title, _) in LETTERS.items()
        ),
        Binding("escape,q,comma", "close", "Leave", tooltip="Leave the order as it is", id="sort.close"),
    ]

    def compose(self) -> ComposeResult:
        """The words, each with its letter underlined: one line in 80 columns."""
        words = [_with_letter(title, letter) for letter, (title, _) in LETTERS.items()]
        yield Static(
            Content.assemble(("sort  ", "bold"), Content(" ").join(words), ("   Shift reverses", "$foreground-muted")),
            id="letters",
        )

    def action_sort(self, letter: str, reverse: bool = False) -> None:
        """Answer with the column of a letter."""
        key = LETTERS[letter][1]
        self.dismiss(SortKey(key.column, key.reverse != reverse))

    def action_close(self) -> None:
        """Leave the order as it is."""
        self.dismiss(None)


def _with_letter(title: str, letter: str) -> Content:
    """A title with the letter that stands for it underlined; before the title where it has no such letter."""
    at = title.lower().find(letter)
    if at < 0:
        return Content.assemble((letter, "bold underline $text-accent"), f" {title}")
    return Content.assemble(title[:at], (title[at], "bold underline $text-accent"), title[at + 1 :])
