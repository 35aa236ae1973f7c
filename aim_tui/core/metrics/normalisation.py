"""Normalisation: from a raw value to 0..1 by break points that are data, not code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a rule: raw values up to and including `upto`, on a line from `start` to `end`.

    The line begins where the piece before it ends. The first and the last piece (upto = inf) have no length, so their
    `start` and `end` must be equal.
    """

    upto: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Branch:
    """A piece of a rule with its bounds, to explain a score."""

    index: int
    above: float
    piece: Piece

    def describe(self, symbol: str) -> str:
        """The branch in words, such as '0.6 < lpips <= 0.75: 0.9'."""
        low = "" if self.above == -math.inf else f"{self.above:g} < "
        high = "" if self.piece.upto == math.inf else f" <= {self.piece.upto:g}"
        if self.piece.start == self.piece.end:
            return f"{low}{symbol}{high}: {self.piece.start:g}"
        return f"{low}{symbol}{high}: a line from {self.piece.start:g} to {self.piece.end:g}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A piecewise linear normalisation of one metric, 0 for worst to 1 for best.

    Raises ValueError if the pieces are not in ascending order, leave 0..1, or do not end at infinity.
    """

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        if not self.pieces:
            raise ValueError("a rule needs at least one piece")
        above = -math.inf
        for number, piece in enumerate(self.pieces, start=1):
            if math.isnan(piece.upto) or piece.upto <= above:
                raise ValueError(f"piece {number}: break points must ascend ({above:g}, then {piece.upto:g})")
            if not (0.0 <= piece.start <= 1.0 and 0.0 <= piece.end <= 1.0):
                raise ValueError(f"piece {number}: values must lie in 0..1")
            if piece.start != piece.end and (math.isinf(above) or math.isinf(piece.upto)):
                raise ValueError(f"piece {number}: a piece without two ends must be constant")
            above = piece.upto
        if above != math.inf:
            raise ValueError("the last piece must reach inf")

    def branches(self) -> list[Branch]:
        """All branches, from the lowest raw values up."""
        bounds = (-math.inf, *(piece.upto for piece in self.pieces))
        return [
            Branch(index, above, piece) for index, (above, piece) in enumerate(zip(bounds, self.pieces, strict=False))
        ]

    def branch(self, raw: float) -> Branch:
        """The branch that `raw` falls on."""
        if math.isnan(raw):
            raise ValueError(f"not a number: {raw!r}")
        return next(branch for branch in self.branches() if raw <= branch.piece.upto)

    def normalise(self, raw: float) -> float:
        """The normalised value in 0..1 of a finite raw value."""
        above = -math.inf
        for piece in self.pieces:
            if raw <= piece.upto:
                if piece.start == piece.end:
                    return piece.start
                return piece.start + (raw - above) / (piece.upto - above) * (piece.end - piece.start)
            above = piece.upto
        raise ValueError(f"not a number: {raw!r}")

    def describe(self, symbol: str) -> str:
        """All branches in words, separated by semicolons."""
        return "; ".join(branch.describe(symbol) for branch in self.branches())


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Named rules by metric id, and the models for which their thresholds were set, by role."""

    name: str
    rules: Mapping[str, Rule]
    made_for: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
