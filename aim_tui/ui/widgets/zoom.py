"""A part of an image in a pane: how large its pixels are drawn, and around which point."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.inputs.images import ImageError, LoadedImage, read_image
from aim_tui.ui.widgets.picture import Box, Picture, colour_words

STEP = 1.5
"""How much a step zooms."""
LARGEST = 16.0
"""Dots a pixel of the image, at most."""
_PAN = 0.25  # of what is in view


@dataclass(frozen=True, slots=True)
class Zoom:
    """`scale` dots of the pane a pixel of the image, 1.0 being one to one; `x` and `y` from 0 to 1 are the middle."""

    scale: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def within(self, box: Box, width: int, height: int) -> Zoom:
        """The same with its middle where no more lies beyond the border than has to."""
        across, down = self.shares(box, width, height)
        return replace(self, x=_clamp(self.x, across / 2), y=_clamp(self.y, down / 2))

    def panned(self, right: int, down: int, box: Box, width: int, height: int) -> Zoom:
        """A quarter of what is in view further."""
        across, along = self.shares(box, width, height)
        moved = replace(self, x=self.x + right * across * _PAN, y=self.y + down * along * _PAN)
        return moved.within(box, width, height)

    def shares(self, box: Box, width: int, height: int) -> tuple[float, float]:
        """Which parts of the image's width and height are in view, each up to 1."""
        down = self.scale * box.dot_width / box.dot_height
        return min(box.columns / (width * self.scale), 1.0), min(box.rows / (height * down), 1.0)


def fit_scale(box: Box, width: int, height: int) -> float:
    """The scale at which the whole image fits."""
    return min(box.columns / width, box.rows * box.dot_height / box.dot_width / height)


def closer(zoom: Zoom | None, box: Box, width: int, height: int) -> Zoom | None:
    """A step closer."""
    scale = zoom.scale if zoom else fit_scale(box, width, height)
    if scale >= LARGEST:
        return zoom
    return replace(zoom or Zoom(), scale=min(scale * STEP, LARGEST)).within(box, width, height)


def farther(zoom: Zoom | None, box: Box, width: int, height: int) -> Zoom | None:
    """A step back; None is the whole image."""
    if zoom is None or zoom.scale / STEP <= fit_scale(box, width, height) * 1.001:
        return None
    return replace(zoom, scale=zoom.scale / STEP).within(box, width, height)


@dataclass(frozen=True, slots=True)
class Source:
    """A decoded image, kept while it is looked at closely."""

    path: str
    file: FileIdentity | None
    loaded: LoadedImage


def read_source(path: str, policy: ReadingPolicy, known: Source | None) -> Source:
    """The decoded image; `known` is given back while it is of this file and the file is unchanged. ImageError."""
    file = FileIdentity.of(path)
    if known is not None and known.path == path and known.file == file and file is not None:
        return known
    return Source(path, file, read_image(path, policy))


def draw_part(source: Source, box: Box, zoom: Zoom) -> Picture:
    """What is in view of an image, at the size in which it is drawn."""
    pixels = source.loaded.pixels
    width, height = pixels.size
    zoom = zoom.within(box, width, height)
    across, down = zoom.shares(box, width, height)
    columns = min(max(round(width * across * zoom.scale), 1), box.columns)
    rows = min(max(round(height * down * zoom.scale * box.dot_width / box.dot_height), 1), box.rows)
    part = (
        max((zoom.x - across / 2) * width, 0.0),
        max((zoom.y - down / 2) * height, 0.0),
        min((zoom.x + across / 2) * width, width),
        min((zoom.y + down / 2) * height, height),
    )
    # From two dots a pixel on, one wants to see the pixels.
    way = Image.Resampling.NEAREST if zoom.scale >= 2 else Image.Resampling.LANCZOS
    drawn = pixels.resize((columns, rows), way, box=part)
    return Picture(source.path, box, drawn, source.loaded.facts, colour_words(drawn), file=source.file)


def no_part(path: str, box: Box, error: Exception) -> Picture:
    """Why there is nothing in view."""
    said = str(error) if isinstance(error, ImageError) else f"cannot be shown: {error or type(error).__name__}"
    return Picture(path, box, problem=said)


def _clamp(middle: float, half: float) -> float:
    return min(max(middle, half), 1.0 - half)
