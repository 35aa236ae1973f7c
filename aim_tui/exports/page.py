"""The blocks of a page for people, in any format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title of the page."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of lines; of a name and a value, the name is bold."""

    lines: Sequence[str | tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Quote:
    """A line that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; `texts` are the indices of text columns, all others are numbers."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int]


Block = Heading | Bullets | Quote | Grid
