"""Two images beside each other, without names and scores: which one is better?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.terminal.images import ImageMode, image_support
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.dialogs.choose import ChooseScreen
from aim_tui.ui.duel.ranking import RankingScreen
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.picture import Picture, read_picture
from aim_tui.ui.widgets.pixel_pane import PixelPane
from aim_tui.ui.widgets.protocol_pane import pixel_pane, within_colours

if TYPE_CHECKING:
    from aim_tui.ui.session.duel_series import DuelSeries
    from aim_tui.ui.session.session import Session

_ASK = "which one is better?"
_NO_IMAGES = "this terminal shows no images here, so nothing can be compared; q goes back"


_key = ScreenKeys("duel")


class DuelScreen(AimScreen[None]):
    """Answers count when both images are on the screen, and are stored before the next pair comes."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Duel"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("h,left", "answer('left')", "Left", "The left (upper) image is better", "left"),
        _key("l,right", "answer('right')", "Right", "The right (lower) image is better", "right"),
        _key("t,equals_sign", "answer('tie')", "Tie", "Both are as good", "tie"),
        _key("s,space", "answer('skip')", "Skip", "Say nothing of this pair", "skip"),
        _key("u", "undo", "Undo", "Take back the last answer and ask again"),
        _key("r,enter", "ranking", "Ranking", "What the answers add up to"),
        _key.help(),
        _key.close("Back; D goes on with this series", name="Stop"),
    ]

    def __init__(self, series: DuelSeries, policy: ReadingPolicy, finals: Mapping[str, float | None]) -> None:
        super().__init__()
        self._series = series
        self._policy = policy
        self._finals = finals
        self._pair: tuple[int, int] | None = None
        self._shown = self._drawn = False
        self._words_only = False
        self._in_turn = asyncio.Lock()
        self._title = Static(id="duel-title", markup=False)
        self._said = Static(id="duel-said", markup=False)
        self._panes: tuple[PixelPane, PixelPane] = ()  # type: ignore[assignment]  # made by compose

    @property
    def pair(self) -> tuple[int, int] | None:
        """The pair that can be answered: both images are on the screen."""
        return self._pair if self._shown else None

    def compose(self) -> ComposeResult:
        """A line of progress, two panes of equal size, a line that asks."""
        support = within_colours(image_support(), self.app)
        self._words_only = support.mode is ImageMode.NONE
        self._panes = (pixel_pane(support, id="duel-left"), pixel_pane(support, id="duel-right"))
        yield self._title
        yield Container(*self._panes, id="duel-panes")
        yield self._said
        yield KeyLine()

    def on_mount(self) -> None:
        """Ask for the first pair."""
        self._ask_next()

    def on_resize(self) -> None:
        """Panes one above the other where the terminal is narrow and tall; other panes need other pictures."""
        self.set_class(self.size.width < self.size.height * 2, "-stacked")
        # A pair that is being answered is drawn no more: the next one is.
        if self._pair is not None and (self._shown or not self._drawn):
            self.call_after_refresh(self._show_pair)

    # -- verbs -------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be seen, nothing can be said of it but that."""
        return not self._words_only or action != "answer" or parameters[:1] == ("skip",)

    def action_answer(self, outcome: str) -> None:
        """Store an answer; the next pair comes when it is stored."""
        if not self._shown:
            return
        # Until the next pair is there no key counts.
        self._shown = False
        self._store(outcome)

    @work
    async def _store(self, outcome: str) -> None:
        async with self._in_turn:
            assert self._pair is not None
            try:
                await self._series.answer(*self._pair, outcome)
            except AimError as error:
                self._shown = True
                self._not_stored(error)
                return
            await self._next(self._pair)

    @work
    async def action_undo(self) -> None:
        """Undo the last answer, the one that is being stored too, and show its pair again."""
        async with self._in_turn:
            before, self._shown = self._shown, False
            try:
                pair = await self._series.undo()
            except AimError as error:
                self._shown = before
                self._not_stored(error)
                return
            if pair is None:
                self._shown = before
                self._say("no answer of this series to undo")
            elif pair:
                await self._go_on(pair, "undone; ")
            elif self._pair is not None:
                await self._go_on(self._pair, "undone: it was about an image that is left out now; ")

    def action_ranking(self) -> None:
        """What the answers add up to."""
        self.app.push_screen(RankingScreen(self._series, self._finals))

    # -- what is shown -----------------------------------------------------------------------------------------------

    @work
    async def _ask_next(self) -> None:
        async with self._in_turn:
            await self._next(())

    async def _next(self, busy: tuple[int, ...]) -> None:
        await self._go_on(await self._series.next_pair(busy))

    async def _go_on(self, pair: tuple[int, int], before: str = "") -> None:
        """Show a pair and ask; where one of the two is no image, leave it out, say so, and show another pair."""
        while problems := await self._show(pair):
            self._pair = None
            before = f"{len(problems)} left out ({', '.join(dict.fromkeys(problems.values()))}); "
            await self._series.leave_out(problems)
            if len(self._series.images) < 2:
                self._tell_progress()
                self._say(f"{before}a duel needs two images, so this series ends here; q goes back")
                return
            pair = await self._series.next_pair(())
        self._say(_NO_IMAGES if self._words_only else f"{before}{_ASK}")

    async def _show(self, pair: tuple[int, int]) -> dict[int, str]:
        self._pair, self._shown, self._drawn = pair, False, False
        self._tell_progress()
        return await self._draw()

    @work(exclusive=True, group="redraw")
    async def _show_pair(self) -> None:
        pair = self._pair
        if pair is not None and await self._draw():
            self._shown = False
            self._ask_again(pair)

    @work
    async def _ask_again(self, pair: tuple[int, int]) -> None:
        async with self._in_turn:
            if self._pair == pair:
                await self._go_on(pair)

    async def _draw(self) -> dict[int, str]:
        """Put both images on the screen; by number, what keeps one from it."""
        pair = self._pair
        if pair is None or not all(pane.box.columns > 0 and pane.box.rows > 0 for pane in self._panes):
            return {}
        pictures = await asyncio.gather(
            *(
                asyncio.to_thread(self._read, pane, self._series.images[image].path)
                for pane, image in zip(self._panes, pair, strict=True)
            )
        )
        if pair != self._pair:
            return {}
        self._drawn = True
        problems = {
            image: problem
            for image, picture in zip(pair, pictures, strict=True)
            if (problem := _problem(picture, self._series.images[image].sha256))
        }
        if problems:
            return problems
        for pane, picture in zip(self._panes, pictures, strict=True):
            if self._words_only or picture.pixels is None:
                pane.show_words("mostly " + ", ".join(picture.colours) if picture.colours else "many colours")
            else:
                pane.show_pixels(picture.pixels, picture.encoded)
        self._shown = True
        return {}

    def _read(self, pane: PixelPane, path: str) -> Picture:
        picture = read_picture(path, pane.box, self._policy)
        return replace(picture, encoded=pane.encode(picture.pixels)) if picture.pixels is not None else picture

    def _tell_progress(self) -> None:
        series = self._series
        count = len(series.images)
        self._title.update(
            Content.assemble(
                ("Blind duel  ", "bold"),
                f"{series.counting} answered",
                (f"  {series.ranking.settled()} of {count - 1} neighbours ranked for sure", "$foreground-muted"),
                (f"  {count} images", "$foreground-muted"),
                (f"  {series.left_out}" if series.left_out else "", "$text-warning"),
            ),
            layout=False,
        )

    def _say(self, text: str) -> None:
        self._said.update(Content(printable(text)), layout=False)

    def _not_stored(self, error: AimError) -> None:
        self._say(f"! not stored: {error}")


