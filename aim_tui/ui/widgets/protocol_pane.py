"""Panes of true pixels, by kitty's protocol or by sixels. What they send was encoded in the reading thread."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from PIL import Image
from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip

from aim_tui.terminal import kitty, sixel
from aim_tui.terminal.answers import CellSize
from aim_tui.terminal.images import ImageMode, ImageSupport
from aim_tui.ui.widgets.picture import Box
from aim_tui.ui.widgets.pixel_pane import HalfBlockPane, PixelPane, WordsPane
from aim_tui.ui.widgets.score_cells import few_colours


class ProtocolPane(HalfBlockPane):
    """Cells of text, and beside them what the terminal makes pixels of; words are drawn as everywhere.

    What makes pixels travels within the painted lines, as a segment without width, and so in Textual's own writing
    thread: no other output can come between, and a slow line holds nothing up.
    """

    AT_ONCE = False

    def __init__(self, cell: CellSize, *, id: str | None = None) -> None:
        super().__init__(cell, id=id)
        self._sent = ""

    def show_pixels(self, pixels: Image.Image, encoded: str = "") -> None:
        """Show an image that was resized to fit the box."""
        if pixels is not self._pixels:
            self._pixels, self._words = pixels, ""
            self._sent = encoded or self.encode(pixels)
            self.refresh()

    def show_words(self, text: str) -> None:
        """Show text; the image goes with the cells that it covers."""
        self._sent = ""
        super().show_words(text)

    @property
    def _cells(self) -> tuple[int, int]:
        """Columns and rows that the image covers."""
        assert self._pixels is not None
        return covered(self._pixels, self._cell)

    @property
    def _corner(self) -> tuple[int, int]:
        """Where the image begins in the pane: column and line."""
        columns, rows = self._cells
        return max((self.size.width - columns) // 2, 0), max((self.size.height - rows) // 2, 0)

    @property
    def _drawn(self) -> bool:
        # Under a dialog its colours are changed, and pixels would show through.
        return self._pixels is not None and self.screen.is_active


def covered(pixels: Image.Image, cell: CellSize) -> tuple[int, int]:
    """The columns and rows that an image covers."""
    return math.ceil(pixels.width / cell.width), math.ceil(pixels.height / cell.height)


class KittyPane(ProtocolPane):
    """The image is sent under a number, and cells of the pane's text stand for its parts."""

    def __init__(self, cell: CellSize, *, id: str | None = None) -> None:
        super().__init__(cell, id=id)
        self._number = kitty.take_number()

    @property
    def box(self) -> Box:
        """True pixels."""
        columns, rows = (min(side, kitty.LARGEST) for side in self.size)
        return Box(columns * self._cell.width, rows * self._cell.height)

    def encode(self, pixels: Image.Image) -> str:
        """What sends the image; it may be called in a thread."""
        return kitty.encode(pixels, *covered(pixels, self._cell))

    def on_unmount(self) -> None:
        """The number is free for another pane."""
        kitty.release_number(self._number)

    def render_line(self, y: int) -> Strip:
        """A line of placeholders with the image in the middle."""
        if self._pixels is None:
            return super().render_line(y)
        blank = self.visual_style.rich_style
        columns, rows = self._cells
        left, top = self._corner
        if not self._drawn or not 0 <= y - top < rows:
            return Strip.blank(self.size.width, blank)
        red, green, blue = self._number >> 16, self._number >> 8 & 255, self._number & 255
        style = blank + Style.from_color(Color.from_rgb(red, green, blue))
        line = [Segment(" " * left, blank), Segment(kitty.placeholders(y - top, columns), style)]
        return Strip(line).adjust_cell_length(self.size.width, blank)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region; the first brings the image itself along."""
        strips = super().render_lines(crop)
        if self._drawn and strips:
            sent = _beside(kitty.upload(self._sent, self._number))
            strips[0] = Strip([sent, *strips[0]], strips[0].cell_length)
        return strips


class SixelPane(ProtocolPane):
    """The image is drawn over the pane's cells after each paint of them."""

    @property
    def box(self) -> Box:
        """True pixels; the last column stays free, see `render_lines`."""
        return Box((self.size.width - 1) * self._cell.width, self.size.height * self._cell.height)

    def encode(self, pixels: Image.Image) -> str:
        """The image as sixels; it may be called in a thread."""
        return sixel.encode(pixels)

    def render_line(self, y: int) -> Strip:
        """A line of nothing: the pixels come over it."""
        if self._pixels is None:
            return super().render_line(y)
        return Strip.blank(self.size.width, self.visual_style.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region; before the last cell of it is painted, the image is drawn over the others."""
        strips = super().render_lines(crop)
        if not self._drawn or not strips or crop.width < 2:
            return strips
        left, top = self._corner
        here = self.region
        sent = f"\x1b7\x1b[{here.y + top + 1};{here.x + left + 1}H{self._sent}\x1b8"
        last = strips[-1]
        before, after = last.crop(0, last.cell_length - 1), last.crop(last.cell_length - 1)
        strips[-1] = Strip([*before, _beside(sent), *after], last.cell_length)
        return strips


def _beside(sent: str) -> Segment:
    """A segment that covers no cell: a control, so that nothing measures, cuts or colours it."""
    return Segment(sent, Style.null(), ((ControlType.CURSOR_FORWARD, 0),))


def within_colours(support: ImageSupport, app: App[Any]) -> ImageSupport:
    """The way to show images that the colours of the terminal allow."""
    if few_colours(app):
        # Facts say more than so few colours.
        return replace(support, mode=ImageMode.NONE, why="too few colours to draw with")
    if support.mode is ImageMode.KITTY and app.console.color_system != "truecolor":
        return replace(support, mode=ImageMode.HALF, why="kitty's images need true colours: set COLORTERM=truecolor")
    return support


def pixel_pane(support: ImageSupport, *, id: str | None = None) -> PixelPane:
    """The pane for a way of showing images."""
    panes: dict[ImageMode, type[HalfBlockPane]] = {
        ImageMode.KITTY: KittyPane,
        ImageMode.SIXEL: SixelPane,
        ImageMode.NONE: WordsPane,
        ImageMode.HALF: HalfBlockPane,
    }
    return panes[support.mode](support.cell, id=id)
