"""Review: one image after another at full height, with everything known of it, and a key for every judgement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.ratings.opinions import RATINGS
from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.filters import FilterError
from aim_tui.core.selection.sorting import rank, standing_finals
from aim_tui.core.text import file_name, printable
from aim_tui.ui.aim_screen import AimScreen, help_binding
from aim_tui.ui.compare.screen import compare_images
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.heatmap.screen import show_heatmap
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.review.card import Standing, card
from aim_tui.ui.review.explain import ExplainScreen
from aim_tui.ui.review.walk import Walk
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.header_lines import NoticeLine
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

_LOOK_SECONDS = 0.1
_RANK_SECONDS = 1.0

_RATE: list[BindingType] = [
    Binding(
        str(rating),
        f"rate({rating})",
        "Rate" if rating == RATINGS[0] else f"Rate {rating}",
        show=rating == RATINGS[0],
        # One entry stands for all of them.
        key_display=f"{RATINGS[0]}-{RATINGS[-1]}" if rating == RATINGS[0] else None,
        tooltip=f"Rate {rating} of {RATINGS[-1]} and go on",
        id=f"review.rate-{rating}",
    )
    for rating in RATINGS
]


class ReviewScreen(AimScreen[int]):
    """The item that was looked at last.

    What is shown, in which order, stays as it is until a filter is given: an image that was just rated does not
    vanish from a list of unrated ones.
    """

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Review"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *_RATE,
        Binding("0", "rate(0)", "Clear", show=False, tooltip="Take the rating away", id="review.clear"),
        Binding("x", "reject", "Reject", tooltip="Reject and go on; again: take it back", id="review.reject"),
        Binding("n", "note", "Note", tooltip="Write a note about this image", id="review.note"),
        Binding("u", "undo", "Undo", tooltip="Take back what you said last", id="review.undo"),
        Binding("j,down,right", "go(1)", "Next", show=False, tooltip="The next image", id="review.next"),
        Binding("k,up,left", "go(-1)", "Previous", show=False, tooltip="The image before", id="review.previous"),
        Binding("pagedown,ctrl+d", "go(10)", "Ten on", show=False, tooltip="Ten images on", id="review.page-down"),
        Binding("pageup,ctrl+u", "go(-10)", "Ten back", show=False, tooltip="Ten images back", id="review.page-up"),
        Binding("g,home", "first", "First", show=False, tooltip="The first image", id="review.first"),
        Binding("G,end", "last", "Last", show=False, tooltip="The last image", id="review.last"),
        Binding(
            "right_square_bracket",
            "unrated(1)",
            "Unrated",
            tooltip="The next image that is neither rated nor rejected",
            id="review.next-unrated",
            key_display="]",
        ),
        Binding(
            "left_square_bracket",
            "unrated(-1)",
            "Unrated before",
            show=False,
            tooltip="The unrated image before",
            id="review.previous-unrated",
            key_display="[",
        ),
        Binding("f", "filter", "Filter", tooltip="Show only some: unrated, rating>=4, final>70", id="review.filter"),
        Binding("slash", "find", "Find", show=False, tooltip="Find a name", id="review.find"),
        Binding("c", "compare", "Compare", tooltip="Beside the marked image or the reference", id="review.compare"),
        Binding("e", "explain", "Explain", show=False, tooltip="Why it scores as it does", id="review.explain"),
        Binding("A", "heatmap", "Heatmap", show=False, tooltip="Which regions of it count", id="review.heatmap"),
        Binding(
            "r", "reference", "Reference", show=False, tooltip="Compare all with this image", id="review.reference"
        ),
        Binding("z", "view", "View", show=False, tooltip="The image on the whole screen", id="review.view"),
        help_binding("review"),
        Binding("escape,q", "close", "Back", tooltip="Back to the table, at this image", id="review.close"),
    ]

    def __init__(
        self,
        session: Session,
        arrangement: Arrangement,
        item: int,
        marks: AbstractSet[int],
        trusted: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._session = session
        self._results = session.workspace.results
        self._walk = Walk(arrangement, session.workspace.results.rows, item)
        self._marks = marks
        self._trusted = trusted
        self._heading = Static(id="review-title", markup=False)
        self._preview = ImagePreview(policy=session.workspace.launch.reading, id="review-image")
        self._card = Static(id="review-card", markup=False)
        self._side = VerticalScroll(self._card, id="review-side", can_focus=False)
        self._notice = NoticeLine()
        self._find_bar = FindBar()
        self._finals: list[float] = []
        self._told: object = None
        self._ranked: object = None
        self._before_seeking = item

    def compose(self) -> ComposeResult:
        """The image; beside it the card."""
        yield self._heading
        with Horizontal(id="review-panes"):
            yield self._preview
            yield self._side
        yield self._notice
        yield self._find_bar
        yield KeyLine()

    def on_mount(self) -> None:
        """Show where the table was, and what changes there."""
        self.set_interval(_LOOK_SECONDS, self._tell)
        self.set_interval(_RANK_SECONDS, self._rank_again)
        self._notice.show(self._session.workspace.notice)
        self._rank()
        self._show()

    def on_resize(self) -> None:
        """Less room, fewer words."""
        self._told = None
        self.call_after_refresh(self._tell)

    @property
    def _row(self) -> Row:
        return self._walk.row

    # -- judging -----------------------------------------------------------------------------------------------------

    def action_rate(self, rating: int) -> None:
        """Rate and go on; 0 takes the rating away and stays."""
        if self._trusted():
            self._follow(self._session.ratings.rate(self._row.path, rating or None), self._walk.item)
            if rating:
                self.action_go(1)

    def action_reject(self) -> None:
        """Reject and go on, or take back and stay."""
        if self._trusted():
            judging, path = self._session.ratings, self._row.path
            rejected = not judging.opinion(path).rejected
            self._follow(judging.reject(path, rejected), self._walk.item)
            if rejected:
                self.action_go(1)

    @work(exclusive=True, group="dialog")
    async def action_note(self) -> None:
        """Write a note."""
        if not self._trusted():
            return
        judging, path, item = self._session.ratings, self._row.path, self._walk.item
        before = printable(judging.opinion(path).note)
        about = f"About {printable(file_name(path))}; an empty note is none."
        text = await self.app.push_screen_wait(AskScreen("Note", about, before, lambda text: ""))
        if text is not None and text != before:
            self._follow(judging.note(path, text), item)

    @work
    async def action_undo(self) -> None:
        """Take back what was said last, and go to where that was."""
        if not self._trusted():
            return
        # The word is taken back even if this screen is closed meanwhile.
        undone = await asyncio.shield(self._session.ratings.undo())
        if undone is not None:
            self.notify(str(undone), timeout=3, markup=False)
            self._go_to(self._walk.item_at(undone.path))

    @work
    async def _follow(self, word: asyncio.Task[bool], item: int) -> None:
        """Come back to an image of which nothing could be stored; what was given after it was refused as well."""
        if not await asyncio.shield(word) and self._walk.go_back_to(item):
            self._show()

    # -- moving ------------------------------------------------------------------------------------------------------

    def action_go(self, step: int) -> None:
        """Another image, as far as there are any."""
        if self._walk.go(self._walk.position + step):
            self._show()

    def action_first(self) -> None:
        """The first image."""
        self._go_to(self._walk.order[0])

    def action_last(self) -> None:
        """The last image."""
        self._go_to(self._walk.order[-1])

    def action_unrated(self, step: int) -> None:
        """The nearest image in one direction that is neither rated nor rejected."""
        opinion = self._session.ratings.opinion

        def unrated(path: str) -> bool:
            said = opinion(path)
            return said.rating is None and not said.rejected

        place = self._walk.next_where(unrated, step)
        if place is not None:
            self._go_to(self._walk.order[place])
        else:
            self.notify(f"no unrated image {'after' if step > 0 else 'before'} this one", timeout=3, markup=False)

    def _go_to(self, item: int | None) -> None:
        if item is not None and self._walk.go_to(item):
            self._show()

    # -- filtering and finding ---------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Show only some."""
        self._find_bar.open(Seeking.FILTER, self._walk.expression)

    def action_find(self) -> None:
        """Find a name."""
        self._before_seeking = self._walk.item
        self._find_bar.open(Seeking.FIND, "")

    @on(FindBar.Changed)
    def _seek(self, event: FindBar.Changed) -> None:
        event.stop()
        if event.seeking is Seeking.FIND and event.text:
            found = self._walk.find(event.text, self._before_seeking)
            self._find_bar.say("" if found is not None else "no such name", problem=found is None)
            self._go_to(found)

    @on(FindBar.Taken)
    @work(exclusive=True, group="arrange")
    async def _taken(self, event: FindBar.Taken) -> None:
        event.stop()
        if event.seeking is Seeking.FILTER:
            try:
                passes = await self._walk.narrow(event.text, self._view())
            except FilterError as error:
                self._find_bar.say_mistake(error.message, error.column)
                return
            if not passes:
                self._find_bar.say("no image passes", problem=True)
                return
            self._show()
        self._end_seeking()

    @on(FindBar.Left)
    def _left(self, event: FindBar.Left) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._go_to(self._before_seeking)
        self._end_seeking()

    def _end_seeking(self) -> None:
        self._find_bar.close()
        self.set_focus(None)

    def _view(self) -> View:
        session = self._session
        return View.of(session.workspace.context, session.workspace.plan.metrics, self._marks, session.ratings.mine)

    # -- other screens -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="dialog")
    async def action_compare(self) -> None:
        """Beside the marked image or the reference."""
        await compare_images(self.app, self._session, self._walk.order, self._walk.item, self._marks)

    def action_explain(self) -> None:
        """Why it scores as it does."""
        session, item = self._session, self._row.item
        heatmap = partial(show_heatmap, self.app, session, self._walk.order, item)
        asked, whose = (
            (self._results, session.workspace.profile, session.workspace.skipped),
            session.workspace.prompt_origin(self._row),
        )
        self.app.push_screen(
            ExplainScreen(self._row, *asked, tokens=session.heatmaps.tokens, heatmap=heatmap, whose=whose)
        )

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

    def action_close(self) -> None:
        """Back to the table, at this image."""
        self.dismiss(self._walk.item)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._preview.show(self._row.path, neighbours=self._walk.neighbours())
        self._session.ratings.look_at(self._row.path)
        self._tell()

    def _tell(self) -> None:
        """Say what is known of the current image now, where that is news."""
        session, row = self._session, self._row
        judging, final = session.ratings, row.final
        brief, width = self.has_class("-narrow"), self._side.scrollable_content_region.width
        standing = Standing(
            row=row,
            plan=session.workspace.plan,
            context=session.workspace.context,
            not_asked=session.workspace.skipped,
            rater=judging.rater,
            mine=judging.opinion(row.path),
            others=judging.others(row.path),
            rank=rank(final, self._finals) if final is not None and self._finals else None,
            of=len(self._finals),
            whose=session.workspace.prompt_origin(row),
        )
        # A row changes in place: what of it is on the card has to be looked at by itself.
        news = (
            standing,
            row.scores,
            row.caption,
            row.error,
            row.own,
            len(row.raws),
            brief,
            width,
            self._walk.position,
            judging.waiting,
        )
        if news == self._told:
            return
        self._told = news
        self._card.update(card(standing, brief=brief, width=width))
        waiting = f"  storing {judging.waiting}" if judging.waiting else ""
        expression, walk = self._walk.expression, self._walk
        self._heading.update(
            Content.assemble(
                (f"{walk.position + 1}/{len(walk.order)}  ", "$foreground-muted"),
                (printable(file_name(row.path)), "bold"),
                (f"  filter {printable(expression)}" if expression else "", "$foreground-muted"),
                (f"  {printable(judging.rater)} rates", "$foreground-muted"),
                (waiting, "$text-warning"),
            )
        )

    def _rank_again(self) -> None:
        """Rank while scores may arrive, once more when they no longer do, and when other things are asked."""
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
        self._tell()


async def review(
    app: App[int], session: Session, arrangement: Arrangement, item: int, marks: AbstractSet[int], late_input: LateInput
) -> int:
    """Look at one image after another and judge them; the item that was looked at last."""
    seen = await app.push_screen_wait(ReviewScreen(session, arrangement, item, marks, late_input.settled))
    return item if seen is None else seen
