"""A list drawn line by line over plain keys: 100,000 of them cost no more than the ones in view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aim_tui.ui.widgets.cell_text import fit, wrap
from aim_tui.ui.widgets.line_keys import LINE_BINDINGS
from aim_tui.ui.widgets.line_look import LINE_CSS, MARK_GLYPH, Look
from aim_tui.ui.widgets.line_model import Key, LineModel


class LineList(ScrollView, Generic[Key], can_focus=True, inherit_bindings=False):
    """Keys shown as lines, with a cursor and marks that stay with their key when the order changes.

    A subclass says how a line looks (`draw_line`), may have a header that stays in place (`draw_header`), and may
    refuse marks (`can_mark`). The list never asks where its keys come from.
    """

    ALLOW_SELECT = False
    HEADER_LINES: ClassVar[int] = 0
    #: Cells at the left of each line that show mark and badge; a click on them toggles the mark.
    GUTTER: ClassVar[int] = 2

    BINDINGS: ClassVar[list[BindingType]] = LINE_BINDINGS

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-list--header",
        "line-list--sorted",
        "line-list--cursor",
        "line-list--mark",
        "line-list--strong",
        "line-list--muted",
        "line-list--problem",
    }

    DEFAULT_CSS = LINE_CSS

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
        """Keys were marked or unmarked, or a range was begun; `control.marks` holds all that are marked."""

        flipped: AbstractSet[Any] = frozenset()
        """What the user has marked or unmarked."""

    @dataclass
    class HeaderClicked(Fact):
        """The title of a column was clicked."""

        column: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._model: LineModel[Key] = LineModel(self.can_mark)
        self._empty_text = ""
        # Lines in view at the last layout, 0 before the first one.
        self._page_before = 0

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
        return self._model.keys

    @property
    def cursor_index(self) -> int:
        """The position of the cursor, -1 where there is nothing to be on."""
        return self._model.cursor

    @property
    def cursor_key(self) -> Key | None:
        """What the cursor is on."""
        return self._model.cursor_key

    @property
    def marks(self) -> AbstractSet[Key]:
        """What is marked, lines that are filtered away and an open range included."""
        return self._model.marks

    @property
    def in_range(self) -> bool:
        """Whether a range is open, which follows the cursor."""
        return self._model.in_range

    def index_of(self, key: Key) -> int | None:
        """The position of a key, or None where it is not shown."""
        return self._model.index_of(key)

    def set_keys(self, keys: Sequence[Key], cursor: Key | None = None) -> None:
        """Show these keys; the cursor goes to `cursor`, else stays on its key and on its line of the screen.

        A view that was scrolled away from the cursor stays where it is as long as the key of the cursor is there.
        """
        model = self._model
        old_key, screen_line = model.cursor_key, model.cursor - self._top
        in_view = self._shows_cursor(self._page_before)
        marking = model.in_range
        stays = model.set_keys(keys, cursor) and cursor is None
        self.virtual_size = Size(1, len(keys) + self.HEADER_LINES)
        if stays and in_view:
            self._scroll_top(model.cursor - screen_line)
        if in_view or not stays:
            self._scroll_to_cursor()
        self.refresh()
        if model.cursor_key != old_key:
            self.post_message(self.CursorMoved(self, model.cursor))
        if marking:
            self._report_marks()

    def set_marks(self, keys: Iterable[Key]) -> None:
        """Replace the marks, without a message: whoever calls knows."""
        self._model.set_marks(keys)
        self.refresh()

    def flip_marks(self, keys: Iterable[Key]) -> None:
        """Mark those that are not marked and unmark the others, with a message."""
        self._model.flip(keys)
        self._marks_changed()

    def post_message(self, message: Message) -> bool:
        """Post a message; a fact is the list's own, also while a widget around the list handles a message.

        Textual takes that widget for the sender, and tells nobody above it.
        """
        if isinstance(message, LineList.Fact):
            message.set_sender(self)
        return super().post_message(message)

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
        lines = [index for index in self._indexes_in_view() if self.keys[index] in keys]
        self._refresh_indexes(lines)

    @property
    def empty_text(self) -> str:
        """What to say where there is nothing to show: what this is, why it is empty, which key helps."""
        return self._empty_text

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        self._empty_text = text
        if not self.keys:
            self.refresh()

    # --- actions --------------------------------------------------------------------------------------------------

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self._move_to(self._model.cursor + lines)

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages of what is in view."""
        self._move_to(self._model.cursor + int(pages * max(self._page, 2)))

    def action_first(self) -> None:
        """Move to the first line."""
        self._move_to(0)

    def action_last(self) -> None:
        """Move to the last line."""
        self._move_to(len(self.keys) - 1)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        if self._model.cursor >= 0:
            self.post_message(self.Opened(self, self._model.cursor))

    def action_toggle_mark(self) -> None:
        """Toggle the mark under the cursor and move down; with an open range, mark the range."""
        if self._model.end_range():
            self._marks_changed()
        elif self._model.cursor >= 0:
            self._toggle(self._model.cursor)
            self._move_to(self._model.cursor + 1)

    def action_toggle_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if self._model.end_range():
            self._marks_changed()
        else:
            self._model.begin_range()
            self._refresh_indexes([self._model.cursor])
            self._report_marks()

    def action_mark_all(self) -> None:
        """Mark everything that is shown."""
        self._model.mark_all()
        self._marks_changed()

    def action_invert_marks(self) -> None:
        """Invert the marks of everything that is shown."""
        self._model.invert()
        self._marks_changed()

    def action_clear_marks(self) -> None:
        """End an open range, what is in it stays marked; with none, clear all marks."""
        self._model.clear()
        self._marks_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape belongs to the screen while there is nothing here to clear."""
        if action == "clear_marks":
            return self._model.in_range or bool(self._model.marks)
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
        if index < len(self.keys):
            self._move_to(index)
            if event.chain == 2:
                self.action_open()
            elif offset.x < self.GUTTER:
                self._toggle(index)

    # --- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a key, or nothing."""
        width = self.scrollable_content_region.width
        style = self.visual_style.rich_style
        if y < self.HEADER_LINES:
            segments, style = self.draw_header(width), self.get_component_rich_style("line-list--header")
        elif (index := self._top + y - self.HEADER_LINES) < len(self.keys):
            segments = self._draw_index(index, width)
            style = segments[0].style or style
        else:
            segments = self._draw_empty(y - self.HEADER_LINES, width)
        strip = Strip([segment for segment in segments if segment.text])
        return strip.adjust_cell_length(width, style).extend_cell_length(self.size.width, style)

    def on_mount(self) -> None:
        """Where colours are few, the cursor is drawn by weight."""
        self.set_class(self.app.console.color_system in ("standard", "windows"), "-few-colours")

    def on_resize(self) -> None:
        """Keep the cursor in view when the pane shrinks, unless the view was scrolled away from it."""
        if self._shows_cursor(self._page_before):
            self._scroll_to_cursor()
        self._page_before = self._page

    def _draw_index(self, index: int, width: int) -> list[Segment]:
        key = self.keys[index]
        cursor = index == self._model.cursor
        base = self.get_component_rich_style("line-list--cursor") if cursor else self.visual_style.rich_style
        look = Look(base, cursor, self._model.is_marked(index))
        mark = MARK_GLYPH if look.marked else " "
        glyph, style = self.badge(key) or (" ", base)
        return [
            Segment(mark, look.pen(self.get_component_rich_style("line-list--mark"))),
            Segment(glyph.ljust(self.GUTTER - 1), look.pen(style)),
            *self.draw_line(index, key, look, max(width - self.GUTTER, 0)),
        ]

    def _draw_empty(self, line: int, width: int) -> list[Segment]:
        words = wrap(self._empty_text, max(width - 2, 1)) if not self.keys else []
        text = words[line - 1] if 0 < line <= len(words) else ""
        return [Segment(fit(f" {text}", width), self.get_component_rich_style("line-list--muted"))]

    # --- inside ---------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - self.HEADER_LINES

    def _shows_cursor(self, page: int) -> bool:
        """Whether the cursor is among this many lines from the top; what has no lines yet will show it."""
        return page <= 0 or self._top <= self._model.cursor < self._top + page

    def _indexes_in_view(self) -> range:
        return range(self._top, min(self._top + max(self._page, 0), len(self.keys)))

    def _refresh_indexes(self, indexes: Collection[int]) -> None:
        """Repaint whichever of these lines are in view: a line costs some bytes over SSH, a pane thousands."""
        view, width = self._indexes_in_view(), self.size.width
        regions = [Region(0, index - view.start + self.HEADER_LINES, width, 1) for index in view if index in indexes]
        if regions:
            self.refresh(*regions)

    def _move_to(self, index: int) -> None:
        before, index = self._model.cursor, self._model.clamp(index)
        if index == before:
            # The wheel may have scrolled away from it.
            self._scroll_to_cursor()
            return
        self._model.cursor = index
        between = range(min(before, index), max(before, index) + 1)
        self._refresh_indexes(between if self._model.in_range else (before, index))
        self._scroll_to_cursor()
        self.post_message(self.CursorMoved(self, index))

    def _scroll_to_cursor(self) -> None:
        cursor = self._model.cursor
        if self._page <= 0 or cursor < 0:
            return
        if cursor < self._top:
            self._scroll_top(cursor)
        elif cursor >= self._top + self._page:
            self._scroll_top(cursor - self._page + 1)

    def _scroll_top(self, index: int) -> None:
        # Forced, because the scrollbar that would allow it appears only after the next layout.
        self.scroll_to(y=max(index, 0), animate=False, force=True)

    def _toggle(self, index: int) -> None:
        if self._model.toggle(index):
            self._refresh_indexes([index])
            self._report_marks()

    def _marks_changed(self) -> None:
        self.refresh()
        self._report_marks()

    def _report_marks(self) -> None:
        self.post_message(self.MarksChanged(self, self._model.take_flipped()))
