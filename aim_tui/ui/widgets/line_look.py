"""How a line of a list is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.style import Style

MARK_GLYPH = "●"


@dataclass(frozen=True, slots=True)
class Look:
    """How a line is painted: on the cursor, the cursor's own colours win and only weight is kept."""

    base: Style
    cursor: bool
    marked: bool

    def pen(self, style: Style) -> Style:
        """The style of one part of the line."""
        return self.base + (style.without_color if self.cursor else style)
