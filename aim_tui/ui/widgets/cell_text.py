"""Text that fills an exact number of terminal cells, whatever script it is written in."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from rich.cells import cell_len, split_graphemes

from aim_tui.core.text import printable

Cut = Literal["start", "middle", "end", "name"]
_ELLIPSIS = "…"
# Below these a folder shows too little to tell two apart.
_LEAST_FOLDER, _LEAST_WITH_FOLDER = 5, 12


@lru_cache(maxsize=16_384)
def fit(text: str, width: int, cut: Cut = "end") -> str:
    """`text` made printable, cut or padded with spaces to exactly `width` cells.

    'start' keeps the end, 'middle' both ends, which is where file names differ; 'name' those of a folder before it too.
    """
    if width <= 0:
        return ""
    text = printable(text)
    if cut == "name":
        return _fit_name(text, width)
    if text.isascii():
        if len(text) <= width:
            return text.ljust(width)
        if width == 1:
            return _ELLIPSIS
        tail = _tail(width - 1, cut)
        return text[: width - 1 - tail] + _ELLIPSIS + text[len(text) - tail :]
    return _fit_wide(text, width, cut)


def _fit_name(text: str, width: int) -> str:
    """A name with or without a folder: where both do not fit, each keeps its ends."""
    folder, slash, name = text.rpartition("/")
    if not slash or cell_len(text) <= width or width < _LEAST_WITH_FOLDER:
        return fit(text, width, "middle")
    room = min(max(width - 1 - cell_len(name), _LEAST_FOLDER), cell_len(folder))
    return f"{fit(folder, room, 'middle')}/{fit(name, width - room - 1, 'middle')}"


def _tail(cells: int, cut: Cut) -> int:
    """How many of the cells are for the end of a text."""
    return {"start": cells, "middle": cells // 2}.get(cut, 0)


def centre(text: str, width: int) -> str:
    """`text` in the middle of exactly `width` cells."""
    text = printable(text)
    return fit(" " * max((width - cell_len(text)) // 2, 0) + text, width)


def wrap(text: str, width: int) -> list[str]:
    """`text` as lines of at most `width` cells, broken between words; a longer word is cut."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in printable(paragraph).split(" "):
            longer = f"{line} {word}" if line else word
            if cell_len(longer) > width and line:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return [line if cell_len(line) <= width else fit(line, width) for line in lines]


def _fit_wide(text: str, width: int, cut: Cut) -> str:
    """The same for text with wide or joined characters, which are never split."""
    spans, total = split_graphemes(text)
    if total > width:
        budget = width - 1
        tail = _tail(budget, cut)
        start, used = 0, 0
        for _, end, cells in spans:
            if used + cells > budget - tail:
                break
            start, used = end, used + cells
        finish, tail = len(text), 0 if cut == "end" else budget - used
        for begin, _, cells in reversed(spans):
            if cells > tail:
                break
            finish, tail = begin, tail - cells
        text = text[:start] + _ELLIPSIS + text[finish:]
    return text + " " * (width - cell_len(text))
