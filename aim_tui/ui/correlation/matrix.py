"""Metrics against judgements: a table in which one cell is picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

_HERE = ("move", "page", "first", "last", "open", "column")
_NAME = (10, 24)
# As '+0.62 n=10000'.
_SHORT = 13
_LONG = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """What a cell shows: the coefficient with the number of pairs, and with its interval where there is room."""

    short: str
    long: str


class AgreementMatrix(LineList[str]):
    """Keys are metrics, a line each; columns are judgements."""

    HEADER_LINES: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "column(1)", "Right", show=False, id="matrix.right", tooltip="The next judgement"),
        Binding("h,left", "column(-1)", "Left", show=False, id="matrix.left", tooltip="The judgement before"),
        Binding("enter", "open", "Samples", show=False, id="matrix.open", tooltip="To the samples of this cell"),
    ]

    @dataclass
    class Picked(Message):
        """Another judgement is picked."""

        judgement: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._judgements: Sequence[str] = ()
        self._figures: Mapping[tuple[str, str], Figure] = {}
        self._column = 0
        self._first = 0

    def show(self, metrics: Sequence[str], judgements: Sequence[str]) -> None:
        """The lines and columns; their figures come with `show_figures`."""
        self._judgements, self._figures = judgements, {}
        self._column = min(self._column, max(len(judgements) - 1, 0))
        self.set_keys(list(metrics) if judgements else [])
        self.refresh(layout=True)

    def show_figures(self, figures: Mapping[tuple[str, str], Figure]) -> None:
        """What is in the cells, by metric and judgement."""
        self._figures = figures
        self.refresh()

    @property
    def judgement(self) -> str | None:
        """The judgement that is picked."""
        return self._judgements[self._column] if self._judgements else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is marked here."""
        return action in _HERE

    def action_column(self, step: int) -> None:
        """Pick a judgement beside this one."""
        self._pick(self._column + step)

    def _pick(self, column: int) -> None:
        column = min(max(column, 0), len(self._judgements) - 1)
        if column >= 0 and column != self._column:
            self._column = column
            self.refresh()
            self.post_message(self.Picked(self._judgements[column]))

    def on_click(self, event: events.Click) -> None:
        """A click picks the judgement of its column too; that of the line is the list's own."""
        offset = event.get_content_offset(self)
        name, each, shown = self._layout(self.size.width - self.GUTTER)
        if offset is not None and (x := offset.x - self.GUTTER - name) >= 0 and x // each < len(shown):
            self._pick(shown[x // each])

    def draw_header(self, width: int) -> list[Segment]:
        """The judgements."""
        style = self.get_component_rich_style("line-list--header")
        picked = self.get_component_rich_style("line-list--sorted")
        name, each, shown = self._layout(width - self.GUTTER)
        hidden = len(self._judgements) - len(shown)
        corner = f"{'‹' if shown and shown[0] else ' '}{hidden} more" if hidden > 0 else ""
        segments = [Segment(" " * self.GUTTER + fit(corner, name), style)]
        for number in shown:
            title = fit(self._judgements[number], each - 2, "middle").rstrip(" ")
            indent = " " * (each - cell_len(title))
            segments += [Segment(indent, style), Segment(title, picked if number == self._column else style)]
        return [*segments, Segment(" " * (width - self.GUTTER - name - each * len(shown)), style)]

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """One metric; on the line of the cursor the picked cell alone has the cursor's colours."""
        base = self.visual_style.rich_style
        strong = self.get_component_rich_style("line-list--strong")
        name, each, shown = self._layout(width)
        segments = [Segment(fit(key, name, "middle"), strong if look.cursor else base)]
        for number in shown:
            figure = self._figures.get((key, self._judgements[number]))
            text = "…" if not self._figures else "-" if figure is None else self._text(figure, each - 2)
            here = look.cursor and number == self._column
            segments += [Segment("  ", base), Segment(text[: each - 2].rjust(each - 2), look.base if here else base)]
        return [*segments, Segment(" " * max(width - name - each * len(shown), 0), base)]

    @staticmethod
    def _text(figure: Figure, width: int) -> str:
        return figure.long if len(figure.long) <= width else figure.short

    def _layout(self, width: int) -> tuple[int, int, list[int]]:
        """The width of names, that of a column, and the columns in view, the picked one among them."""
        count = len(self._judgements)
        if not count:
            return width, 1, []
        longest = max((len(key) for key in self.keys), default=0)
        name = min(max(longest, _NAME[0]), _NAME[1], max(width - _SHORT - 2, 1))
        room = width - name
        each = _LONG + 2 if room >= (_LONG + 2) * count else max(min(room // count, _LONG + 2), _SHORT + 2)
        fitting = max(min(room // each, count), 1)
        first = min(max(self._first, self._column - fitting + 1), self._column, count - fitting)
        self._first = max(first, 0)
        return name, each, list(range(self._first, self._first + fitting))
