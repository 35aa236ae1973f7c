"""Review: one image after another at full height, with everything known of it, and a key for every judgement."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from aim_tui.core.fields import View, file_name
from aim_tui.core.filters import FilterError
from aim_tui.core.opinions import RATINGS
from aim_tui.core.ranks import rank, standing_finals
from aim_tui.core.text import printable
from aim_tui.ui.screens import errands
from aim_tui.ui.screens.ask import AskScreen
from aim_tui.ui.screens.explain import ExplainScreen
from aim_tui.ui.screens.help import HelpScreen
from aim_tui.ui.screens.view import ViewScreen
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.lines import NoticeLine
from aim_tui.ui.widgets.review_card import Standing, card

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from textual.app import ComposeResult

    from aim_tui.core.results import Row
    from aim_tui.ui.arrangement import Arrangement
    from aim_tui.ui.session import Session

_LOOK_SECONDS = 0.1
_RANK_SECONDS = 1.0

_RATE: list[BindingType] = [
    Binding(
        str(rating),
        f"rate({rating})",
        f"Rate {rating}",
        show=False,
        tooltip=f"Rate {rating} of {RATINGS[-1]} and go on",
        id=f"review.rate-{rating}",
    )
    for rating in RATINGS
]


class ReviewScreen(ModalScreen[int]):
    """The item that was looked at last.

    What is shown, in which order, stays as it is until a filter is given: an image that was just rated does not
    vanish from a list of unrated ones.
    """

    CSS_PATH = "review.tcss"
    BINDING_GROUP_TITLE = "Review"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]
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
        Binding(
            "question_mark,f1", "help", "Help", tooltip="The keys that work here", id="review.help", key_display="?"
        ),
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
        self._results = session.results
        self._arrangement = arrangement
        self._marks = marks
        self._trusted = trusted
        self._position = 0
        self._heading = Static(id="review-title", markup=False)
        self._preview = ImagePreview(policy=session.launch.reading, id="review-image")
        self._card = Static(id="review-card", markup=False)
        self._notice = NoticeLine()
        self._find_bar = FindBar()
        self._finals: list[float] = []
        self._told: object = None
        self._ranked: object = None
        self._before_seeking = item
        self._expression_before = ""
        if item in self._order:
            self._position = list(self._order).index(item)
        else:
            arrangement.order = (item, *self._order)

    def compose(self) -> ComposeResult:
        """The image; beside it the card."""
        yield self._heading
        with Horizontal(id="review-panes"):
            yield self._preview
            yield VerticalScroll(self._card, id="review-side", can_focus=False)
        yield self._notice
        yield self._find_bar
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Show where the table was, and what changes there."""
        self.set_interval(_LOOK_SECONDS, self._tell)
        self.set_interval(_RANK_SECONDS, self._rank_again)
        self._notice.show(self._session.notice)
        self._rank()
        self._show()

    def on_resize(self) -> None:
        """Less room, fewer words."""
        self._told = None
        self.call_after_refresh(self._tell)

    @property
    def _order(self) -> Sequence[int]:
        return self._arrangement.order

    @property
    def _row(self) -> Row:
        return self._results.rows[self._order[self._position]]

    # -- judging -----------------------------------------------------------------------------------------------------

    def action_rate(self, rating: int) -> None:
        """Rate and go on; 0 takes the rating away and stays."""
        if self._trusted():
            self._follow(self._session.judging.rate(self._row.path, rating or None), self._position)
            if rating:
                self._go_to(self._position + 1)

    def action_reject(self) -> None:
        """Reject and go on, or take back and stay."""
        if self._trusted():
            judging, path = self._session.judging, self._row.path
            rejected = not judging.opinion(path).rejected
            self._follow(judging.reject(path, rejected), self._position)
            if rejected:
                self._go_to(self._position + 1)

    @work(exclusive=True, group="dialog")
    async def action_note(self) -> None:
        """Write a note."""
        if not self._trusted():
            return
        judging, path, position = self._session.judging, self._row.path, self._position
        before = printable(judging.opinion(path).note)
        about = f"About {printable(file_name(path))}; an empty note is none."
        text = await self.app.push_screen_wait(AskScreen("Note", about, before, lambda text: ""))
        if text is not None and text != before:
            self._follow(judging.note(path, text), position)

    @work
    async def action_undo(self) -> None:
        """Take back what was said last, and go to where that was."""
        if not self._trusted():
            return
        # The word is taken back even if this screen is closed meanwhile.
        undone = await asyncio.shield(self._session.judging.undo())
        if undone is not None:
            self.notify(str(undone), timeout=3, markup=False)
            rows = self._results.rows
            self._go_to(next((at for at, item in enumerate(self._order) if rows[item].path == undone.path), None))

    @work
    async def _follow(self, word: asyncio.Task[bool], position: int) -> None:
        """Come back to an image of which nothing could be stored; what was given after it was refused as well."""
        if not await asyncio.shield(word) and position < self._position:
            self._go_to(position)

    # -- moving ------------------------------------------------------------------------------------------------------

    def action_go(self, step: int) -> None:
        """Another image, as far as there are any."""
        self._go_to(self._position + step)

    def action_first(self) -> None:
        """The first image."""
        self._go_to(0)

    def action_last(self) -> None:
        """The last image."""
        self._go_to(len(self._order) - 1)

    def action_unrated(self, step: int) -> None:
        """The nearest image in one direction that is neither rated nor rejected."""
        rows, opinion = self._results.rows, self._session.judging.opinion
        ahead = range(self._position + step, len(self._order) if step > 0 else -1, step)
        for position in ahead:
            said = opinion(rows[self._order[position]].path)
            if said.rating is None and not said.rejected:
                self._go_to(position)
                return
        self.notify(f"no unrated image {'after' if step > 0 else 'before'} this one", timeout=3, markup=False)

    def _go_to(self, position: int | None) -> None:
        if position is None:
            return
        position = min(max(position, 0), len(self._order) - 1)
        if position != self._position:
            self._position = position
            self._show()

    # -- filtering and finding ---------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Show only some."""
        self._expression_before = self._arrangement.expression
        self._find_bar.open(Seeking.FILTER, self._arrangement.expression)

    def action_find(self) -> None:
        """Find a name."""
        self._before_seeking = self._order[self._position]
        self._find_bar.open(Seeking.FIND, "")

    @on(FindBar.Changed)
    def _seek(self, event: FindBar.Changed) -> None:
        event.stop()
        if event.seeking is Seeking.FIND and event.text:
            start = list(self._order).index(self._before_seeking)
            found = self._arrangement.find(event.text, self._results.rows, start, 1)
            self._find_bar.say("" if found is not None else "no such name", problem=found is None)
            if found is not None:
                self._go_to(list(self._order).index(found))

    @on(FindBar.Taken)
    def _taken(self, event: FindBar.Taken) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._end_seeking()
            return
        try:
            self._arrangement.filter(event.text)
        except FilterError as error:
            self._find_bar.say(str(error), problem=True)
            return
        self._rearrange()

    @on(FindBar.Left)
    def _left(self, event: FindBar.Left) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._go_to(list(self._order).index(self._before_seeking))
        self._end_seeking()

    def _end_seeking(self) -> None:
        self._find_bar.close()
        self.set_focus(None)

    @work(exclusive=True, group="arrange")
    async def _rearrange(self) -> None:
        """Show what passes the filter; the current image where it is among them, else the next that is."""
        arrangement, results, item = self._arrangement, self._results, self._order[self._position]
        order = await asyncio.to_thread(arrangement.arrange, results.rows, self._view())
        if not order:
            self._find_bar.say("no image passes", problem=True)
            arrangement.filter(self._expression_before)
            return
        arrangement.order = order
        self._position = order.index(item) if item in order else 0
        self._end_seeking()
        self._show()

    def _view(self) -> View:
        session = self._session
        return View.of(session.context, session.plan.metrics, self._marks, session.judging.mine)

    # -- other screens -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="dialog")
    async def action_compare(self) -> None:
        """Beside the marked image or the reference."""
        await errands.compare_images(self.app, self._session, self._order, self._order[self._position], self._marks)

    def action_explain(self) -> None:
        """Why it scores as it does."""
        session, item = self._session, self._row.item
        heatmap = partial(errands.show_heatmap, self.app, session, self._order, item)
        asked = self._results, session.profile, session.not_asked
        self.app.push_screen(ExplainScreen(self._row, *asked, tokens=session.maps.tokens, heatmap=heatmap))

    @work(exclusive=True, group="dialog")
    async def action_heatmap(self) -> None:
        """Which regions of it count."""
        item = await errands.show_heatmap(self.app, self._session, self._order, self._order[self._position])
        self._go_to(list(self._order).index(item))

    def action_reference(self) -> None:
        """Compare all images with this one."""
        self._session.set_reference(self._row.path)

    def action_view(self) -> None:
        """The image on the whole screen."""

        def closed(item: int | None) -> None:
            if item is not None:
                self._go_to(list(self._order).index(item))

        item = self._order[self._position]
        self.app.push_screen(ViewScreen(self._results.rows, self._order, item, self._session.launch.reading), closed)

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

    def action_close(self) -> None:
        """Back to the table, at this image."""
        self.dismiss(self._order[self._position])

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        position, order, rows = self._position, self._order, self._results.rows
        around = [order[near] for near in (position + 1, position - 1) if 0 <= near < len(order)]
        self._preview.show(self._row.path, neighbours=[rows[item].path for item in around])
        self._session.judging.look_at(self._row.path)
        self._tell()

    def _tell(self) -> None:
        """Say what is known of the current image now, where that is news."""
        session, row = self._session, self._row
        judging, final = session.judging, row.final
        brief = self.has_class("-narrow")
        standing = Standing(
            row=row,
            plan=session.plan,
            context=session.context,
            not_asked=session.not_asked,
            rater=judging.rater,
            mine=judging.opinion(row.path),
            others=judging.others(row.path),
            rank=rank(final, self._finals) if final is not None and self._finals else None,
            of=len(self._finals),
        )
        # A row changes in place: what of it is on the card has to be looked at by itself.
        news = (standing, row.scores, row.caption, row.error, len(row.raws), brief, self._position, judging.waiting)
        if news == self._told:
            return
        self._told = news
        self._card.update(card(standing, brief=brief))
        waiting = f"  storing {judging.waiting}" if judging.waiting else ""
        expression = self._arrangement.expression
        self._heading.update(
            Content.assemble(
                (f"{self._position + 1}/{len(self._order)}  ", "$foreground-muted"),
                (printable(file_name(row.path)), "bold"),
                (f"  filter {printable(expression)}" if expression else "", "$foreground-muted"),
                (f"  {printable(judging.rater)} rates", "$foreground-muted"),
                (waiting, "$text-warning"),
            )
        )

    def _rank_again(self) -> None:
        """Rank while scores may arrive, once more when they no longer do, and when other things are asked."""
        session = self._session
        state = session.running is not None or session.recalling, session.plan, session.context
        if state[0] or state != self._ranked:
            self._ranked = state
            self._rank()

    @work(exclusive=True, group="rank")
    async def _rank(self) -> None:
        """Put all final scores in order; a hundred thousand take longer than a key may wait."""
        self._finals = await asyncio.to_thread(standing_finals, self._results.rows, self._view())
        self._tell()
