"""Numbers of images by texts as they are looked at: one flat array, no numpy and no object for each number."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence


@dataclass(slots=True)
class Cosines:
    """One row of an image after the other, each with a number a text; all of them finite."""

    values: array[float]
    columns: int
    least: float = field(init=False)
    most: float = field(init=False)
    _best: dict[int, int] = field(init=False, default_factory=dict, repr=False)
    _ranked: tuple[int, list[float]] | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self.least = min(self.values, default=0.0)
        self.most = max(self.values, default=0.0)

    @property
    def rows(self) -> int:
        """How many images there are."""
        return len(self.values) // self.columns if self.columns else 0

    def row(self, row: int) -> Sequence[float]:
        """The numbers of an image, by text."""
        return self.values[row * self.columns : (row + 1) * self.columns]

    def column(self, column: int) -> Sequence[float]:
        """The numbers of a text, by image."""
        return self.values[column :: self.columns]

    def level(self, value: float) -> float:
        """Where a number lies between the least of all (0) and the most (1); the middle where all are the same."""
        return (value - self.least) / (self.most - self.least) if self.most > self.least else 0.5

    def best_text(self, row: int) -> int:
        """The text with the highest number of an image, the first of several."""
        if (known := self._best.get(row)) is None:
            numbers = self.row(row)
            known = self._best[row] = max(range(self.columns), key=numbers.__getitem__)
        return known

    def best_image(self, column: int) -> int:
        """The image with the highest number of a text, the first of several."""
        numbers = self.column(column)
        return max(range(self.rows), key=numbers.__getitem__)

    def place(self, row: int, column: int) -> int:
        """The place of an image among all for a text, from 1; several with the same number share the best place."""
        if self._ranked is None or self._ranked[0] != column:
            self._ranked = column, sorted(self.column(column))
        return self.rows - bisect_right(self._ranked[1], self.values[row * self.columns + column]) + 1

    def order(self, column: int, *, highest_first: bool) -> list[int]:
        """The images by the numbers of a text; those with the same keep their order."""
        numbers = self.column(column)
        return sorted(range(self.rows), key=numbers.__getitem__, reverse=highest_first)
