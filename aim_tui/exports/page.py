"""The blocks of a page for people, whatever it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the page's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of lines; those of a name and a value have the name in bold."""

    lines: Sequence[str | tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Quote:
    """A line that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; `texts` are the columns of texts, all others are of numbers."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int]


Block = Heading | Bullets | Quote | Grid
