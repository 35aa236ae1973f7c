"""How this terminal shows images, decided without ever asking it while Textual runs.

textual-image probes the terminal when it is imported; over SSH the answers come late and would arrive as key
presses. So it is imported only where pixels by kitty's or sixel's protocol are wanted, with a stdout that is no
terminal, and its own choice is never used.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "AIM_TUI_IMAGES"


class ImageMode(StrEnum):
    """How images are shown."""

    HALF = "half"
    """Two pixels a cell, in any terminal with colours."""
    KITTY = "kitty"
    SIXEL = "sixel"
    NONE = "none"
    """Facts in place of pixels."""


class CellSize(NamedTuple):
    """Size of one terminal cell in pixels."""

    width: int
    height: int


#: What a VT340 had, and what is assumed where the terminal did not say.
DEFAULT_CELL_SIZE = CellSize(10, 20)


@dataclass(frozen=True, slots=True)
class ImageSupport:
    """The mode in use, why, and the size of a cell for the modes that draw true pixels."""

    mode: ImageMode
    why: str
    cell: CellSize = DEFAULT_CELL_SIZE


def image_support(environ: Mapping[str, str] = os.environ, cell: CellSize | None = None) -> ImageSupport:
    """The mode by AIM_TUI_IMAGES; 'auto' (the default) is half-cell, which is right everywhere."""
    wanted = environ.get(VARIABLE, "auto").strip().lower() or "auto"
    cell = cell or _cell_size()
    if wanted == "auto":
        return ImageSupport(ImageMode.HALF, "works in every terminal", cell)
    try:
        return ImageSupport(ImageMode(wanted), f"{VARIABLE}={wanted}", cell)
    except ValueError:
        known = ", ".join(["auto", *ImageMode])
        return ImageSupport(ImageMode.HALF, f"{VARIABLE}={wanted} is none of {known}", cell)


def protocol_widget(support: ImageSupport) -> type[Any]:
    """textual-image's widget class for kitty or sixel; ValueError for a mode that needs none."""
    names = {ImageMode.KITTY: "TGPImage", ImageMode.SIXEL: "SixelImage"}
    if support.mode not in names:
        raise ValueError(f"no protocol is needed for {support.mode}")
    with _stdout_is_no_terminal():
        terminal = importlib.import_module("textual_image._terminal")
        # Its cache of the cell size: filled, it never sends a query.
        terminal.get_cell_size._result = terminal.CellSize(*support.cell)
        widgets = importlib.import_module("textual_image.widget")
    widget_class: type[Any] = getattr(widgets, names[support.mode])
    return widget_class


@contextmanager
def _stdout_is_no_terminal() -> Iterator[None]:
    real = sys.__stdout__
    sys.__stdout__ = io.StringIO()  # type: ignore[misc, assignment]  # only isatty is asked
    try:
        yield
    finally:
        sys.__stdout__ = real  # type: ignore[misc]


def _cell_size() -> CellSize:
    """The size of a cell as the kernel knows it (an ioctl: no byte goes to the terminal)."""
    try:
        import fcntl
        import struct
        import termios

        stdout = sys.__stdout__
        if stdout is None or not stdout.isatty():
            return DEFAULT_CELL_SIZE
        packed = fcntl.ioctl(stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("HHHH", packed)
    except (ImportError, OSError, ValueError):
        return DEFAULT_CELL_SIZE
    if not (rows and columns and width and height):
        return DEFAULT_CELL_SIZE
    return CellSize(max(width // columns, 1), max(height // rows, 1))
