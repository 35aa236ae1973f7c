"""How this terminal shows images: by what it answered, by tmux, and by what the user wants."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.terminal.answers import Answers, CellSize, in_multiplexer
from aim_tui.terminal.probe import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping


class ImageMode(StrEnum):
    """How images are shown."""

    HALF = "half"
    """Two pixels a cell, in any terminal with colours."""
    KITTY = "kitty"
    SIXEL = "sixel"
    NONE = "none"
    """Facts in place of pixels."""


#: What a VT340 had, and what is assumed where the terminal did not say.
DEFAULT_CELL_SIZE = CellSize(10, 20)

# Terminals whose images live in the text, as placeholders: there they move, are covered and go with it. Others speak
# kitty's protocol without them, and would show a field of boxes.
_PLACEHOLDERS = ("kitty", "ghostty")
_TRUE_COLOUR = ("truecolor", "24bit")


@dataclass(frozen=True, slots=True)
class ImageSupport:
    """The mode in use, why, and the size of a cell for the modes that draw true pixels."""

    mode: ImageMode
    why: str
    cell: CellSize = DEFAULT_CELL_SIZE
    refused: bool = False
    """Whether another mode was asked for, and `why` tells what is in its way."""


class _Heard:
    """What the terminal has answered last: a process has one, and widgets need not be handed how it draws."""

    answers: Answers | None = None


def remember(answers: Answers) -> None:
    """From now on `image_support` is by these answers."""
    _Heard.answers = answers


def remembered() -> Answers:
    """The answers of this process's terminal, empty ones where it was not asked."""
    return _Heard.answers or Answers(problem="it was not asked")


def image_support(
    environ: Mapping[str, str] = os.environ, cell: CellSize | None = None, answers: Answers | None = None
) -> ImageSupport:
    """The mode that AIM_TUI_IMAGES names; for 'auto', its default, the best that the terminal is known to show."""
    answers = answers or remembered()
    cell = cell or answers.cell or _cell_size()
    wanted = environ.get(VARIABLE, "").strip().lower() or "auto"
    multiplexer = _multiplexer(environ, answers)
    if wanted == ImageMode.KITTY and multiplexer:
        # Its commands would have to be passed on, and be sent again whenever another pane or terminal is looked at.
        why = (
            f"{VARIABLE}=kitty shows nothing in {multiplexer}, which keeps its images from the terminal outside; "
            f"start outside {multiplexer} for true pixels"
        )
        return ImageSupport(ImageMode.HALF, why, cell, refused=True)
    if wanted in list(ImageMode):
        return ImageSupport(ImageMode(wanted), f"{VARIABLE}={wanted}", cell)
    mode, why = _best(environ, answers)
    if wanted != "auto":
        why = f"{VARIABLE}={wanted} is none of {', '.join(['auto', *ImageMode])}; {why}"
    return ImageSupport(mode, why, cell)


def _best(environ: Mapping[str, str], answers: Answers) -> tuple[ImageMode, str]:
    if multiplexer := _multiplexer(environ, answers):
        return ImageMode.HALF, f"{multiplexer} loses or misplaces the pixels of other ways"
    if answers.problem:
        return ImageMode.HALF, f"works in every terminal; as to this one, {answers.problem}"
    named = answers.name or "the terminal"
    if answers.kitty and speaks_placeholders(answers, environ):
        return ImageMode.KITTY, f"{named} takes images by kitty's protocol"
    if answers.sixel:
        return ImageMode.SIXEL, f"{named} says that it draws sixels"
    if answers.kitty:
        return ImageMode.HALF, f"{named} takes kitty's images, but is not known to keep them within text"
    return ImageMode.HALF, f"{named} knows neither kitty's protocol nor sixels"


def _multiplexer(environ: Mapping[str, str], answers: Answers) -> str:
    return in_multiplexer(environ) or ("tmux" if answers.name.startswith("tmux") else "")


def speaks_placeholders(answers: Answers, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is kitty or ghostty, by its own answer or by TERM, which SSH passes on."""
    told = (answers.name or environ.get("TERM", "")).lower().removeprefix("xterm-")
    return told.startswith(_PLACEHOLDERS)


def keep_colours(environ: MutableMapping[str, str], answers: Answers) -> bool:
    """Have Textual use all colours where they are known to work and COLORTERM does not say so.

    Call it before Textual is imported. In kitty and ghostty over SSH, which loses COLORTERM: with 256 colours, the
    numbers of kitty's images, which travel as colours, would be rounded. In tmux, which takes all of them and itself
    finds the nearest that the terminal outside has. Returns whether it was necessary.
    """
    said = environ.get("COLORTERM", "").strip().lower()
    if said in _TRUE_COLOUR or "TEXTUAL_COLOR_SYSTEM" in environ or not answers.complete:
        return False
    in_tmux = answers.name.startswith("tmux ")
    if not in_tmux and (in_multiplexer(environ) or not speaks_placeholders(answers, environ)):
        return False
    environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    return True


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
