"""Pixels in a pane: half-blocks drawn here, true pixels by `protocol_pane`, or words."""

from __future__ import annotations

import math

from PIL import Image
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from aim_tui.terminal.answers import CellSize
from aim_tui.ui.widgets.cell_text import centre, wrap
from aim_tui.ui.widgets.picture import Box


class PixelPane(Widget):
    """A pane of fixed size that shows an image or a few words."""

    ALLOW_SELECT = False
    AT_ONCE = True
    """Whether showing an image costs so little that images which are only passed may be shown."""
    DEFAULT_CSS = """
    PixelPane { height: 1fr; width: 1fr; }
    """

    @property
    def box(self) -> Box:
        """The room for an image in the dots this pane draws with; without columns or rows there is none."""
        raise NotImplementedError

    def encode(self, pixels: Image.Image) -> str:
        """What the terminal is sent for an image; it may take time, and may be called in a thread."""
        return ""

    def show_pixels(self, pixels: Image.Image, encoded: str = "") -> None:
        """Show an image that was resized to fit the box, and encoded by `encode` where there was time for it."""
        raise NotImplementedError

    def show_words(self, text: str) -> None:
        """Show text in place of an image."""
        raise NotImplementedError


class HalfBlockPane(PixelPane):
    """Two dots a cell, the upper as the colour of a half block and the lower as its background.

    Drawn here and not by textual-image's widget, which decodes and resizes on the event loop at every paint; from
    resized pixels a line costs a fraction of a millisecond, and only lines that are painted cost anything.
    """

    def __init__(self, cell: CellSize, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cell = cell
        self._pixels: Image.Image | None = None
        self._dots = b""
        self._words = ""

    @property
    def box(self) -> Box:
        """One dot a column, two a line."""
        return Box(self.size.width, self.size.height * 2, self._cell.width, self._cell.height / 2)

    def show_pixels(self, pixels: Image.Image, encoded: str = "") -> None:
        """Show an image that was resized to fit the box."""
        if pixels is not self._pixels:
            self._pixels, self._dots, self._words = pixels, pixels.tobytes(), ""
            self.refresh()

    def show_words(self, text: str) -> None:
        """Show text in the middle of the pane."""
        self._pixels, self._dots, self._words = None, b"", text
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of cells, the image in the middle."""
        width, height = self.size
        blank = self.visual_style.rich_style
        if self._pixels is None:
            words = wrap(self._words, max(width - 2, 1))
            line = y - max((height - len(words)) // 2, 0)
            return Strip([Segment(centre(words[line] if 0 <= line < len(words) else "", width), blank)])
        columns, rows = self._pixels.size
        line = y - max((height - math.ceil(rows / 2)) // 2, 0)
        if not 0 <= line * 2 < rows:
            return Strip.blank(width, blank)
        left = max((width - columns) // 2, 0)
        segments = [Segment(" " * left, blank), *self._half_blocks(line)]
        return Strip(segments).adjust_cell_length(width, blank)

    def _half_blocks(self, line: int) -> list[Segment]:
        assert self._pixels is not None
        columns, rows = self._pixels.size
        stride = columns * 3
        upper = self._dots[line * 2 * stride :][:stride]
        lower = self._dots[(line * 2 + 1) * stride :][:stride] if line * 2 + 1 < rows else b""
        segments: list[Segment] = []
        run, text = b"", ""
        for at in range(0, stride, 3):
            pair = upper[at : at + 3] + lower[at : at + 3]
            if pair != run:
                if text:
                    segments.append(Segment(text, half_block_style(run)))
                run, text = pair, ""
            text += "▀"
        segments.append(Segment(text, half_block_style(run)))
        return segments


def half_block_style(pair: bytes) -> Style:
    """The style of one half block from the bytes of its upper and, where there is one, its lower dot."""
    return Style.from_color(_colour(pair[:3]), _colour(pair[3:]) if len(pair) == 6 else None)


def _colour(rgb: bytes) -> Color:
    # Not Color.from_rgb, which spends most of its time on a name that nobody reads.
    return Color("", ColorType.TRUECOLOR, triplet=ColorTriplet(*rgb))


class WordsPane(HalfBlockPane):
    """Words only: for NO_COLOR, 16 colours, or where images were switched off."""

    @property
    def box(self) -> Box:
        """A small one: it is read for its facts and colours."""
        return Box(32, 32)

    def show_pixels(self, pixels: Image.Image, encoded: str = "") -> None:
        """There is nothing to draw; the preview says it in words."""
