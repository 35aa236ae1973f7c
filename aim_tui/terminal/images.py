"""Choose how to draw images, by the terminal's answers, tmux and the user's setting."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum

from aim_tui.terminal.answers import Answers, CellSize, in_multiplexer
from aim_tui.terminal.probe import VARIABLE


class ImageMode(StrEnum):
    """How images are drawn."""

    HALF = "half"
    """Two pixels per cell, in any terminal with colours."""
    KITTY = "kitty"
    SIXEL = "sixel"
    NONE = "none"
    """A text description instead of pixels."""


#: That of a VT340, used if the terminal does not report its own.
DEFAULT_CELL_SIZE = CellSize(10, 20)

# Terminals that support kitty's Unicode placeholders, with which images scroll and are covered like text. Others
# support kitty's protocol without them, and would show boxes.
_PLACEHOLDERS = ("kitty", "ghostty")
_TRUE_COLOUR = ("truecolor", "24bit")


@dataclass(frozen=True, slots=True)
class ImageSupport:
    """The mode in use, the reason for it, and the size of a cell for modes that draw true pixels."""

    mode: ImageMode
    why: str
    cell: CellSize = DEFAULT_CELL_SIZE
    refused: bool = False
    """Whether the user's setting cannot be used; `why` gives the reason."""


class _Remembered:
    """The terminal's last answers: there is one terminal per process, so widgets need not pass them around."""

    answers: Answers | None = None


def remember(answers: Answers) -> None:
    """Use these answers in `image_support` from now on."""
    _Remembered.answers = answers


def remembered() -> Answers:
    """The answers of this process's terminal; empty if it was not queried."""
    return _Remembered.answers or Answers(problem="it was not queried")


def image_support(
    environ: Mapping[str, str] = os.environ, cell: CellSize | None = None, answers: Answers | None = None
) -> ImageSupport:
    """The mode named by AIM_TUI_IMAGES; for 'auto', the default, the best mode that the terminal supports."""
    answers = answers or remembered()
    cell = cell or answers.cell or _cell_size()
    wanted = environ.get(VARIABLE, "").strip().lower() or "auto"
    multiplexer = _multiplexer(environ, answers)
    if wanted == ImageMode.KITTY and multiplexer:
        # The commands would need passthrough, and have to be sent again whenever the pane or the client changes.
        why = (
            f"{VARIABLE}=kitty does not work in {multiplexer}, which does not pass images to the outer terminal; "
            f"start outside {multiplexer} for true pixels"
        )
        return ImageSupport(ImageMode.HALF, why, cell, refused=True)
    if wanted in list(ImageMode):
        return ImageSupport(ImageMode(wanted), f"{VARIABLE}={wanted}", cell)
    mode, why = _best(environ, answers)
    if wanted != "auto":
        why = f"{VARIABLE}={wanted} is not one of {', '.join(['auto', *ImageMode])}; {why}"
    return ImageSupport(mode, why, cell)


def _best(environ: Mapping[str, str], answers: Answers) -> tuple[ImageMode, str]:
    if multiplexer := _multiplexer(environ, answers):
        return ImageMode.HALF, f"{multiplexer} loses or misplaces true pixels"
    if answers.problem:
        return ImageMode.HALF, f"works in every terminal; about this one: {answers.problem}"
    name = answers.name or "the terminal"
    if answers.kitty and supports_placeholders(answers, environ):
        return ImageMode.KITTY, f"{name} supports kitty's image protocol"
    if answers.sixel:
        return ImageMode.SIXEL, f"{name} supports sixels"
    if answers.kitty:
        return ImageMode.HALF, f"{name} supports kitty's image protocol, but not its placeholders"
    return ImageMode.HALF, f"{name} supports neither kitty's image protocol nor sixels"


def _multiplexer(environ: Mapping[str, str], answers: Answers) -> str:
    return in_multiplexer(environ) or ("tmux" if answers.name.startswith("tmux") else "")


def supports_placeholders(answers: Answers, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is kitty or ghostty, by its answer or by TERM, which SSH passes on."""
    name = (answers.name or environ.get("TERM", "")).lower().removeprefix("xterm-")
    return name.startswith(_PLACEHOLDERS)


def keep_colours(environ: MutableMapping[str, str], answers: Answers) -> bool:
    """Make Textual use true colour where it works but COLORTERM does not say so; returns whether it was necessary.

    Call it before Textual is imported. Needed in kitty and ghostty over SSH, which drops COLORTERM: with 256 colours
    the ids of kitty's images, which are encoded as colours, would be rounded. Also in tmux, which accepts true colour
    and maps it to the colours of the outer terminal.
    """
    colorterm = environ.get("COLORTERM", "").strip().lower()
    if colorterm in _TRUE_COLOUR or "TEXTUAL_COLOR_SYSTEM" in environ or not answers.complete:
        return False
    in_tmux = answers.name.startswith("tmux ")
    if not in_tmux and (in_multiplexer(environ) or not supports_placeholders(answers, environ)):
        return False
    environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    return True


def _cell_size() -> CellSize:
    """The size of a cell according to the kernel (an ioctl: nothing is sent to the terminal)."""
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
