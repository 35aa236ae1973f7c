"""A list drawn line by line over plain keys: 100,000 of them cost no more than the ones in view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aim_tui.ui.widgets.cell_text import fit, wrap

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType

Key = TypeVar("Key", bound="Hashable")

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


class LineList(ScrollView, Generic[Key], can_focus=True, inherit_bindings=False):
    """Keys shown as lines, with a cursor and marks that stay with their key when the order changes.

    A subclass says how a line looks (`draw_line`), may have a header that stays in place (`draw_header`), and may
    refuse marks (`can_mark`). The list never asks where its keys come from.
    """

    HEADER_LINES: ClassVar[int] = 0
    #: Cells at the left of each line that show the mark; a click on them toggles it.
    GUTTER: ClassVar[int] = 2

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="list.down", tooltip="Move to the next line"),
        Binding("k,up", "move(-1)", "Up", show=False, id="list.up", tooltip="Move to the line before"),
        Binding("g,home", "first", "First", show=False, id="list.first", tooltip="Move to the first line"),
        Binding("G,end", "last", "Last", show=False, id="list.last", tooltip="Move to the last line"),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="list.half-down", tooltip="Half a page down"),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="list.half-up", tooltip="Half a page up"),
        Binding("pagedown", "page(1.0)", "Page down", show=False, id="list.page-down", tooltip="A page down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="list.page-up", tooltip="A page up"),
        Binding("enter,l,right", "open", "Open", id="list.open", tooltip="Open what the cursor is on"),
        Binding("space", "toggle_mark", "Mark", id="list.mark", tooltip="Mark or unmark, and move down"),
        Binding("v", "toggle_range", "Range", id="list.range", tooltip="Begin a range here; again: mark it"),
        Binding("ctrl+a", "mark_all", "Mark all", show=False, id="list.mark-all", tooltip="Mark everything shown"),
        Binding("ctrl+r", "invert_marks", "Invert", show=False, id="list.invert", tooltip="Invert the marks shown"),
        Binding(
            "escape", "clear_marks", "Clear", show=False, id="list.clear", tooltip="Give up the range, or all marks"
        ),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-list--header",
        "line-list--sorted",
        "line-list--cursor",
        "line-list--mark",
        "line-list--strong",
        "line-list--muted",
        "line-list--problem",
    }

    DEFAULT_CSS = """
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
        &:nocolor > .line-list--cursor { text-style: reverse; }
        & > .line-list--mark { color: $text-accent; text-style: bold; }
        & > .line-list--strong { text-style: bold; }
        & > .line-list--muted { color: $text-muted; }
        & > .line-list--problem { color: $text-error; text-style: bold; }
    }
    """

    @dataclass
    class Fact(Message):
        """Something happened in a list."""

        line_list: LineList[Any]

        @property
        def control(self) -> LineList[Any]:
            """The list, for `@on(..., "#id")`."""
            return self.line_list

    @dataclass
    class CursorMoved(Fact):
        """The cursor is on another key, or on none (index -1). Only the last of a burst is delivered."""

        index: int

        def can_replace(self, message: Message) -> bool:
            """A later move makes this one old news."""
            return isinstance(message, LineList.CursorMoved) and message.line_list is self.line_list

    @dataclass
    class Opened(Fact):
        """The user opened the line under the cursor."""

        index: int

    @dataclass
    class MarksChanged(Fact):
        """Keys were marked or unmarked; `control.marks` holds all of them."""

    @dataclass
    class HeaderClicked(Fact):
        """The title of a column was clicked."""

        column: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._keys: Sequence[Key] = ()
        self._positions: dict[Key, int] | None = {}
        self._cursor = -1
        self._marks: set[Key] = set()
        self._anchor: Key | None = None
        self._empty_text = ""

    # --- what a subclass says ------------------------------------------------------------------------------------

    def draw_line(self, index: int, key: Key, look: Look, width: int) -> list[Segment]:
        """The segments of one line right of the gutter, exactly `width` cells together."""
        return [Segment(fit(str(key), width), look.base)]

    def draw_header(self, width: int) -> list[Segment]:
        """The segments of the header, exactly `width` cells together."""
        return []

    def column_at(self, x: int) -> str | None:
        """The column whose title is at cell `x`, or None."""
        return None

    def can_mark(self, key: Key) -> bool:
        """Whether the key may carry a mark."""
        return True

    def badge(self, key: Key) -> tuple[str, Style] | None:
        """A glyph for the second cell of the gutter."""
        return None

    # --- keys, cursor and marks from outside ----------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[Key]:
        """What is shown, in order."""
        return self._keys

    @property
    def cursor_index(self) -> int:
        """The position of the cursor, -1 where there is nothing to be on."""
        return self._cursor

    @property
    def cursor_key(self) -> Key | None:
        """What the cursor is on."""
        return self._keys[self._cursor] if self._cursor >= 0 else None

    @property
    def marks(self) -> AbstractSet[Key]:
        """What is marked, lines that are filtered away and an open range included."""
        reach = self._range_keys()
        return self._marks | reach if reach else self._marks

    def index_of(self, key: Key) -> int | None:
        """The position of a key, or None where it is not shown."""
        if self._positions is None:
            self._positions = {key: index for index, key in enumerate(self._keys)}
        return self._positions.get(key)

    def set_keys(self, keys: Sequence[Key], cursor: Key | None = None) -> None:
        """Show these keys; the cursor goes to `cursor`, else stays on its key and on its line of the screen."""
        self._end_range()
        before, old_key, old_screen_line = self._cursor, self.cursor_key, self._cursor - self._top
        self._keys, self._positions = keys, None
        wanted = old_key if cursor is None else cursor
        found = self.index_of(wanted) if wanted is not None else None
        self._cursor = found if found is not None else min(max(before, 0), len(keys) - 1)
        self.virtual_size = Size(1, len(keys) + self.HEADER_LINES)
        if found is not None and cursor is None:
            self._scroll_top(self._cursor - old_screen_line)
        self._scroll_to_cursor()
        self.refresh()
        if self.cursor_key != old_key:
            self.post_message(self.CursorMoved(self, self._cursor))

    def set_marks(self, keys: Iterable[Key]) -> None:
        """Replace the marks, without a message: whoever calls knows."""
        self._anchor = None
        self._marks = set(keys)
        self.refresh()

    def move_to(self, key: Key) -> bool:
        """Put the cursor on a key and bring it into view; False where it is not shown."""
        index = self.index_of(key)
        if index is None:
            return False
        self._move_to(index)
        return True

    def keys_changed(self, keys: Collection[Key]) -> None:
        """Repaint the lines of these keys, as far as they are in view."""
        if not isinstance(keys, (set, frozenset, dict)):
            keys = set(keys)
        lines = [index for index in self._indexes_in_view() if self._keys[index] in keys]
        self._refresh_indexes(lines)

    @property
    def empty_text(self) -> str:
        """What to say where there is nothing to show: what this is, why it is empty, which key helps."""
        return self._empty_text

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        self._empty_text = text
        if not self._keys:
            self.refresh()

    # --- actions --------------------------------------------------------------------------------------------------

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self._move_to(self._cursor + lines)

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages of what is in view."""
        self._move_to(self._cursor + int(pages * max(self._page, 2)))

    def action_first(self) -> None:
        """Move to the first line."""
        self._move_to(0)

    def action_last(self) -> None:
        """Move to the last line."""
        self._move_to(len(self._keys) - 1)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        if self._cursor >= 0:
            self.post_message(self.Opened(self, self._cursor))

    def action_toggle_mark(self) -> None:
        """Toggle the mark under the cursor and move down; with an open range, mark the range."""
        if self._end_range():
            self.post_message(self.MarksChanged(self))
        elif self._cursor >= 0:
            self._toggle(self._cursor)
            self._move_to(self._cursor + 1)

    def action_toggle_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self._end_range():
            self.post_message(self.MarksChanged(self))
        elif self._cursor >= 0:
            self._anchor = self.cursor_key
            self._refresh_indexes([self._cursor])
            self.refresh_bindings()

    def action_mark_all(self) -> None:
        """Mark everything that is shown."""
        self._change_marks(self._marks | self._markable())

    def action_invert_marks(self) -> None:
        """Invert the marks of everything that is shown."""
        self._change_marks(self.marks ^ self._markable())

    def action_clear_marks(self) -> None:
        """Give up an open range; with none, clear all marks."""
        if self._anchor is not None:
            self._change_marks(self._marks)
        else:
            self._change_marks(set())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape belongs to the screen while there is nothing here to clear."""
        if action == "clear_marks":
            return bool(self._marks) or self._anchor is not None
        return True

    # --- the mouse ------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, on the gutter it marks, on a title it sorts; a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.HEADER_LINES:
            column = self.column_at(offset.x)
            if column is not None:
                self.post_message(self.HeaderClicked(self, column))
            return
        index = self._top + offset.y - self.HEADER_LINES
        if index < len(self._keys):
            self._move_to(index)
            if event.chain == 2:
                self.action_open()
            elif offset.x < self.GUTTER:
                self._toggle(index)

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a key, or nothing."""
        width = self.scrollable_content_region.width
        style = self.rich_style
        if y < self.HEADER_LINES:
            segments, style = self.draw_header(width), self.get_component_rich_style("line-list--header")
        elif (index := self._top + y - self.HEADER_LINES) < len(self._keys):
            segments = self._draw_index(index, width)
            style = segments[0].style or style
        else:
            segments = self._draw_empty(y - self.HEADER_LINES, width)
        return Strip(segments).adjust_cell_length(width, style).extend_cell_length(self.size.width, style)

    def on_resize(self) -> None:
        """Keep the cursor in view when the pane shrinks."""
        self._scroll_to_cursor()

    def _draw_index(self, index: int, width: int) -> list[Segment]:
        key = self._keys[index]
        cursor = index == self._cursor
        base = self.get_component_rich_style("line-list--cursor") if cursor else self.rich_style
        look = Look(base, cursor, key in self._marks or self._in_range(index))
        mark = MARK_GLYPH if look.marked else " "
        glyph, style = self.badge(key) or (" ", base)
        return [
            Segment(mark, look.pen(self.get_component_rich_style("line-list--mark"))),
            Segment(glyph, look.pen(style)),
            *self.draw_line(index, key, look, max(width - self.GUTTER, 0)),
        ]

    def _draw_empty(self, line: int, width: int) -> list[Segment]:
        words = wrap(self._empty_text, max(width - 2, 1)) if not self._keys else []
        text = words[line - 1] if 0 < line <= len(words) else ""
        return [Segment(fit(f" {text}", width), self.get_component_rich_style("line-list--muted"))]

    # --- inside ---------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - self.HEADER_LINES

    def _indexes_in_view(self) -> range:
        return range(self._top, min(self._top + max(self._page, 0), len(self._keys)))

    def _refresh_indexes(self, indexes: Iterable[int]) -> None:
        """Repaint whichever of these lines are in view: a line costs some bytes over SSH, a pane thousands."""
        view = self._indexes_in_view()
        width = self.size.width
        regions = [Region(0, index - view.start + self.HEADER_LINES, width, 1) for index in indexes if index in view]
        if regions:
            self.refresh(*regions)

    def _move_to(self, index: int) -> None:
        index = min(max(index, 0), len(self._keys) - 1)
        before = self._cursor
        if index == before:
            return
        self._cursor = index
        first, last = min(before, index), max(before, index)
        self._refresh_indexes((before, index) if self._anchor is None else range(first, last + 1))
        self._scroll_to_cursor()
        self.post_message(self.CursorMoved(self, index))

    def _scroll_to_cursor(self) -> None:
        if self._page <= 0 or self._cursor < 0:
            return
        if self._cursor < self._top:
            self._scroll_top(self._cursor)
        elif self._cursor >= self._top + self._page:
            self._scroll_top(self._cursor - self._page + 1)

    def _scroll_top(self, index: int) -> None:
        # Forced, because the scrollbar that would allow it appears only after the next layout.
        self.scroll_to(y=max(index, 0), animate=False, force=True)

    def _toggle(self, index: int) -> None:
        key = self._keys[index]
        if self.can_mark(key):
            self._marks ^= {key}
            self._refresh_indexes([index])
            self.post_message(self.MarksChanged(self))

    def _markable(self) -> set[Key]:
        return {key for key in self._keys if self.can_mark(key)}

    def _change_marks(self, marks: AbstractSet[Key]) -> None:
        self._anchor = None
        self._marks = set(marks)
        self.refresh()
        self.post_message(self.MarksChanged(self))

    def _range_span(self) -> range:
        if self._anchor is None or (anchor := self.index_of(self._anchor)) is None:
            return range(0)
        return range(min(anchor, self._cursor), max(anchor, self._cursor) + 1)

    def _in_range(self, index: int) -> bool:
        return self._anchor is not None and index in self._range_span() and self.can_mark(self._keys[index])

    def _range_keys(self) -> set[Key]:
        return {key for index in self._range_span() if self.can_mark(key := self._keys[index])}

    def _end_range(self) -> bool:
        """Turn an open range into marks: what the user saw marked stays marked, whatever the next order is."""
        if self._anchor is None:
            return False
        self._marks |= self._range_keys()
        self._anchor = None
        self.refresh()
        return True
