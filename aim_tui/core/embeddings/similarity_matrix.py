"""An image-text matrix for display: one flat array, without numpy and without an object per value."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Cosines:
    """The matrix in row-major order: a row per image, a column per text; all values are finite."""

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
        """The number of images."""
        return len(self.values) // self.columns if self.columns else 0

    def row(self, row: int) -> Sequence[float]:
        """The values of an image, by text."""
        return self.values[row * self.columns : (row + 1) * self.columns]

    def column(self, column: int) -> Sequence[float]:
        """The values of a text, by image."""
        return self.values[column :: self.columns]

    def level(self, value: float) -> float:
        """A value scaled to 0..1 over the matrix; 0.5 if all values are equal."""
        return (value - self.least) / (self.most - self.least) if self.most > self.least else 0.5

    def best_text(self, row: int) -> int:
        """The text with the highest value of an image, the first in case of a tie."""
        if (best := self._best.get(row)) is None:
            best = self._best[row] = max(range(self.columns), key=self.row(row).__getitem__)
        return best

    def best_image(self, column: int) -> int:
        """The image with the highest value of a text, the first in case of a tie."""
        numbers = self.column(column)
        return max(range(self.rows), key=numbers.__getitem__)

    def place(self, row: int, column: int) -> int:
        """The rank of an image among all for a text, from 1; ties share the best rank."""
        if self._ranked is None or self._ranked[0] != column:
            self._ranked = column, sorted(self.column(column))
        return self.rows - bisect_right(self._ranked[1], self.values[row * self.columns + column]) + 1

    def order(self, column: int, *, highest_first: bool) -> list[int]:
        """The images sorted by the values of a text; ties keep their order."""
        numbers = self.column(column)
        return sorted(range(self.rows), key=numbers.__getitem__, reverse=highest_first)
