"""Heatmaps over an image: how much each region contributes to a score, as plain numbers.

The engine computes them, the screen draws them; the shares of regions and the words of a prompt are defined here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

#: The most cells per side: a terminal cannot show more.
MOST_CELLS = 96

_WORD = re.compile(r"\S+")
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")


class MapMethod(StrEnum):
    """What a heatmap shows."""

    ATTENTION = "attention"
    """Where CLIP's image model looks, whatever the prompt."""
    RELEVANCE = "relevance"
    """Which regions make the image match the words."""
    DIFFERENCE = "difference"
    """Where the image differs from the reference, by LPIPS."""


@dataclass(frozen=True, slots=True)
class Map:
    """A grid of numbers, none below 0, over a part of an image.

    `grid` has the rows from top to bottom. `area` is the part of the image that the grid covers, and that CLIP sees:
    left, top, right and bottom in fractions of its width and height. `score` is the cosine of the image with `text`, or
    the distance to the reference; None without a text. `whole` is the cosine with the whole prompt. `how` names model
    and method.
    """

    method: MapMethod
    grid: tuple[tuple[float, ...], ...]
    width: int
    height: int
    area: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    text: str = ""
    score: float | None = None
    whole: float | None = None
    how: str = ""

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return len(self.grid[0])

    @property
    def low(self) -> float:
        """The smallest number."""
        return min(map(min, self.grid))

    @property
    def high(self) -> float:
        """The largest number."""
        return max(map(max, self.grid))

    @property
    def mass(self) -> float:
        """The sum of all numbers."""
        return sum(map(sum, self.grid))

    def share(self, left: float, top: float, right: float, bottom: float) -> float:
        """The share of the mass (0..1) in a box of the image, in fractions of its width and height; 0 without mass.

        A cell that is partly in the box counts by that part.
        """
        mass = self.mass
        if not mass > 0:
            return 0.0
        x0, y0, x1, y1 = self.area
        across = _covered(self.columns, x0, x1, left, right)
        down = _covered(len(self.grid), y0, y1, top, bottom)
        inside = sum(
            part * sum(number * share for number, share in zip(row, across, strict=True))
            for row, part in zip(self.grid, down, strict=True)
            if part
        )
        return inside / mass

    def thirds(self) -> list[tuple[str, float]]:
        """The nine parts of the image with their shares of the mass, largest first: ('top left', 0.41)."""
        shares = [
            (place(row, column), self.share(column / 3, row / 3, (column + 1) / 3, (row + 1) / 3))
            for row in range(3)
            for column in range(3)
        ]
        return sorted(shares, key=lambda third: -third[1])


def place(row: int, column: int) -> str:
    """The name of one of the nine parts: 'top left', 'middle right', 'centre'."""
    if (row, column) == (1, 1):
        return "centre"
    return f"{_ROWS[row]} {_COLUMNS[column]}"


def words_of(prompt: str) -> list[str]:
    """The words of a prompt, separated by white space, that can be switched off."""
    return _WORD.findall(prompt)


def without(prompt: str, off: Collection[int]) -> str:
    """The prompt without these words, by their index in `words_of`; unchanged if none is off."""
    if not off:
        return prompt
    return " ".join(word for number, word in enumerate(words_of(prompt)) if number not in off)


def _covered(cells: int, start: float, end: float, low: float, high: float) -> list[float]:
    """The share of each of `cells` equal cells from `start` to `end` that is between `low` and `high`."""
    size = (end - start) / cells
    lefts = (start + number * size for number in range(cells))
    return [min(max(min(left + size, high) - max(left, low), 0.0) / size, 1.0) for left in lefts]


@dataclass(frozen=True, slots=True)
class MakeMap:
    """To the worker: compute a heatmap. Answered by MapMade or RequestFailed; Cancel withdraws it.

    While a job runs it is answered between two batches if its model is loaded, and otherwise after the job. `text` is
    the prompt `whole` without the words that are switched off; `reference` is for the difference.
    """

    path: str
    method: MapMethod
    text: str = ""
    whole: str = ""
    reference: str = ""
