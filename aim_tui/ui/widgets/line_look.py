"""How a line of a list is painted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

MARK_GLYPH = "●"

# A dim glyph on a reversed line is a hole in the cursor.
_NOT_DIM = Style(dim=False)


@dataclass(frozen=True, slots=True)
class Look:
    """How a line is painted: on the cursor, the cursor's own colours win and only weight is kept."""

    base: Style
    cursor: bool
    marked: bool

    def pen(self, style: Style) -> Style:
        """The style of one part of the line."""
        return self.base + style.without_color + _NOT_DIM if self.cursor else self.base + style
