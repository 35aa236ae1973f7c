"""The contact sheet: the quickest way to see a folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.review.image_review import review
from aim_tui.ui.review.thumbnail_grid import About, ThumbnailGrid
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.session.undo_history import UndoHistory, UndoStep
from aim_tui.ui.undo_verbs import UndoVerbs, undo_bindings
from aim_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session


class GridScreen(UndoVerbs, AimScreen[int]):
    """The item that was looked at last.

    `marked` is called with the marks when they change here, `marks` gives them.
    """

    CSS_PATH = "grid.tcss"
    BINDING_GROUP_TITLE = "Grid"
    BINDINGS: ClassVar[list[BindingType]] = [
        *undo_bindings(ScreenKeys("grid")),
        ScreenKeys("grid").help(),
        ScreenKeys("grid").close("Back to the table", opener="t"),
    ]

    def __init__(
        self,
        rows: Sequence[Row],
        order: Sequence[int],
        current: int,
        marks: Callable[[], AbstractSet[int]],
        policy: ReadingPolicy,
        marked: Callable[[AbstractSet[int]], None],
        review: Callable[[int, AbstractSet[int]], Awaitable[int]],
        undo_history: UndoHistory,
        about: Callable[[Row], About] = lambda row: About(),
    ) -> None:
        super().__init__()
        self._rows, self._order, self._marks, self._marked, self._review = rows, order, marks, marked, review
        self.undo_history = undo_history
        self._title = Static(id="grid-title", markup=False)
        self.grid = ThumbnailGrid(rows, order, current, marks(), policy, about)

    def compose(self) -> ComposeResult:
        """A line of words, the sheet, the keys."""
        yield self._title
        yield self.grid
        yield KeyLine()

    def on_mount(self) -> None:
        """Move at once."""
        self.grid.focus()
        self._tell()

    def action_close(self) -> None:
        """Back to the table, at this image."""
        self.dismiss(self.grid.current)

    def step_undone(self, step: UndoStep) -> None:
        """Show the marks as they are now, at the image that it is about."""
        self.grid.set_marks(self._marks())
        item = next((item for item in self._order if self._rows[item].id == step.id), None) if step.id else None
        if item is not None:
            self.grid.move_to(item)
        self._tell()

    @on(ThumbnailGrid.ThumbnailMarked)
    def _marks_changed(self) -> None:
        self._marked(self.grid.marks)
        self._tell()

    @on(ThumbnailGrid.ThumbnailReached)
    def _tell(self) -> None:
        row = self._rows[self.grid.current]
        marks = len(self.grid.marks)
        self._title.update(
            Content.assemble(
                (f"{self.grid.position + 1}/{len(self._order)}  ", "$foreground-muted"),
                printable(row.path.rpartition("/")[2]),
                (f"  {row.final:.1f}" if row.final is not None else "", "bold"),
                (f"  {marks} marked" if marks else "", "$foreground-muted"),
            ),
            layout=False,
        )

    @on(ThumbnailGrid.ThumbnailOpened)
    @work(exclusive=True)
    async def _opened(self) -> None:
        """Review from there on; where that ended, the sheet goes on."""
        self.grid.move_to(await self._review(self.grid.current, frozenset(self.grid.marks)))
        self.grid.refresh()
        self._tell()


async def show_grid(
    app: App[int],
    session: Session,
    arrangement: Arrangement,
    item: int,
    marks: Callable[[], AbstractSet[int]],
    marked: Callable[[AbstractSet[int]], None],
    late_input: LateInput,
) -> int:
    """All that is shown as thumbnails; the item that was looked at last."""
    from aim_tui.ui.review.thumbnail_grid import About

    results = session.workspace.results

    def about(row: Row) -> About:
        stale = any(row.stale(metric, session.workspace.context) for metric in session.workspace.plan.metrics)
        return About(session.ratings.opinion(row.path), stale, results.names[row.path])

    async def review_from(item: int, marks: AbstractSet[int]) -> int:
        # A filter in the review is the review's own.
        return await review(app, session, replace(arrangement), item, marks, late_input)

    policy = session.workspace.launch.reading
    history = session.undo_history
    screen = GridScreen(results.rows, arrangement.order, item, marks, policy, marked, review_from, history, about)
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen
