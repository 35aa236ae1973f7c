"""A contact sheet drawn line by line: only what is in view is drawn, and only that and a page more is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import Places
from aim_tui.core.text import file_name
from aim_tui.terminal.images import ImageMode, image_support
from aim_tui.ui.review.thumbnails import Thumbnail, Thumbnails
from aim_tui.ui.widgets.cell_text import centre, fit
from aim_tui.ui.widgets.line_look import MARK_GLYPH
from aim_tui.ui.widgets.picture import Box
from aim_tui.ui.widgets.pixel_pane import half_block_style
from aim_tui.ui.widgets.score_cells import BARS, STALE, STATUS_LOOKS, few_colours, opinion_cell, step_of

#: Cells of a thumbnail: width and lines of pixels.
SIZES = ((10, 4), (16, 6), (24, 9), (36, 14), (52, 20))
_GAP = 2
_LOOK_SECONDS = 0.5


class About(NamedTuple):
    """What is known of an image besides its row: what the rater says, whether values are out of date, a short name."""

    opinion: Opinion = NOTHING
    stale: bool = False
    name: str = ""


class ThumbnailGrid(ScrollView, can_focus=True, inherit_bindings=False):
    """Images in rows, each with its name, final score and mark; item numbers index the rows."""

    BINDING_GROUP_TITLE = "Thumbnails"
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"grid--cursor", "grid--muted", "grid--mark"}
    DEFAULT_CSS = """
    ThumbnailGrid {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .grid--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        & > .grid--muted { color: $text-muted; }
        & > .grid--mark { color: $text-accent; text-style: bold; }
        &:nocolor > .grid--cursor { text-style: bold reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "move(-1)", "Left", show=False, tooltip="The image before", id="grid.left"),
        Binding("l,right", "move(1)", "Right", show=False, tooltip="The next image", id="grid.right"),
        Binding("k,up", "line(-1)", "Up", show=False, tooltip="The image above", id="grid.up"),
        Binding("j,down", "line(1)", "Down", show=False, tooltip="The image below", id="grid.down"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, tooltip="A page down", id="grid.page-down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, tooltip="A page up", id="grid.page-up"),
        Binding("g,home", "first", "First", show=False, tooltip="The first image", id="grid.first"),
        Binding("G,end", "last", "Last", show=False, tooltip="The last image", id="grid.last"),
        Binding("space", "toggle_mark", "Mark", tooltip="Mark or unmark, and go on", id="grid.mark"),
        Binding("plus", "resize(1)", "Larger", tooltip="Larger thumbnails", id="grid.larger", key_display="+"),
        Binding("minus", "resize(-1)", "Smaller", tooltip="Smaller thumbnails", id="grid.smaller", key_display="-"),
        Binding("enter", "open", "Review", tooltip="Review from this image on", id="grid.open"),
    ]

    class ThumbnailReached(Message):
        """The cursor is on another image."""

        def can_replace(self, message: Message) -> bool:
            """A later move makes this one old news."""
            return isinstance(message, ThumbnailGrid.ThumbnailReached)

    class ThumbnailMarked(Message):
        """An image was marked or unmarked."""

    class ThumbnailOpened(Message):
        """The image under the cursor is to be opened."""

    @dataclass
    class ThumbnailRead(Message):
        """A thumbnail can be drawn."""

        path: str

    def __init__(
        self,
        rows: Sequence[Row],
        order: Sequence[int],
        current: int,
        marks: Collection[int],
        policy: ReadingPolicy,
        about: Callable[[Row], About] = lambda row: About(),
    ) -> None:
        super().__init__(id="grid")
        self._rows, self._order, self._about = rows, order, about
        self._places = Places(order)
        self._marks = set(marks)
        self._cursor = self._places.of(current) or 0
        self._told: object = None
        self._size_step = 1
        self._thumbnails = Thumbnails(policy, lambda path: self.post_message(self.ThumbnailRead(path)))
        self._words_only = False
        # Columns, height of a cell and height of the view at the last layout.
        self._laid_out = (1, 1, 0)

    @property
    def marks(self) -> AbstractSet[int]:
        """The marked items."""
        return self._marks

    @property
    def current(self) -> int:
        """The item under the cursor."""
        return self._order[self._cursor]

    @property
    def position(self) -> int:
        """Where the cursor is in the order."""
        return self._cursor

    def on_mount(self) -> None:
        """Too few colours to draw with: names and numbers."""
        self._words_only = few_colours(self.app) or image_support().mode is ImageMode.NONE
        self.set_interval(_LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Nothing more is read."""
        self._thumbnails.close()

    def on_resize(self) -> None:
        """Another number of columns."""
        self._lay_out()

    def set_marks(self, marks: Iterable[int]) -> None:
        """Show these marks, without a message."""
        self._marks = set(marks)
        self.refresh()

    def move_to(self, item: int) -> None:
        """Put the cursor on an item."""
        if (place := self._places.of(item)) is not None:
            self._move_to(place)

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_move(self, images: int) -> None:
        """Some images on."""
        self._move_to(self._cursor + images)

    def action_line(self, lines: int) -> None:
        """The image above or below, where there is one."""
        wanted = self._cursor + lines * self._columns
        last_line = (len(self._order) - 1) // self._columns
        if 0 <= wanted < len(self._order):
            self._move_to(wanted)
        elif lines > 0 and self._cursor // self._columns < last_line:
            self._move_to(len(self._order) - 1)

    def action_page(self, pages: int) -> None:
        """A page of images on."""
        self._move_to(self._cursor + pages * self._columns * self._lines_in_view)

    def action_first(self) -> None:
        """The first image."""
        self._move_to(0)

    def action_last(self) -> None:
        """The last image."""
        self._move_to(len(self._order) - 1)

    def action_toggle_mark(self) -> None:
        """Mark or unmark, and go on."""
        self._marks ^= {self.current}
        self.post_message(self.ThumbnailMarked())
        self.refresh()
        self._move_to(self._cursor + 1)

    def action_resize(self, step: int) -> None:
        """Larger or smaller thumbnails."""
        self._size_step = min(max(self._size_step + step, 0), len(SIZES) - 1)
        self._lay_out()
        self.refresh()

    def action_open(self) -> None:
        """Open the current image."""
        self.post_message(self.ThumbnailOpened())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.x // self._cell_width >= self._columns:
            return
        index = (offset.y + self.scroll_offset.y) // self._cell_height * self._columns + offset.x // self._cell_width
        if index < len(self._order):
            self._move_to(index)
            if event.chain == 2:
                self.action_open()

    # -- where things are --------------------------------------------------------------------------------------------

    @property
    def _thumb(self) -> tuple[int, int]:
        width, height = SIZES[self._size_step]
        return min(width, max(self.size.width - _GAP - 1, 1)), 0 if self._words_only else height

    @property
    def _cell_width(self) -> int:
        return self._thumb[0] + _GAP

    @property
    def _cell_height(self) -> int:
        # Pixels, name, score, and a line between.
        return self._thumb[1] + 2 + (0 if self._words_only else 1)

    @property
    def _columns(self) -> int:
        return max(self.scrollable_content_region.width // self._cell_width, 1)

    @property
    def _lines_in_view(self) -> int:
        return max(self.size.height // self._cell_height, 1)

    @property
    def _box(self) -> Box:
        width, height = self._thumb
        return Box(width, height * 2)

    def _lay_out(self) -> None:
        """Place the cells anew: the cursor stays in view where it was, else the first image in view stays the first."""
        (columns, cell_height, height), top = self._laid_out, self.scroll_offset.y
        self._laid_out = (self._columns, self._cell_height, self.size.height)
        lines = -(-len(self._order) // self._columns)
        self.virtual_size = Size(1, lines * self._cell_height)
        cursor_top = self._cursor // columns * cell_height
        if not height or top <= cursor_top <= max(top + height - cell_height, top):
            self._show_cursor()
        else:
            first = top // cell_height * columns
            self.scroll_to(y=first // self._columns * self._cell_height, animate=False, force=True)

    def _move_to(self, index: int) -> None:
        index = min(max(index, 0), len(self._order) - 1)
        changed, self._cursor = index != self._cursor, index
        # Also where it stays: the wheel may have scrolled away from it.
        self._show_cursor()
        if changed:
            self.refresh()
            self.post_message(self.ThumbnailReached())

    def _show_cursor(self) -> None:
        top = self._cursor // self._columns * self._cell_height
        bottom = top + self._cell_height
        if top < self.scroll_offset.y or self._cell_height > self.size.height:
            self.scroll_to(y=top, animate=False, force=True)
        elif bottom > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=bottom - self.size.height, animate=False, force=True)
        self.call_after_refresh(self._read_ahead)

    def _read_ahead(self) -> None:
        if self._words_only or not self.size.height:
            return
        columns = self._columns
        first = self.scroll_offset.y // self._cell_height * columns
        page = (self._lines_in_view + 1) * columns
        near = self._order[first : first + 2 * page]
        self._thumbnails.want([self._rows[item].path for item in near], self._box)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What the wheel brings into view is read too."""
        super().watch_scroll_y(old_value, new_value)
        self._read_ahead()

    @on(ThumbnailRead)
    def _thumbnail_read(self, event: ThumbnailRead) -> None:
        event.stop()
        self.refresh()

    def _look(self) -> None:
        """Scores arrive and ratings are given while the sheet is open: draw those in view anew where they are news."""
        first = self.scroll_offset.y // self._cell_height * self._columns
        shown = [self._rows[item] for item in self._order[first : first + (self._lines_in_view + 2) * self._columns]]
        told = [(row.final, row.status, self._about(row)) for row in shown]
        if told != self._told:
            self._told = told
            self.refresh()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen, through all thumbnails that it crosses."""
        blank = self.visual_style.rich_style
        line, within = divmod(y + self.scroll_offset.y, self._cell_height)
        start = line * self._columns
        segments: list[Segment] = []
        for index in range(start, min(start + self._columns, len(self._order))):
            segments += self._draw(index, within, blank)
            segments.append(Segment(" " * _GAP, blank))
        return Strip(segments).adjust_cell_length(self.size.width, blank)

    def _draw(self, index: int, line: int, blank: Style) -> list[Segment]:
        width, height = self._thumb
        item = self._order[index]
        row = self._rows[item]
        cursor = index == self._cursor
        style = self.get_component_rich_style("grid--cursor") if cursor else blank
        if line < height:
            thumbnail = self._thumbnails.get(row.path, self._box)
            if thumbnail is None or not thumbnail.dots:
                said = "" if line != height // 2 else "…" if thumbnail is None else "! " + thumbnail.problem
                return [Segment(centre(said, width), self.get_component_rich_style("grid--muted"))]
            return _pixels(thumbnail, line, width, height, blank)
        if line == height:
            mark = MARK_GLYPH if item in self._marks else " "
            pen = style if cursor else self.get_component_rich_style("grid--mark")
            return [
                Segment(f"{mark} ", pen),
                Segment(fit(self._about(row).name or file_name(row.path), width - 2, "name"), style),
            ]
        if line == height + 1:
            about = self._about(row)
            opinion = opinion_cell(about.opinion)
            room = max(width - len(opinion), 0)
            pen = style if cursor else self.get_component_rich_style("grid--mark")
            return [Segment(fit(f"  {_score(row, about.stale)}", room), style), Segment(opinion[:width], pen)]
        return [Segment(" " * width, blank)]


def _score(row: Row, stale: bool) -> str:
    """The final score with its bar; where there is none, whether it was not made yet or cannot be."""
    if row.final is not None:
        return f"{STALE if stale else ''}{row.final:.1f} {BARS[step_of(row.final / 100)]}"
    look = STATUS_LOOKS[row.status]
    return f"{look.glyph} {look.word}"


def _pixels(thumbnail: Thumbnail, line: int, width: int, height: int, blank: Style) -> list[Segment]:
    """A line of half blocks, the thumbnail in the middle of its cell."""
    top = (height - -(-thumbnail.rows // 2)) // 2
    y = line - top
    if not 0 <= 2 * y < thumbnail.rows:
        return [Segment(" " * width, blank)]
    left = (width - thumbnail.columns) // 2
    stride = thumbnail.columns * 3
    upper = thumbnail.dots[2 * y * stride : (2 * y + 1) * stride]
    lower = thumbnail.dots[(2 * y + 1) * stride : (2 * y + 2) * stride]
    segments = [Segment(" " * left, blank)]
    segments += [
        Segment("▀", blank + half_block_style(upper[at : at + 3] + lower[at : at + 3])) for at in range(0, stride, 3)
    ]
    return [*segments, Segment(" " * (width - left - thumbnail.columns), blank)]
