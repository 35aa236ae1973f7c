"""Points, the line through them and their groups, drawn with characters: glyphs, or dots where points are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import RenderResult
from textual.strip import Strip
from textual.widget import Widget

from aim_tui.ui.widgets.cell_text import centre, fit, wrap

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

#: A glyph for each group, so that colours are never needed to tell them apart.
GLYPHS = ("●", "▲", "■", "◆", "▼", "✚", "★")
MIXED = "+"
#: More points than this are dots of an eighth of a cell, not glyphs.
_MOST_GLYPHS = 400
_BRAILLE = 0x2800
# The bits of a braille cell by row and column of its dots.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_MARGIN = 0.04
_LONGEST_LABEL = 8


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """What is drawn. `x` and `y` (n,) are finite."""

    x: Floats
    y: Floats
    ids: tuple[str, ...]
    x_name: str
    y_name: str
    groups: tuple[str, ...] = ()
    """The group of each point; empty without groups."""
    line: tuple[float, float] | None = None
    """Slope and intercept."""
    identity: bool = False
    """Whether both sides share a scale, so that y = x means something."""

    @property
    def named_groups(self) -> tuple[str, ...]:
        """The groups in the order of their first points, where there are glyphs for all of them."""
        found = tuple(dict.fromkeys(self.groups))
        return found if 1 < len(found) <= len(GLYPHS) else ()


class Mark(NamedTuple):
    """What is in one cell: a character and the part of the plot that it belongs to."""

    glyph: str
    part: str


class Frame(NamedTuple):
    """The values at the edges."""

    left: float
    right: float
    bottom: float
    top: float


def frame(plot: Plot) -> Frame:
    """Around all points, with a margin."""
    return Frame(*_around(plot.x), *_around(plot.y))


def raster(plot: Plot, columns: int, rows: int, picked: str = "") -> dict[tuple[int, int], Mark]:
    """What is in which cell, by row from above and column."""
    cells: dict[tuple[int, int], Mark] = {}
    if columns < 1 or rows < 1 or not len(plot.x):
        return cells
    within = frame(plot)
    if plot.identity:
        cells |= _curve(within, columns, rows, 1.0, 0.0, "identity")
    if plot.line is not None:
        cells |= _curve(within, columns, rows, *plot.line, "line")
    across = (plot.x - within.left) / (within.right - within.left)
    up = (plot.y - within.bottom) / (within.top - within.bottom)
    named = plot.named_groups
    column = np.minimum((across * columns).astype(int), columns - 1)
    row = np.minimum(((1 - up) * rows).astype(int), rows - 1)
    if named or len(plot.x) <= _MOST_GLYPHS:
        places = {group: number for number, group in enumerate(named)}
        for number, (r, c) in enumerate(zip(row.tolist(), column.tolist(), strict=True)):
            place = places[plot.groups[number]] if named else 0
            mark = Mark(GLYPHS[place], f"group-{place}" if named else "point")
            before = cells.get((r, c))
            mixed = before is not None and before.part.startswith(("group", "mixed")) and before != mark
            cells[r, c] = Mark(MIXED, "mixed") if mixed else mark
    else:
        cells |= _dots(across, up, columns, rows)
    if picked in plot.ids:
        number = plot.ids.index(picked)
        where = int(row[number]), int(column[number])
        cells[where] = Mark(cells[where].glyph, "picked")
    return cells


def _around(values: Floats) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * _MARGIN or max(abs(high), 1.0) / 2
    return low - margin, high + margin


def _curve(
    within: Frame, columns: int, rows: int, slope: float, intercept: float, part: str
) -> dict[tuple[int, int], Mark]:
    """A straight line as dots; that of y = x has gaps."""
    x = within.left + (np.arange(columns * 2) + 0.5) / (columns * 2) * (within.right - within.left)
    up = (slope * x + intercept - within.bottom) / (within.top - within.bottom)
    keep = (up >= 0) & (up < 1)
    if part == "identity":
        keep &= np.arange(len(x)) % 4 < 2
    return _dots(((np.arange(len(x)) + 0.5) / len(x))[keep], up[keep], columns, rows, part)


def _dots(across: Floats, up: Floats, columns: int, rows: int, part: str = "point") -> dict[tuple[int, int], Mark]:
    """Braille cells with a dot at each place, both 0..1."""
    x = np.minimum((across * columns * 2).astype(int), columns * 2 - 1)
    y = np.minimum(((1 - up) * rows * 4).astype(int), rows * 4 - 1)
    bits = np.zeros((rows, columns), dtype=int)
    np.bitwise_or.at(bits, (y // 4, x // 2), _BITS[y % 4, x % 2])
    filled = zip(*np.nonzero(bits), strict=True)
    return {(int(r), int(c)): Mark(chr(_BRAILLE + int(bits[r, c])), part) for r, c in filled}


class Scatter(Widget):
    """A plot with its axes; nothing in it takes the keyboard."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "scatter--point",
        "scatter--mixed",
        "scatter--picked",
        "scatter--line",
        "scatter--identity",
        "scatter--axis",
        *(f"scatter--group-{number}" for number in range(len(GLYPHS))),
    }
    # The groups: colours of Okabe and Ito, distinguishable with every kind of colour blindness; lighter ones on dark.
    DEFAULT_CSS = """
    Scatter {
        background: $surface;
        color: $foreground;

        & > .scatter--point { color: $text-accent; }
        & > .scatter--mixed { color: $foreground; text-style: bold; }
        & > .scatter--picked { color: $block-cursor-foreground; background: $block-cursor-background; }
        & > .scatter--line { color: $foreground; }
        & > .scatter--identity { color: $text-muted; }
        & > .scatter--axis { color: $text-muted; }
        & > .scatter--group-0 { color: #56b4e9; }
        & > .scatter--group-1 { color: #e69f00; }
        & > .scatter--group-2 { color: #1fbf92; }
        & > .scatter--group-3 { color: #dd9cc0; }
        & > .scatter--group-4 { color: #f0e442; }
        & > .scatter--group-5 { color: #f0783c; }
        & > .scatter--group-6 { color: $foreground; }
        &:light > .scatter--group-0 { color: #0072b2; }
        &:light > .scatter--group-1 { color: #9a5b00; }
        &:light > .scatter--group-2 { color: #00664a; }
        &:light > .scatter--group-3 { color: #a0387a; }
        &:light > .scatter--group-4 { color: #6b6300; }
        &:light > .scatter--group-5 { color: #b34700; }
        &:nocolor > .scatter--picked { text-style: bold reverse; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: Plot | None = None
        self._why = ""
        self._picked = ""
        self._lines: list[Strip] | None = None

    def show(self, plot: Plot | None, why: str = "") -> None:
        """Draw this, or say why there is nothing to draw."""
        self._plot, self._why, self._picked = plot, why, ""
        self._redraw()

    def pick(self, name: str) -> None:
        """Point out one of the points."""
        if name != self._picked:
            self._picked = name
            self._redraw()

    @property
    def plot(self) -> Plot | None:
        """What is drawn."""
        return self._plot

    def render(self) -> RenderResult:
        """Drawn by line; this is only what an empty widget would be."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if self._lines is None:
            self._lines = self._draw(self.size.width, self.size.height)
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.visual_style.rich_style)

    def on_resize(self) -> None:
        """Draw anew."""
        self._redraw()

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        self._lines = None

    def _redraw(self) -> None:
        self._lines = None
        self.refresh()

    def _draw(self, width: int, height: int) -> list[Strip]:
        base = self.visual_style.rich_style
        axis = self.get_component_rich_style("scatter--axis")
        plot = self._plot
        if plot is None or not len(plot.x):
            texts = wrap(self._why, max(width - 2, 1))
            return [Strip([Segment(fit(f" {text}", width), axis)]) for text in texts]
        within = frame(plot)
        low, high = _number(float(plot.y.min())), _number(float(plot.y.max()))
        gutter = min(max(len(low), len(high)), _LONGEST_LABEL) + 1
        legend = self._legend(plot, width) if height >= 9 else []
        columns, rows = width - gutter - 1, height - 3 - len(legend)
        if columns < 4 or rows < 2:
            return [Strip([Segment(fit(" too little room to draw in", width), axis)])]
        cells = raster(plot, columns, rows, self._picked)
        ends = {_row(float(plot.y.max()), within, rows): high, _row(float(plot.y.min()), within, rows): low}
        lines = [Strip([Segment(fit(f" {plot.y_name} ↑", width), axis)])]
        for row in range(rows):
            label = fit(ends.get(row, ""), gutter - 1).strip().rjust(gutter - 1)
            segments = [Segment(f"{label} │", axis)]
            for column in range(columns):
                mark = cells.get((row, column))
                style = base if mark is None else self.get_component_rich_style(f"scatter--{mark.part}")
                segments.append(Segment(" " if mark is None else mark.glyph, style))
            lines.append(Strip(segments).simplify())
        left, right = _number(float(plot.x.min())), _number(float(plot.x.max()))
        room = columns - len(left) - len(right)
        words = f"{plot.x_name} →"
        if room < cell_len(words) + 2:
            words = fit(words, max(room - 2, 0))
        lines.append(Strip([Segment(" " * gutter + "└" + "─" * columns, axis)]))
        lines.append(
            Strip([Segment(fit(" " * (gutter + 1) + left + centre(words, max(room, 0)) + right, width), axis)])
        )
        return [*lines, *legend]

    def _legend(self, plot: Plot, width: int) -> list[Strip]:
        """One line that says which glyph is which group, as far as there is room."""
        axis = self.get_component_rich_style("scatter--axis")
        named = plot.named_groups
        if not named:
            groups = len(set(plot.groups))
            note = f" {groups} groups: too many to show here" if groups > len(GLYPHS) else ""
            return [Strip([Segment(fit(note, width), axis)])] if note else []
        each = max((width - 24) // len(named), 6)
        segments: list[Segment] = []
        for number, group in enumerate(named):
            style = self.get_component_rich_style(f"scatter--group-{number}")
            text = group.rstrip("/").rpartition("/")[2] or group or "(none)"
            segments += [Segment(f" {GLYPHS[number]} ", style), Segment(fit(text, min(each - 4, cell_len(text))), axis)]
            segments.append(Segment(" ", axis))
        mixed = Segment(f" {MIXED} ", self.get_component_rich_style("scatter--mixed"))
        segments += [mixed, Segment("several in one place", axis)]
        return [Strip(segments).adjust_cell_length(width, axis)]


def _row(value: float, within: Frame, rows: int) -> int:
    up = (value - within.bottom) / (within.top - within.bottom)
    return min(int((1 - up) * rows), rows - 1)


def _number(value: float) -> str:
    return f"{value:.3g}"
