"""Review: one image or edit after another at full height, with a key for every judgement."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.ratings.opinions import RATINGS
from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.selection.filters import FilterError
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.review.walk import Walk
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.session.ratings import RatingService
from aim_tui.ui.session.undo_history import UndoHistory, UndoStep
from aim_tui.ui.undo_verbs import UndoVerbs, undo_bindings
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.header_lines import NoticeLine
from aim_tui.ui.widgets.key_line import KeyLine

_UPDATE_SECONDS = 0.1


def judging_bindings(place: str, thing: str, example: str) -> list[BindingType]:
    """The keys to judge, move, filter and find; `thing` is reviewed, and filtered by expressions such as `example`."""
    key = ScreenKeys(place)
    last = RATINGS[-1]
    # One entry in the key line stands for all of them.
    rate, *others = (
        (str(rating), f"rate({rating})", f"Rate {rating}", f"Rate {rating} of {last} and go on", f"rate-{rating}")
        for rating in RATINGS
    )
    return [
        key(rate[0], rate[1], "Rate", *rate[3:], display=f"{RATINGS[0]}-{last}"),
        *(key(*other, show=False) for other in others),
        key("0", "rate(0)", "Clear", "Take the rating away", "clear", show=False),
        key("x", "reject", "Reject", "Reject and go on; again: take it back", "reject"),
        key("n", "note", "Note", f"Write a note about this {thing}", "note"),
        *undo_bindings(key, show=True),
        key("j,down,right", "go(1)", "Next", f"The next {thing}", "next", show=False),
        key("k,up,left", "go(-1)", "Previous", f"The {thing} before", "previous", show=False),
        key("pagedown,ctrl+d", "go(10)", "Ten on", f"Ten {thing}s on", "page-down", show=False),
        key("pageup,ctrl+u", "go(-10)", "Ten back", f"Ten {thing}s back", "page-up", show=False),
        key("g,home", "first", "First", f"The first {thing}", "first", show=False),
        key("G,end", "last", "Last", f"The last {thing}", "last", show=False),
        key(
            "right_square_bracket", "unrated(1)", "Unrated", f"The next {thing} that is neither rated nor rejected",
            "next-unrated", display="]",
        ),
        key(
            "left_square_bracket", "unrated(-1)", "Unrated before", f"The unrated {thing} before",
            "previous-unrated", show=False, display="[",
        ),
        key("f", "filter", "Filter", f"Show only some: unrated, rating>=4, {example}", "filter"),
        key("slash", "find", "Find", "Find a name", "find", show=False),
    ]  # fmt: skip


class ReviewScreen(UndoVerbs, AimScreen[int]):
    """The item that was looked at last.

    What is shown, in which order, stays as it is until a filter is given: an image that was just rated does not
    vanish from a list of unrated ones.
    """

    AUTO_FOCUS = ""
    thing = "image"

    def __init__(
        self,
        ratings: RatingService,
        undo_history: UndoHistory,
        results: Results,
        arrangement: Arrangement,
        item: int,
        marks: AbstractSet[int],
        trusted: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._ratings = ratings
        self.undo_history = undo_history
        self._results = results
        self._walk = Walk(arrangement, results.rows, item)
        self._marks = marks
        self._trusted = trusted
        self._heading = Static(id="review-title", markup=False)
        self._notice = NoticeLine()
        self._find_bar = FindBar(columns=arrangement.columns)
        self._shown: object = None
        self._before_seeking = item

    def compose(self) -> ComposeResult:
        """Where we are, what is reviewed, the lines that speak, the keys."""
        yield self._heading
        yield from self.panes()
        yield self._notice
        yield self._find_bar
        yield KeyLine()

    def on_mount(self) -> None:
        """Show where the table was, and what changes there."""
        self.set_interval(_UPDATE_SECONDS, self._update)
        self._notice.show(self.notice)
        self._show()

    def on_resize(self) -> None:
        """Less room, fewer words."""
        self._shown = None
        self.call_after_refresh(self._update)

    @property
    def _row(self) -> Row:
        return self._walk.row

    # -- what another kind of rows shows otherwise -------------------------------------------------------------------

    notice = ""
    """What a line says as long as the screen is open."""

    @abstractmethod
    def panes(self) -> Iterable[Widget]:
        """Pictures and words."""

    @abstractmethod
    def name_of(self, row: Row) -> str:
        """What the heading calls a row."""

    @abstractmethod
    def show_pictures(self) -> None:
        """Show the pictures of another row."""

    @abstractmethod
    def facts(self) -> object:
        """What of the current row is shown besides ratings, to be compared with what was shown before."""

    @abstractmethod
    def show_words(self) -> None:
        """Show what is known of the current row now."""

    # -- rating ------------------------------------------------------------------------------------------------------

    def action_rate(self, rating: int) -> None:
        """Rate and go on; 0 takes the rating away and stays."""
        if self._trusted():
            self._follow(self._ratings.rate(self._row.id, rating or None), self._walk.item)
            if rating:
                self.action_go(1)

    def action_reject(self) -> None:
        """Reject and go on, or take back and stay."""
        if self._trusted():
            ratings, id = self._ratings, self._row.id
            rejected = not ratings.opinion(id).rejected
            self._follow(ratings.reject(id, rejected), self._walk.item)
            if rejected:
                self.action_go(1)

    @work(exclusive=True, group="dialog")
    async def action_note(self) -> None:
        """Write a note."""
        if not self._trusted():
            return
        ratings, id, item = self._ratings, self._row.id, self._walk.item
        before = printable(ratings.opinion(id).note)
        about = f"About {printable(self.name_of(self._row))}; an empty note is none."
        text = await self.app.push_screen_wait(AskScreen("Note", about, before, lambda text: ""))
        if text is not None and text != before:
            self._follow(ratings.note(id, text), item)

    def input_settled(self) -> bool:
        """Digits of a late answer are no ratings, nor is one undone by it."""
        return self._trusted()

    def step_undone(self, step: UndoStep) -> None:
        """Go to where that was."""
        if step.id:
            self._go_to(self._walk.item_of(step.id))

    @work
    async def _follow(self, entry: asyncio.Task[bool], item: int) -> None:
        """Come back to one of which nothing could be stored; what was given after it was refused as well."""
        if not await asyncio.shield(entry) and self._walk.go_back_to(item):
            self._show()

    # -- moving ------------------------------------------------------------------------------------------------------

    def action_go(self, step: int) -> None:
        """Another one, as far as there are any."""
        if self._walk.go(self._walk.position + step):
            self._show()

    def action_first(self) -> None:
        """The first one."""
        self._go_to(self._walk.order[0])

    def action_last(self) -> None:
        """The last one."""
        self._go_to(self._walk.order[-1])

    def action_unrated(self, step: int) -> None:
        """The nearest one in one direction that is neither rated nor rejected."""
        opinion = self._ratings.opinion

        def unrated(id: str) -> bool:
            known = opinion(id)
            return known.rating is None and not known.rejected

        place = self._walk.next_where(unrated, step)
        if place is not None:
            self._go_to(self._walk.order[place])
        else:
            self.report(f"no unrated {self.thing} {'after' if step > 0 else 'before'} this one")

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
            found = self._walk.find(event.text, self._before_seeking, self._view())
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
                self._find_bar.say(f"no {self.thing} passes", problem=True)
                return
            self._show()
        self._end_seeking()

    @on(FindBar.Cancelled)
    def _left(self, event: FindBar.Cancelled) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._go_to(self._before_seeking)
        self._end_seeking()

    def _end_seeking(self) -> None:
        self._find_bar.close()
        self.set_focus(None)

    def _view(self) -> View:
        results = self._results
        return View.of(results.context, results.plan.metrics, self._marks, self._ratings.mine, results.names)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def action_close(self) -> None:
        """Back to the table, at this row."""
        self.dismiss(self._walk.item)

    def _show(self) -> None:
        self.show_pictures()
        self._ratings.look_at(self._row.id)
        self.refresh_bindings()
        self._update()

    def _update(self) -> None:
        """Show what is known of the current row now, where that is news."""
        ratings, row, walk = self._ratings, self._row, self._walk
        opinions = (ratings.opinion(row.id), tuple(ratings.others(row.id).items()), ratings.waiting)
        # A row changes in place: what of it is shown has to be looked at by itself.
        place = (walk.item, walk.position, len(walk.order), walk.expression)
        news = (place, opinions, row.scores, row.error, len(row.raws), self.facts())
        if news == self._shown:
            return
        self._shown = news
        self.show_words()
        waiting = f"  storing {ratings.waiting}" if ratings.waiting else ""
        self._heading.update(
            Content.assemble(
                (f"{walk.position + 1}/{len(walk.order)}  ", "$foreground-muted"),
                (printable(self.name_of(row)), "bold"),
                (f"  filter {printable(walk.expression)}" if walk.expression else "", "$foreground-muted"),
                (f"  {printable(ratings.rater)} rates", "$foreground-muted"),
                (waiting, "$text-warning"),
            )
        )
