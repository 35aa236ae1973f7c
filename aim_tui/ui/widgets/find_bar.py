"""A line for a name to find, an expression to filter by, or words to rank by; it goes away when it is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from aim_tui.core.scoring.columns import IMAGES, ColumnSet
from aim_tui.core.selection.completion import completed


class Seeking(StrEnum):
    """What the line is used for."""

    FIND = "find"
    FILTER = "filter"
    SEARCH = "search"


_PLACEHOLDERS = {
    Seeking.FIND: "part of a name",
    Seeking.SEARCH: "what the images show; enter ranks them by it",
    Seeking.FILTER: "part of a name, or final>70 & caption~cabin & !failed",
}


# As the style sheet has it.
_LABEL_WIDTH = 8


class FilterSuggester(Suggester):
    """Completes the names of fields and statuses while a filter is typed."""

    def __init__(self, columns: ColumnSet = IMAGES) -> None:
        super().__init__(case_sensitive=True)
        self.columns = columns

    async def get_suggestion(self, value: str) -> str | None:
        """The text with its last word completed."""
        return completed(value, self.columns)


class FilterInput(Input):
    """A field whose suggestion tab takes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False, tooltip="Complete a field's name", id="find.complete"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing is suggested, tab is free for other things."""
        return self.suggester is not None if action == "complete" else True

    def action_complete(self) -> None:
        """Take the completion, where there is one."""
        assert isinstance(self.suggester, FilterSuggester)  # or the action is not offered
        if self.cursor_at_end and (whole := completed(self.value, self.suggester.columns)) is not None:
            self.value = whole
            self.cursor_position = len(whole)


class FindBar(Vertical):
    """Label, field, and what came of it; below them the place of a mistake."""

    BINDING_GROUP_TITLE = "Find and filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", tooltip="Show what was shown before", id="find.leave"),
        Binding("tab", "turn", "Names or content", tooltip="Find a name, or rank by what is shown", id="find.turn"),
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
    class Cancelled(Message):
        """Escape was pressed."""

        seeking: Seeking

    def __init__(self, *, searches: bool = False, columns: ColumnSet = IMAGES) -> None:
        super().__init__(id="find-bar")
        self.display = False
        self._searches = searches
        self._seeking = Seeking.FIND
        self._label = Static(classes="field-label")
        self._field = FilterInput(compact=True, select_on_focus=False)
        self._answer = Static(classes="answer", markup=False)
        self._mistake = Static(classes="mistake", markup=False)
        self._suggester = FilterSuggester(columns)

    def compose(self) -> ComposeResult:
        """One line, and a second one while there is a mistake."""
        with Horizontal(classes="find-line"):
            yield self._label
            yield self._field
            yield self._answer
        yield self._mistake

    @property
    def seeking(self) -> Seeking:
        """What the line is used for, or was last."""
        return self._seeking

    def open(self, seeking: Seeking, text: str) -> None:
        """Take the keyboard for one of them."""
        self._seeking = seeking
        self._label.update(seeking.title())
        self._field.placeholder = _PLACEHOLDERS[seeking]
        self._field.suggester = self._suggester if seeking is Seeking.FILTER else None
        with self.prevent(Input.Changed):
            self._field.value = text
        self.say(
            {Seeking.FIND: "tab: by what is shown", Seeking.SEARCH: "tab: by name"}.get(seeking, "")
            if self._searches
            else ""
        )
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
        self._mistake.display = False

    def say_mistake(self, message: str, column: int) -> None:
        """Point at a column of the text, counted from 1, and say what is wrong there; the answer stays."""
        before = cell_len(self._field.value[: column - 1])
        at = max(0, min(before - round(self._field.scroll_offset.x), self._field.size.width - 1))
        room = self.size.width - _LABEL_WIDTH - at - 4
        # To the right of the sign where there is room, else to its left.
        words = f"{' ' * at}▲ {message}" if cell_len(message) <= room else f"{message} ▲".rjust(at + 1)
        self._mistake.update(" " * _LABEL_WIDTH + words)
        self._mistake.display = True

    @property
    def mistaken(self) -> bool:
        """Whether a mistake is pointed at."""
        return self._mistake.display

    def forgive(self) -> None:
        """Point at no mistake."""
        self._mistake.display = False

    def action_leave(self) -> None:
        """Leave, and show what was shown before."""
        self.post_message(self.Cancelled(self._seeking))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only who can rank by what is shown offers it."""
        return self._searches and self._seeking is not Seeking.FILTER if action == "turn" else True

    def action_turn(self) -> None:
        """Use the line for the other of names and content; what was typed stays."""
        text = self._field.value
        if self._seeking is Seeking.FIND:
            self.open(Seeking.SEARCH, text)
        else:
            self.open(Seeking.FIND, text)
            self.post_message(self.Changed(self._seeking, text))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self._seeking, event.value))

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Taken(self._seeking, event.value))