def _problem(picture: Picture, sha256: str) -> str:
    """Why an answer about this picture would be none about the image of that content; empty where it is one."""
    if picture.pixels is None or picture.facts is None:
        return printable(picture.problem) or "cannot be shown"
    return "" if picture.facts.sha256 == sha256 else "the file is another one by now"


async def _fewer(app: App[int], session: Session, items: Sequence[int]) -> Sequence[int]:
    """Some of too many images, as the user chooses; empty where none."""
    from aim_tui.ui.session.duel_series import MOST_IMAGES, selections

    rows = session.workspace.results.rows
    offered = selections([rows[item] for item in items])
    choices = {name: selection.about for name, selection in offered.items()}
    choices["marked"] = "mark those that are to meet first: space, v, or * with a rule"
    heading = f"Duels between {MOST_IMAGES} images at most, of {len(items)}"
    chosen = await app.push_screen_wait(ChooseScreen(heading, choices, next(iter(choices))))
    return offered[chosen].items if chosen in offered else ()


async def duel(app: App[int], session: Session, order: Sequence[int], marks: AbstractSet[int]) -> None:
    """Blind duels between the marked images, or all that are shown where none is marked."""
    from aim_tui.ui.session.duel_series import MOST_IMAGES, size_problem

    workspace, items = session.workspace, sorted(marks) or order
    if len(items) > MOST_IMAGES:
        items = await _fewer(app, session, [item for item in order if item in marks] if marks else order)
        if not items:
            return
    if problem := size_problem(len(items)):
        workspace.notify(problem, "warning")
        return
    rows = [workspace.results.rows[item] for item in items]
    try:
        series = await session.duels.open(items)
    except AimError as error:
        workspace.notify(str(error), "error")
        return
    await app.push_screen_wait(DuelScreen(series, workspace.launch.reading, {row.path: row.final for row in rows}))
