"""Categories as bars: how well the images of each fit its prompt; one opens in review."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.embeddings.categories import ORDERS, Category, extent
from aim_tui.core.embeddings.saved_results import CategoriesFound
from aim_tui.core.statistics import Mean
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.embeddings.category_list import CategoryList, figures_of
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList

_WORDS = {"mean": "by mean", "name": "by name", "count": "by number of images"}


_key = ScreenKeys("categories")


class CategoriesScreen(AimScreen[None]):
    """The bars, the prompt of the category under the cursor, and the means over all."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Categories"
    AUTO_FOCUS = "#categories"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-medium"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("s,comma", "sort", "Sort", "By mean, by name, by number of images"),
        _key.help(show=False),
        _key.close("Back to the scores", opener="O"),
    ]

    def __init__(self, found: CategoriesFound, review: Callable[[Category], Awaitable[None]]) -> None:
        super().__init__()
        self._found = found
        self._review = review
        self._order = ORDERS[0]
        self._by_name = {category.name: category for category in found.categories.categories}
        self._heading = Static(markup=False, classes="heading")
        self._list = CategoryList(id="categories")
        self._about = Static(markup=False, id="findings-about")

    def compose(self) -> ComposeResult:
        """Heading, bars, and what is known of the one under the cursor and of all."""
        yield self._heading
        yield self._list
        yield self._about
        yield KeyLine()

    def on_mount(self) -> None:
        """Show them."""
        self._show()

    @property
    def category(self) -> Category | None:
        """The one under the cursor."""
        return self._by_name.get(self._list.cursor_key or "")

    def _show(self) -> None:
        rows = self._found.categories.sorted(self._order)
        self._list.show(rows, extent(rows), self._order)
        parts: list[str | tuple[str, str]] = [("Categories  ", "bold"), (f"{_WORDS[self._order]}  ", "$text-accent")]
        lost = f", {self._found.left_out:,} left out" if self._found.left_out else ""
        root = self._found.root.rstrip("/").rpartition("/")[2] or self._found.root
        parts.append((printable(f"{root}: CLIP score by {self._found.model}{lost}"), "$foreground-muted"))
        self._heading.update(Content.assemble(*parts), layout=False)
        self._show_about()

    @on(LineList.CursorMoved, "#categories")
    def _show_about(self) -> None:
        lines = []
        if (category := self.category) is not None:
            lines.append(Content.assemble(("Prompt  ", "$text-accent"), printable(category.prompt)))
        all_of = self._found.categories
        lines.append(_over("Categories alike", all_of.macro, f" of {len(all_of.categories)} categories"))
        lines.append(_over("Images alike    ", all_of.micro, " images"))
        if self._found.notice:
            lines.append(Content.styled(printable(self._found.notice), "$text-warning"))
        self._about.update(Content("\n").join(lines))

    # -- verbs -------------------------------------------------------------------------------------------------------

    @on(LineList.Opened, "#categories")
    @work(exclusive=True, group="verb")
    async def _open(self) -> None:
        """Review the category under the cursor."""
        if (category := self.category) is not None:
            await self._review(category)

    def action_sort(self) -> None:
        """The next order."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._show()


def _over(title: str, found: Mean | None, of: str) -> Content:
    mean, std, interval, n, _ = figures_of(found, 0)
    return Content.assemble((f"{title}  ", "$text-accent"), f"{mean}  ({interval})  std {std}  {n}{of}")
