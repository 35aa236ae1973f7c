"""How a line of a list is painted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

MARK_GLYPH = "●"

#: Of every list; what it does not say is said by `Look.pen`.
LINE_CSS = """
LineList {
    height: 1fr;
    background: $surface;
    color: $foreground;
    overflow-x: hidden;
    overflow-y: auto;
    scrollbar-size-vertical: 1;

    & > .line-list--header { background: $panel; color: $text-muted; }
    & > .line-list--sorted { background: $panel; color: $foreground; text-style: bold underline; }
    & > .line-list--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    &:focus > .line-list--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    &:ansi > .line-list--cursor { text-style: bold underline; }
    &:ansi:focus > .line-list--cursor { text-style: bold; }
    &:nocolor > .line-list--cursor, &.-few-colours > .line-list--cursor {
        background: $surface;
        color: $foreground;
        text-style: bold underline;
    }
    &:nocolor:focus > .line-list--cursor, &.-few-colours:focus > .line-list--cursor { text-style: bold reverse; }
    & > .line-list--mark { color: $text-accent; text-style: bold; }
    & > .line-list--strong { text-style: bold; }
    & > .line-list--muted { color: $text-muted; }
    & > .line-list--problem { color: $text-error; text-style: bold; }
    &:nocolor > .line-list--problem { color: $foreground; }
}
"""

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


GAP = 1


#: A terminal narrower than this gets three columns and a hint.
NARROW_TERMINAL = 80
