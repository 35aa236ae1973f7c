"""A map over an image: how much each region counts for a score, as plain numbers.

The worker makes them (`worker.maps` says how), the screen draws them; what a region's share of the whole is, and which
words of a prompt were compared, is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

#: More cells than this a side are never sent: a terminal has no more.
MOST_CELLS = 96

_WORD = re.compile(r"\S+")
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")


class MapMethod(StrEnum):
    """What a map is of."""

    ATTENTION = "attention"
    """Where CLIP's image model looks, whatever the prompt says."""
    RELEVANCE = "relevance"
    """Which region made the image match the words."""
    DIFFERENCE = "difference"
    """Where the image differs from the reference, as LPIPS sees it."""


@dataclass(frozen=True, slots=True)
class Map:
    """A grid of numbers, none below 0, over a part of an image.

    `grid` holds rows from top to bottom. `area` is the part of the image that the grid covers: left, top, right and
    bottom in fractions of its width and height; CLIP sees no more than that part. `score` belongs to the map: the
    cosine of the image with `text`, or the distance to the reference; None where there was no text. `whole` is the
    cosine with the whole prompt. `how` says with what it was made.
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
        """All numbers together; 0 where nothing counts."""
        return sum(map(sum, self.grid))

    def share(self, left: float, top: float, right: float, bottom: float) -> float:
        """The part of the mass (0..1) in a box of the image, in fractions of its width and height; 0 of no mass.

        A cell that lies in the box in part counts in that part.
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
        """The nine thirds of the image with their shares of the mass, largest first: ('top left', 0.41)."""
        found = [
            (place(row, column), self.share(column / 3, row / 3, (column + 1) / 3, (row + 1) / 3))
            for row in range(3)
            for column in range(3)
        ]
        return sorted(found, key=lambda third: -third[1])


def place(row: int, column: int) -> str:
    """A third of an image in words: 'top left', 'middle right', 'centre'."""
    if (row, column) == (1, 1):
        return "centre"
    return f"{_ROWS[row]} {_COLUMNS[column]}"


def words_of(prompt: str) -> list[str]:
    """The words of a prompt that can be switched off: what stands between spaces."""
    return _WORD.findall(prompt)


def without(prompt: str, off: Collection[int]) -> str:
    """The prompt without these words, by their place in `words_of`; the very same text where none is off."""
    if not off:
        return prompt
    return " ".join(word for number, word in enumerate(words_of(prompt)) if number not in off)


def _covered(cells: int, start: float, end: float, low: float, high: float) -> list[float]:
    """The part of each cell (0..1) between `low` and `high`, of `cells` equal ones from `start` to `end`."""
    size = (end - start) / cells
    lefts = (start + number * size for number in range(cells))
    return [min(max(min(left + size, high) - max(left, low), 0.0) / size, 1.0) for left in lefts]


@dataclass(frozen=True, slots=True)
class MakeMap:
    """To the worker: which regions of this image count? Answered by MapMade or RequestFailed; Cancel takes it back.

    While a job runs it is answered between two batches where its model is loaded, and after the job where not.
    `text` is what is left of the prompt `whole` when words are switched off; `reference` is for the difference.
    """

    path: str
    method: MapMethod
    text: str = ""
    whole: str = ""
    reference: str = ""
