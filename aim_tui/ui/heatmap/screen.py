"""Which regions of an image count: a map over it, its scale and numbers, and the words of the prompt to switch off."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from aim_tui.core.heatmaps import Map, MapMethod, words_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.heatmap.overlay import Overlay, png_problem, save_overlay, suggested_path
from aim_tui.ui.heatmap.word_list import WordList
from aim_tui.ui.heatmap.words import MapState, heading, story
from aim_tui.ui.session.exports import export_path
from aim_tui.ui.session.heatmaps import HeatmapService
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.score_cells import few_colours

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

_METHODS = (MapMethod.RELEVANCE, MapMethod.ATTENTION, MapMethod.DIFFERENCE)
_OPACITY_STEP = 0.1
_LEAST, _MOST = 0.1, 0.9
#: How often a wait looks whether it is still the job that is waited for.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Gallery:
    """What the table shows: the rows in its order, and the one that is looked at."""

    rows: Sequence[Row]
    order: Sequence[int]
    current: int


_key = ScreenKeys("heat")


class HeatmapScreen(AimScreen[int]):
    """The item that was looked at last."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Heatmap"
    AUTO_FOCUS = "#words"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("m", "turn_method", "Map", "The next map: words, attention, difference", "method"),
        _key("t", "toggle_map", "Overlay", "Show the image with or without the map", "toggle"),
        _key("plus,equals_sign", "opacity(1)", "Opacity", "A stronger map", "stronger", display="+ -"),
        _key("minus,underscore", "opacity(-1)", "Weaker", "A weaker map", "weaker", show=False),
        _key("w", "weigh", "Weigh", "The score without each word, one after another"),
        _key("J,right_square_bracket", "go(1)", "Next", "The next image", "next", show=False),
        _key("K,left_square_bracket", "go(-1)", "Previous", "The image before", "back", show=False),
        _key("ctrl+s", "save", "Save", "Write the image with its map as PNG"),
        _key.close("Back to where you were", opener="A"),
    ]

    def __init__(self, maps: HeatmapService, gallery: Gallery, context: Context, policy: ReadingPolicy) -> None:
        super().__init__()
        self._maps = maps
        self._gallery = gallery
        self._everybodys = context
        self._policy = policy
        order = gallery.order
        self._position = order.index(gallery.current) if gallery.current in order else 0
        self._state = MapState(words=self._prompt_words())
        self._overlay = Overlay()
        self._heading = Static(id="heat-title", markup=False)
        self._preview = ImagePreview(policy=policy, read=self._overlay, id="heat-image")
        self._story = Static(id="heat-story", markup=False)
        self._words = WordList(self._state.words, id="words")

    def compose(self) -> ComposeResult:
        """The image; beside it what the map says, and the words."""
        yield self._heading
        with Horizontal(id="heat-panes"):
            yield self._preview
            with Vertical(id="heat-side"):
                yield self._story
                yield self._words
        yield KeyLine()

    def on_mount(self) -> None:
        """Ask for the first map."""
        self.set_interval(_LOOK_SECONDS, self._look_at_wait)
        self._state.colours = not few_colours(self.app)
        self._start_over()

    @property
    def _row(self) -> Row:
        return self._gallery.rows[self._gallery.order[self._position]]

    @property
    def _path(self) -> str:
        return self._row.path

    def _prompt_words(self) -> tuple[str, ...]:
        return tuple(words_of(self._everybodys.overlaid(self._row.own).prompt))

    # -- verbs -------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        match action:
            case "save":
                return self._state.map is not None
            case "weigh":
                return len(self._state.words) > 1 and self._state.method is not MapMethod.DIFFERENCE
        return True

    def action_turn_method(self) -> None:
        """The next map of this image."""
        at = _METHODS.index(self._state.method)
        self._state.method = _METHODS[(at + 1) % len(_METHODS)]
        self.set_class(self._state.method is MapMethod.DIFFERENCE, "-wordless")
        if self._state.method is not MapMethod.DIFFERENCE:
            # While they were hidden they could not keep the keyboard.
            self._words.focus()
        self._ask()

    def action_toggle_map(self) -> None:
        """The image with the map, or as it is."""
        self._overlay.shown = not self._overlay.shown
        self._show()

    def action_opacity(self, steps: int) -> None:
        """A stronger or a weaker map."""
        wanted = round(self._overlay.opacity + steps * _OPACITY_STEP, 2)
        self._overlay.opacity = min(max(wanted, _LEAST), _MOST)
        self._overlay.shown = True
        self._show()

    def action_go(self, step: int) -> None:
        """Another image, as far as there are any."""
        position = min(max(self._position + step, 0), len(self._gallery.order) - 1)
        if position != self._position:
            self._position = position
            self._start_over()

    def action_close(self) -> None:
        """Back, at this image."""
        self.dismiss(self._gallery.order[self._position])

    @work(exclusive=True, group="weigh")
    async def action_weigh(self) -> None:
        """How the score changes without each word, one word after another."""
        path, state = self._path, self._state
        for number in range(len(state.words)):
            if number in state.changes:
                continue
            state.weighing = f"weighing word {number + 1} of {len(state.words)}"
            self._tell()
            try:
                made = await self._maps.heatmap(path, MapMethod.ATTENTION, {number}, self._row.own)
            except AimError as error:
                state.problem = error
                break
            if path != self._path:
                return
            self._learn(made, {number})
        state.weighing = ""
        self._tell()

    @work(exclusive=True, group="dialog")
    async def action_save(self) -> None:
        """The image at its full size under the map, as a PNG file that the user names."""
        found, image, opacity = self._state.map, self._path, self._overlay.opacity
        if found is None:
            return
        suggested = await asyncio.to_thread(suggested_path, image, found)
        text = await self.app.push_screen_wait(
            AskScreen(
                "Save the map",
                f"The image at its full size, {found.width} x {found.height}, under the map, as .png.",
                printable(str(suggested)),
                lambda text: png_problem(text, image),
            )
        )
        if text is None:
            return
        path = suggested if text == printable(str(suggested)) else export_path(text)
        if os.path.exists(path):
            question = ConfirmScreen(
                "Replace the file?", f"{printable(str(path))} is there already.", "Replace", "Keep"
            )
            if not await self.app.push_screen_wait(question):
                return
        try:
            await asyncio.to_thread(save_overlay, path, image, self._policy, found, opacity)
        except AimError as error:
            self.report(str(error), error=True)
        else:
            self.report(f"wrote {path}")

    # -- the map -----------------------------------------------------------------------------------------------------

    @on(WordList.MarksChanged)
    def _words_changed(self) -> None:
        self._state.off = frozenset(self._words.marks)
        self._ask()

    def _start_over(self) -> None:
        """Another image: nothing that was said of the last one holds."""
        self.workers.cancel_group(self, "weigh")
        self._state.forget()
        self._overlay.map = None
        if (words := self._prompt_words()) != self._state.words:
            # Another prompt has other words, and none of them is off.
            self._state.words, self._state.off = words, frozenset()
            self._words.show(words)
        self._words.show_changes({})
        self._show()
        self._ask()

    @work(exclusive=True, group="map")
    async def _ask(self) -> None:
        """Ask for the map; whoever asks again takes this question back."""
        state, path = self._state, self._path
        state.problem, state.waiting = None, True
        self._tell()
        try:
            if state.method is MapMethod.DIFFERENCE:
                made = await self._maps.difference(path, self._everybodys.reference)
            else:
                made = await self._maps.heatmap(path, state.method, state.off, self._row.own)
        except AimError as error:
            state.map, state.problem = None, error
        else:
            state.map = made
            self._learn(made, state.off)
        state.waiting = False
        self._overlay.map = state.map
        self._show()
        self.refresh_bindings()

    def _learn(self, made: Map, off: frozenset[int] | set[int]) -> None:
        """What a single word is worth is worth remembering."""
        if len(off) == 1 and made.score is not None and made.whole is not None:
            self._state.changes[next(iter(off))] = made.score - made.whole
            self._words.show_changes(self._state.changes)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._preview.show(self._path)
        self._tell()

    def _look_at_wait(self) -> None:
        if self._state.waiting:
            self._tell()

    def _tell(self) -> None:
        state, order = self._state, self._gallery.order
        state.shown, state.opacity, state.job = self._overlay.shown, self._overlay.opacity, self._maps.waits
        self._heading.update(heading(state, f"{self._position + 1}/{len(order)}", self._path))
        self._story.update(story(state))


async def show_heatmap(app: App[int], session: Session, order: Sequence[int], item: int) -> int:
    """Which regions of an image count; the item that was looked at last."""
    gallery = Gallery(session.workspace.results.rows, order, item)
    screen = HeatmapScreen(session.heatmaps, gallery, session.workspace.context, session.workspace.launch.reading)
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen
