"""Samples on which a metric and a judgement agree or do not, with what each says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from aim_tui.core.names import ShortNames
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

_GAP = 2
# Numbers that give way first where there is little room: from which width of the list on each is shown.
_FROM = (0, 0, 84, 46, 60, 60)
_TITLES = ("expected", "residual", "rank gap", "influence")
_WIDTHS = (12, 12, 9, 9, 9, 9)


class ResidualList(LineList[str]):
    """Keys are ids of samples."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._names = ("", "")
        self._numbers: dict[str, Sequence[str]] = {}
        self._short_names = ShortNames()

    def show(self, title: str, names: tuple[str, str], lines: Sequence[tuple[str, Sequence[str]]], empty: str) -> None:
        """Samples with their numbers: by metric, by judgement, expected, residual, rank gap, influence."""
        self._title, self._names, self._numbers = title, names, dict(lines)
        self.empty_text = empty
        keys = [key for key, _ in lines]
        self._short_names = ShortNames(keys)
        self.set_keys(keys, keys[0] if keys else None)
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Samples are opened, not marked."""
        return action in ("move", "page", "first", "last", "open")

    def draw_header(self, width: int) -> list[Segment]:
        """Which samples these are, and the titles."""
        style = self.get_component_rich_style("line-list--header")
        strong = self.get_component_rich_style("line-list--sorted")
        cells = self._cells((*self._names, *_TITLES), width)
        room = max(width - self.GUTTER - cell_len(cells), 0)
        title = fit(self._title, room).rstrip(" ")
        return [
            Segment(" " * self.GUTTER, style),
            Segment(title, strong),
            Segment(" " * (room - cell_len(title)) + cells, style),
        ]

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """One sample."""
        cells = self._cells(self._numbers[key], width)
        return [Segment(fit(self._short_names[key], max(width - cell_len(cells), 0), "name") + cells, look.base)]

    def _cells(self, texts: Sequence[str], width: int) -> str:
        shown = (
            " " * (cells + _GAP - cell_len(shown)) + shown
            for text, cells, least in zip(texts, _WIDTHS, _FROM, strict=True)
            if width >= least and (shown := fit(text, cells, "middle").strip(" ")) is not None
        )
        return "".join(shown) + " "
