"""What became of each image from one run to another, by change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment

from aim_tui.core.names import ShortNames
from aim_tui.core.scoring.run_comparison import SAME, Pair
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

_NUMBERS = ("A", "B", "Change")
_WIDTHS = (6, 6, 9)
_GAP = 2


class PairList(LineList[int]):
    """Keys are positions in the list of pairs, which is sorted by falling difference."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, pairs: Sequence[Pair], names: tuple[ShortNames, ShortNames], *, id: str | None = None) -> None:
        """`names` are what the images of either run are called."""
        super().__init__(id=id)
        self._pairs = pairs
        self._names = names
        self.empty_text = "No image has a final score in both runs."

    def on_mount(self) -> None:
        """Show all of them, the largest rise first."""
        super().on_mount()
        self.set_keys(range(len(self._pairs)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Here is only to read: nothing is opened or marked."""
        return action in ("move", "page", "first", "last")

    def draw_header(self, width: int) -> list[Segment]:
        """The titles."""
        style = self.get_component_rich_style("line-list--header")
        numbers = "".join(" " * _GAP + title.rjust(cells) for title, cells in zip(_NUMBERS, _WIDTHS, strict=True))
        name = fit("Image", max(width - self.GUTTER - len(numbers) - 1, 0))
        return [Segment(" " * self.GUTTER + name + numbers + " ", style)]

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One image: its name, both final scores, and which way it went."""
        pair = self._pairs[key]
        change = pair.difference or 0.0
        sign = "▲" if change > SAME else "▼" if change < -SAME else " "
        texts = (f"{pair.a.final:.2f}", f"{pair.b.final:.2f}", f"{sign}{change:+.2f}")
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        strong = look.pen(self.get_component_rich_style("line-list--strong"))
        one, other = self._names[0][pair.a.path], self._names[1][pair.b.path]
        room = max(width - sum(_WIDTHS) - _GAP * len(_WIDTHS) - 1, 0)
        segments = [Segment(fit(one if one == other else f"{one} → {other}", room, "middle"), look.base)]
        for text, cells, style in zip(texts, _WIDTHS, (muted, muted, strong), strict=True):
            segments.append(Segment(" " * _GAP + text.rjust(cells), style))
        return [*segments, Segment(" ", look.base)]
