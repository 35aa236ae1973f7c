"""Images against texts as a table of shaded numbers, in which one cell is the current one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region

from aim_tui.core.cividis import colour, is_light
from aim_tui.core.embeddings.similarity_matrix import Cosines
from aim_tui.core.names import ShortNames
from aim_tui.core.text import printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look
from aim_tui.ui.widgets.score_cells import BEST_GLYPH, few_colours

_HERE = ("move", "page", "first", "last", "open", "text", "first_text", "last_text", "best")
#: Names are cut to the second where that brings another number into view, and to the first where there is no room.
_NAME_LEAST, _NAME_ENOUGH, _NAME_MOST = 8, 14, 40
#: More shades than an eye tells apart; each is a style that is made once.
_SHADES = 96


@lru_cache(maxsize=_SHADES + 1)
def shade(step: int) -> Style:
    """The colours of a step of the ramp, with black or white digits on it."""
    tone = colour(step / _SHADES)
    ink = 0 if is_light(tone) else 255
    return Style(color=Color.from_rgb(ink, ink, ink), bgcolor=Color.from_rgb(*tone))


class Layout(NamedTuple):
    """Cells for names and for each number, and the texts in view."""

    name: int
    each: int
    shown: range


@dataclass(frozen=True, slots=True)
class SortedBy:
    """The text by whose numbers the images stand."""

    text: int
    highest_first: bool


class CosineTable(LineList[int]):
    """Keys are numbers of images, a line each; columns are texts, by number."""

    HEADER_LINES: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "text(1)", "Right", show=False, id="cosines.right", tooltip="The next text"),
        Binding("h,left", "text(-1)", "Left", show=False, id="cosines.left", tooltip="The text before"),
        Binding("0", "first_text", "First text", show=False, id="cosines.first", tooltip="The first text"),
        Binding("dollar_sign", "last_text", "Last text", show=False, id="cosines.last", tooltip="The last text"),
        Binding("b", "best(True)", "Best text", id="cosines.best-text", tooltip="To the image's highest number"),
        Binding("B", "best(False)", "Best image", id="cosines.best-image", tooltip="To the text's highest number"),
        Binding("enter", "open", "Review", id="cosines.open", tooltip="Review the image"),
    ]

    @dataclass
    class TextPicked(LineList.Fact):
        """Another text is the current one."""

        text: int

    def __init__(self, paths: Sequence[str], cosines: Cosines, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paths = paths
        self._names = ShortNames(paths)
        self._cosines = cosines
        self._longest = max((cell_len(printable(self._names[path])) for path in paths), default=0)
        # A sign where any number has one, and one cell each for the best of an image and for the gap.
        self._each = max(len("-0.0000") if cosines.least < 0 else len("0.0000"), len(f"T{cosines.columns}")) + 2
        self._text = 0
        self._first = 0
        self._sorted: SortedBy | None = None
        self._colours = True

    # -- from outside ------------------------------------------------------------------------------------------------

    @property
    def text(self) -> int:
        """The current text."""
        return self._text

    @property
    def needed(self) -> int:
        """The cells in which all names and numbers are seen."""
        return self.GUTTER + min(self._longest + 1, _NAME_MOST) + self._each * self._cosines.columns + 2

    @property
    def colours(self) -> bool:
        """Whether numbers are shaded; where colours are few they stand alone."""
        return self._colours

    def show(self, keys: Sequence[int], by: SortedBy | None) -> None:
        """The images in this order."""
        self._sorted = by
        self.set_keys(keys)
        self.refresh()

    # -- keys and mouse ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Images are opened, not marked."""
        return action in _HERE

    def can_mark(self, key: int) -> bool:
        """Nor by the mouse."""
        return False

    def action_text(self, step: int) -> None:
        """Another text, as far as there are any."""
        self._pick(self._text + step)

    def action_first_text(self) -> None:
        """The first text."""
        self._pick(0)

    def action_last_text(self) -> None:
        """The last text."""
        self._pick(self._cosines.columns - 1)

    def action_best(self, of_image: bool) -> None:
        """To the highest number of the image, or of the text."""
        if (key := self.cursor_key) is None:
            return
        if of_image:
            self._pick(self._cosines.best_text(key))
        else:
            self.move_to(self._cosines.best_image(self._text))

    def on_mount(self) -> None:
        """Numbers alone say more than a few colours do."""
        self._colours = not few_colours(self.app)

    def on_click(self, event: events.Click) -> None:
        """A click on a number makes it the current one; Textual lets the list do its own with it too."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y >= self.HEADER_LINES and (text := self._text_at(offset.x)) is not None:
            self._pick(text)

    def column_at(self, x: int) -> str | None:
        """The number of a text."""
        text = self._text_at(x)
        return None if text is None else str(text)

    def _text_at(self, x: int) -> int | None:
        name, each, shown = self._layout(self.scrollable_content_region.width - self.GUTTER)
        place = (x - self.GUTTER - name) // each
        return shown[place] if 0 <= place < len(shown) else None

    def _pick(self, text: int) -> None:
        text = min(max(text, 0), self._cosines.columns - 1)
        if text == self._text:
            return
        width = self.scrollable_content_region.width - self.GUTTER
        before, self._text = self._layout(width), text
        if self._layout(width) != before:
            self.refresh()
        else:
            self.refresh(Region(0, 0, self.size.width, self.HEADER_LINES))
            self.keys_changed(() if self.cursor_key is None else (self.cursor_key,))
        self.post_message(self.TextPicked(self, text))

    # -- drawing -----------------------------------------------------------------------------------------------------

    def draw_header(self, width: int) -> list[Segment]:
        """The numbers of the texts; arrows where there are more, and by which one it is sorted."""
        style = self.get_component_rich_style("line-list--header")
        current = self.get_component_rich_style("line-list--sorted")
        name, each, shown = self._layout(width - self.GUTTER)
        before, after = shown.start, self._cosines.columns - shown.stop
        more = f" ‹{before}" if before else ""
        title = fit("Image", max(name - cell_len(more), 0)) + more
        segments = [Segment(fit(" " * self.GUTTER + title, self.GUTTER + name), style)]
        for text in shown:
            by = self._sorted if self._sorted is not None and self._sorted.text == text else None
            words = f"T{text + 1}{'' if by is None else '▼' if by.highest_first else '▲'}"
            pad = " " * (0 if by else 1)
            segments += [
                Segment(" " * (each - len(words) - len(pad)), style),
                Segment(words, current if text == self._text else style),
                Segment(pad, style),
            ]
        rest = max(width - self.GUTTER - name - each * len(shown), 0)
        return [*segments, Segment(fit(f" ›{after}" if after else "", rest), style)]

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One image; of the line of the cursor its name and the current number have the cursor's colours."""
        plain = self.visual_style.rich_style
        name, each, shown = self._layout(width)
        segments = [Segment(fit(self._names[self._paths[key]], name - 1, "name") + " ", look.base)]
        numbers = self._cosines.row(key)
        best = self._cosines.best_text(key)
        for text in shown:
            number = f"{BEST_GLYPH if text == best else ' '}{numbers[text]:>{each - 2}.4f} "
            here = look.cursor and text == self._text
            segments.append(Segment(number, look.base if here else self._style(numbers[text], plain, text == best)))
        return [*segments, Segment(" " * max(width - name - each * len(shown), 0), plain)]

    def _style(self, number: float, plain: Style, best: bool) -> Style:
        style = plain + shade(round(self._cosines.level(number) * _SHADES)) if self._colours else plain
        return style + Style(bold=True) if best else style

    def _layout(self, width: int) -> Layout:
        """As many texts as fit beside the names, the current one among them; what is left over is for the names."""
        columns, each = self._cosines.columns, self._each
        least = min(self._longest + 1, max(width // 4, _NAME_ENOUGH))
        if least + each * columns > width:
            # The header says beside the numbers how many more there are.
            width -= len(f" ›{columns}")
        fitting = max(min((width - least) // each, columns), 1)
        name = max(min(self._longest + 1, _NAME_MOST, width - fitting * each), min(_NAME_LEAST, width - each), 1)
        first = min(max(self._first, self._text - fitting + 1), self._text, columns - fitting)
        self._first = max(first, 0)
        return Layout(name, each, range(self._first, self._first + fitting))
