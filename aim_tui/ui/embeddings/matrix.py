"""Every image against every text: a table of shaded cosines; the image beside it, the text below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, chop_cells
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, ScrollableContainer
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.cividis import colour
from aim_tui.core.embeddings.saved_results import MatrixFound
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.embeddings.cosine_table import CosineTable, SortedBy
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.widgets.cell_text import fit, wrap
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.score_cells import BEST_GLYPH

if TYPE_CHECKING:
    Review = Callable[[Sequence[int], int], Awaitable[int]]

_LEGEND = 16
_PREVIEW = 40
#: The text may have one line in so many of the screen; what a longer one says besides is among the texts behind `v`.
_TEXT_SHARE = 5
_SHORT = 16
#: With fewer cells a path says nothing that the table does not say.
_PATH = 24
_INDENT = "      "


_key = ScreenKeys("cosines")


class MatrixScreen(AimScreen[None]):
    """The table, the current text in full, and what the current number means."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Matrix"
    AUTO_FOCUS = "#cosines"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-medium"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("s,comma", "sort", "Sort", "By this text: highest first, lowest first, as given"),
        _key("v", "turn", "Texts", "All texts in full, or the table", "view"),
        _key("z", "view", "View", "The image on the whole screen", "image", show=False),
        _key.help(show=False),
        _key.close("Back to the scores", opener="O"),
    ]

    def __init__(self, found: MatrixFound, policy: ReadingPolicy, review: Review) -> None:
        super().__init__()
        self._found = found
        self._policy = policy
        self._review = review
        self._by: SortedBy | None = None
        self._needed: dict[tuple[int, int], int] = {}
        self._heading = Static(markup=False, classes="heading")
        self._table = CosineTable(found.paths, found.cosines, id="cosines")
        self._preview = ImagePreview(policy=policy, id="matrix-image")
        self._panes = Horizontal(self._table, self._preview, id="matrix-panes")
        self._about = Static(markup=False, id="findings-about")
        self._texts = Static(markup=False)
        self._report = ScrollableContainer(self._texts, id="report")

    def compose(self) -> ComposeResult:
        """Heading, table with the image, what is known of the current number; the texts in their place."""
        yield self._heading
        yield self._panes
        yield self._about
        yield self._report
        yield KeyLine()

    def on_mount(self) -> None:
        """Show them."""
        self._table.empty_text = "No image could be embedded, so there is nothing to hold the texts against."
        self._report.display = False
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is sorted or looked at where it is not seen."""
        return action not in ("sort", "view") or not self._report.display

    def on_resize(self) -> None:
        """What the numbers leave is for the image; texts are broken where the screen ends."""
        width = self.size.width
        self._preview.styles.width = max(_PREVIEW, min(width // 2, width - self._table.needed))
        self.call_after_refresh(self._show_about)
        if self._report.display:
            self.call_after_refresh(self._show_texts)

    def _show(self) -> None:
        found, by = self._found, self._by
        order = range(len(found.paths)) if by is None else found.cosines.order(by.text, highest_first=by.highest_first)
        self._table.show(order, by)
        self._show_heading()
        self._show_about()
        self._show_image()

    def _show_heading(self) -> None:
        found, by = self._found, self._by
        parts: list[str | tuple[str, str]] = [("Matrix  ", "bold")]
        if by is not None:
            parts.append((f"by T{by.text + 1}, {'highest' if by.highest_first else 'lowest'} first  ", "$text-accent"))
        lost = f", {found.left_out:,} left out" if found.left_out else ""
        images, texts = _count(len(found.paths), "image"), _count(len(found.texts), "text")
        said = f"{images} against {texts} by {found.model}{lost}"
        parts.append((printable(said), "$foreground-muted"))
        self._heading.update(Content.assemble(*parts), layout=False)

    @on(CosineTable.TextPicked)
    @on(LineList.CursorMoved, "#cosines")
    def _show_about(self) -> None:
        lines = [self._number(), *self._text_lines()]
        if self.size.height >= _SHORT:
            notice = [Content.styled(printable(self._found.notice), "$text-warning")] if self._found.notice else []
            lines = [self._legend(), *notice, *lines]
        self._about.update(Content("\n").join(lines))

    @on(LineList.CursorMoved, "#cosines")
    def _show_image(self) -> None:
        paths, keys, place = self._found.paths, self._table.keys, self._table.cursor_index
        if place < 0:
            self._preview.show(None)
            return
        around = [keys[near] for near in (place + 1, place - 1) if 0 <= near < len(keys)]
        self._preview.show(paths[keys[place]], neighbours=[paths[near] for near in around])

    # -- words -------------------------------------------------------------------------------------------------------

    def _text_lines(self) -> list[Content]:
        """The current text; as many lines for each as the longest needs, so that moving does not move the table."""
        texts, current = self._found.texts, self._table.text
        room = max(self.size.width - 2 - len(_INDENT), 8)
        most = max(self.size.height // _TEXT_SHARE, 1)
        lines = _in_full(texts[current], room)
        if (room, most) not in self._needed:
            # Only as far as it matters: a text may be a book.
            longest = max(len(_in_full(text[: room * most * 2], room)) for text in texts)
            self._needed[room, most] = min(longest, most)
        needed = self._needed[room, most]
        if len(lines) > needed:
            last = fit(lines[needed - 1], room - len("… v: all")).rstrip().removesuffix("…")
            lines = [*lines[: needed - 1], f"{last}… v: all"]
        lines += [""] * (needed - len(lines))
        number = f"T{current + 1}".ljust(len(_INDENT))
        first = Content.assemble((number, "bold $text-accent"), lines[0])
        return [first, *(Content(_INDENT + line) for line in lines[1:])]

    def _number(self) -> Content:
        """The current number, its place among the images, and the image's best text."""
        key, text, cosines = self._table.cursor_key, self._table.text, self._found.cosines
        if key is None:
            return Content("")
        numbers, best = cosines.row(key), cosines.best_text(key)
        place = f"  place {cosines.place(key, text):,} of {cosines.rows:,} for T{text + 1}"
        if len(numbers) == 1:
            other = ""
        elif best == text:
            other = f"  {BEST_GLYPH} its best text"
        else:
            other = f"  {BEST_GLYPH} its best text is T{best + 1}, {numbers[best]:.4f}"
        said = f"{numbers[text]:.4f}"
        room = self.size.width - 4 - cell_len(said + place + other)
        path = fit(self._found.paths[key], room, "middle") if room >= _PATH else ""
        return Content.assemble((said, "bold"), place, other, (f"  {path}", "$foreground-muted"))

    def _legend(self) -> Content:
        """What the shades mean, in numbers; without them the numbers alone."""
        cosines = self._found.cosines
        least, most = f"{cosines.least:.4f}", f"{cosines.most:.4f}"
        best = f"  {BEST_GLYPH} the best text of an image" if cosines.columns > 1 else ""
        if not self._table.colours:
            return Content.styled(f"cosines from {least} to {most}{best}", "$foreground-muted")
        ramp = [("█", "rgb({},{},{})".format(*colour(cell / (_LEGEND - 1)))) for cell in range(_LEGEND)]
        return Content.assemble(
            ("cosine ", "$foreground-muted"), f"{least} ", *ramp, f" {most}", (best, "$foreground-muted")
        )

    def _show_texts(self) -> None:
        """Each text in full, and how many images it is the best one of."""
        cosines = self._found.cosines
        won = Counter(map(cosines.best_text, range(cosines.rows)))
        digits = len(f"{cosines.rows:,}")
        indent = " " * (len(_INDENT) + digits + 4)
        lines = [Content.styled(f"{BEST_GLYPH} how many images it is the best text of", "$foreground-muted")]
        for number, text in enumerate(self._found.texts):
            here = "bold $text-accent" if number == self._table.text else "$text-accent"
            first, *rest = _in_full(text, max(self.size.width - 4 - len(indent), 8))
            wins = f"{BEST_GLYPH} {won[number]:>{digits},}  "
            lines.append(
                Content.assemble((f"T{number + 1}".ljust(len(_INDENT)), here), (wins, "$foreground-muted"), first)
            )
            lines += [Content(indent + line) for line in rest]
        self._texts.update(Content("\n").join(lines))

    # -- verbs -------------------------------------------------------------------------------------------------------

    @on(LineList.Opened, "#cosines")
    @work(exclusive=True, group="verb")
    async def _open(self) -> None:
        """Review the image, and from there its neighbours in this order."""
        if (key := self._table.cursor_key) is not None:
            self._table.move_to(await self._review(self._table.keys, key))

    @on(LineList.HeaderClicked, "#cosines")
    def _title_clicked(self, event: LineList.HeaderClicked) -> None:
        self._sort(int(event.column))

    def action_sort(self) -> None:
        """By the current text: the highest first, the lowest first, as given."""
        self._sort(self._table.text)

    def _sort(self, text: int) -> None:
        by = self._by
        if by is None or by.text != text:
            self._by = SortedBy(text, highest_first=True)
        else:
            self._by = SortedBy(text, highest_first=False) if by.highest_first else None
        self._show()

    def action_turn(self) -> None:
        """The texts in the place of the table, or this again."""
        shows = not self._report.display
        if shows:
            self._show_texts()
        self._report.display = shows
        self._panes.display = self._about.display = not shows
        (self._report if shows else self._table).focus()
        self.refresh_bindings()

    def action_view(self) -> None:
        """The image on the whole screen."""
        if (key := self._table.cursor_key) is None:
            return

        def closed(item: int | None) -> None:
            if item is not None:
                self._table.move_to(item)

        rows = [Row(number, path) for number, path in enumerate(self._found.paths)]
        self.app.push_screen(ViewScreen(rows, list(self._table.keys), key, self._policy), closed)


def _in_full(text: str, width: int) -> list[str]:
    """All of a text in lines; a word that is longer than one, as in Chinese, goes on in the next."""
    words = (chop_cells(word, width) for word in printable(text).split(" "))
    return wrap(" ".join(part for parts in words for part in parts or [""]), width) or [""]


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}{'' if number == 1 else 's'}"
