"""Categories with their mean as a bar, and the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

if TYPE_CHECKING:
    from aim_tui.core.embeddings.categories import Category
    from aim_tui.core.statistics import Mean

_GAP = 2
# From which width of the list on each figure is shown; the mean and the number of images always are.
_FROM = (0, 56, 76, 0, 64)
_TITLES = ("mean", "std", "95 % interval", "n", "failed")
_WIDTHS = (7, 6, 18, 6, 6)
_EIGHTHS = " ▏▎▍▌▋▊▉"


class CategoryList(LineList[str]):
    """Keys are names of categories."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._categories: Mapping[str, Category] = {}
        self._extent = (0.0, 0.0)
        self._sorted = ""

    def can_mark(self, key: str) -> bool:
        """Lines here are opened, not marked."""
        return False

    def show(self, categories: Sequence[Category], extent: tuple[float, float], order: str) -> None:
        """These categories, in this order; bars go from one end of the extent to the other."""
        self._categories = {category.name: category for category in categories}
        self._extent, self._sorted = extent, order
        self.set_keys(list(self._categories))
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Categories are opened, not marked."""
        return action in ("move", "page", "first", "last", "open")

    def draw_header(self, width: int) -> list[Segment]:
        """The titles, the one that is sorted by underlined."""
        width = max(width - self.GUTTER - 1, 0)
        style = self.get_component_rich_style("line-list--header")
        strong = self.get_component_rich_style("line-list--sorted")
        name = fit("Category", self._name_width(width))
        by = {"mean": "mean", "count": "n"}.get(self._sorted)
        cells = [
            Segment(" " * (cells + _GAP - len(title)), style)
            if part == 0
            else Segment(title, strong if title == by else style)
            for title, cells in self._shown(width)
            for part in (0, 1)
        ]
        used = cell_len(name) + sum(cell_len(cell.text) for cell in cells)
        bar = Segment(" " * max(width - used, 0), style)
        return [
            Segment(" " * self.GUTTER, style),
            Segment(name.rstrip(), strong if self._sorted == "name" else style),
            Segment(" " * (cell_len(name) - cell_len(name.rstrip())), style),
            bar,
            *cells,
            Segment(" ", style),
        ]

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """Name, bar, figures."""
        width = max(width - 1, 0)
        category = self._categories[key]
        name = fit(key, self._name_width(width), "middle")
        titles = [title for title, _ in self._shown(width)]
        figures = dict(zip(_TITLES, figures_of(category.summary, len(category.failures)), strict=True))
        cells = "".join(
            " " * (self._cells(title) + _GAP - cell_len(figures[title])) + figures[title] for title in titles
        )
        room = max(width - cell_len(name) - cell_len(cells) - 1, 0)
        pen = look.pen(self.get_component_rich_style("line-list--mark")) if category.summary else look.base
        segments = [Segment(name, look.base), Segment(" ", look.base), Segment(self._bar(category, room), pen)]
        return [*segments, Segment(f"{cells} ", look.base)]

    def _bar(self, category: Category, room: int) -> str:
        low, high = self._extent
        if category.summary is None:
            return fit("no score", room)
        if high <= low:
            return " " * room
        eighths = round((category.summary.mean - low) / (high - low) * room * 8)
        whole, part = divmod(max(0, min(eighths, room * 8)), 8)
        return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(room)[:room]

    def _name_width(self, width: int) -> int:
        longest = max((cell_len(name) for name in self._categories), default=8)
        return min(max(longest, 8), max(width // 3, 8))

    def _shown(self, width: int) -> list[tuple[str, int]]:
        return [(title, cells) for title, cells, least in zip(_TITLES, _WIDTHS, _FROM, strict=True) if width >= least]

    def _cells(self, title: str) -> int:
        return _WIDTHS[_TITLES.index(title)]


def figures_of(found: Mean | None, failed: int) -> tuple[str, str, str, str, str]:
    """Mean, standard deviation, interval, count and failures as they are read; '-' for what there is none of."""
    lost = f"{failed:,}" if failed else ""
    if found is None:
        return "-", "-", "-", "0", lost
    std = "-" if found.std is None else f"{found.std:.4f}"
    interval = "-" if found.low is None or found.high is None else f"{found.low:.4f} to {found.high:.4f}"
    return f"{found.mean:.4f}", std, interval, f"{found.n:,}", lost
