"""Review of images: beside the image its card, and keys for the other ways to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import rank, standing_finals
from aim_tui.ui.aim_screen import ScreenKeys
from aim_tui.ui.compare.screen import compare_images
from aim_tui.ui.heatmap.screen import show_heatmap
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.review.card import Standing, card
from aim_tui.ui.review.explain import explain
from aim_tui.ui.review.screen import ReviewScreen, judging_bindings
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.widgets.image_preview import ImagePreview

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

_RANK_SECONDS = 1.0


_key = ScreenKeys("review")


class ImageReviewScreen(ReviewScreen):
    """Images of the main screen."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Review"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *judging_bindings("review", "image", "final>70"),
        _key("c", "compare", "Compare", "Beside the marked image or the reference"),
        _key("e", "explain", "Explain", "Why it scores as it does", show=False),
        _key("A", "heatmap", "Heatmap", "Which regions of it count", show=False),
        _key("r", "reference", "Reference", "Compare all with this image", show=False),
        _key("z", "view", "View", "The image on the whole screen", show=False),
        _key.help(),
        _key("escape,q", "close", "Back", "Back to the table, at this image"),
    ]

    def __init__(
        self,
        session: Session,
        arrangement: Arrangement,
        item: int,
        marks: AbstractSet[int],
        trusted: Callable[[], bool],
    ) -> None:
        super().__init__(
            session.ratings, session.undo_history, session.workspace.results, arrangement, item, marks, trusted
        )
        self._session = session
        self.notice = session.workspace.notice
        self._preview = ImagePreview(policy=session.workspace.launch.reading, id="review-image")
        self._card = Static(id="review-card", markup=False)
        self._side = VerticalScroll(self._card, id="review-side", can_focus=False)
        self._finals: list[float] = []
        self._ranked: object = None

    def panes(self) -> Iterable[Widget]:
        """The image; beside it the card."""
        yield Horizontal(self._preview, self._side, id="review-panes")

    def on_mount(self) -> None:
        """Rank the image among the others."""
        self.set_interval(_RANK_SECONDS, self._rank_again)
        self._rank()

    # -- other screens -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="dialog")
    async def action_compare(self) -> None:
        """Beside the marked image or the reference."""
        await compare_images(self.app, self._session, self._walk.order, self._walk.item, self._marks)

    def action_explain(self) -> None:
        """Why it scores as it does."""
        explain(self.app, self._session, self._walk.order, self._row)

    @work(exclusive=True, group="dialog")
    async def action_heatmap(self) -> None:
        """Which regions of it count."""
        self._go_to(await show_heatmap(self.app, self._session, self._walk.order, self._walk.item))

    def action_reference(self) -> None:
        """Compare all images with this one."""
        self._session.setup.set_reference(self._row.path)

    def action_view(self) -> None:
        """The image on the whole screen."""
        rows, policy = self._results.rows, self._session.workspace.launch.reading
        self.app.push_screen(ViewScreen(rows, self._walk.order, self._walk.item, policy), self._go_to)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def name_of(self, row: Row) -> str:
        """What it is called in the table."""
        return self._results.names[row.path]

    def show_pictures(self) -> None:
        """Show the image."""
        near = [row.path for row in self._walk.neighbours()]
        self._preview.show(self._row.path, neighbours=near)

    def facts(self) -> object:
        """What stands on the card, and the room it has."""
        row = self._row
        brief, width = self.has_class("-narrow"), self._side.scrollable_content_region.width
        return self._standing(), row.caption, row.own, brief, width

    def show_words(self) -> None:
        """Show the card."""
        brief, width = self.has_class("-narrow"), self._side.scrollable_content_region.width
        self._card.update(card(self._standing(), brief=brief, width=width))

    def _standing(self) -> Standing:
        workspace, ratings, row, final = self._session.workspace, self._ratings, self._row, self._row.final
        return Standing(
            row=row,
            plan=workspace.plan,
            context=workspace.context,
            not_asked=workspace.skipped,
            rater=ratings.rater,
            mine=ratings.opinion(row.path),
            others=ratings.others(row.path),
            rank=rank(final, self._finals) if final is not None and self._finals else None,
            of=len(self._finals),
            whose=workspace.prompt_origin(row),
        )

    def _rank_again(self) -> None:
        """Rank while scores may arrive, once more when they no longer do, and where the setup has changed."""
        session = self._session
        state = (
            session.workspace.running is not None or session.workspace.recalling,
            session.workspace.plan,
            session.workspace.context,
        )
        if state[0] or state != self._ranked:
            self._ranked = state
            self._rank()

    @work(exclusive=True, group="rank")
    async def _rank(self) -> None:
        """Put all final scores in order; a hundred thousand take longer than a key may wait."""
        self._finals = await asyncio.to_thread(standing_finals, self._results.rows, self._view())
        self._update()


async def review(
    app: App[int], session: Session, arrangement: Arrangement, item: int, marks: AbstractSet[int], late_input: LateInput
) -> int:
    """Look at one image after another and judge them; the item that was looked at last."""
    seen = await app.push_screen_wait(ImageReviewScreen(session, arrangement, item, marks, late_input.settled))
    return item if seen is None else seen
