"""Two images: beside each other, in one place by turns, or where they differ; with both scores and the change."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.heatmaps import MapMethod
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import file_name, printable
from aim_tui.errors import AimError
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.compare.numbers import numbers
from aim_tui.ui.heatmap.overlay import Overlay
from aim_tui.ui.heatmap.words import MapState, story
from aim_tui.ui.session.heatmaps import HeatmapService
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.score_cells import few_colours, ink_of

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.ui.session.session import Session

_LOOK_SECONDS = 0.2


class Companion(NamedTuple):
    """What an image is compared with: its path, what it is, and its row where it is one of the folder's images."""

    path: str
    what: str
    item: int | None


def companions(results: Results, order: Sequence[int], item: int, marks: AbstractSet[int]) -> list[Companion]:
    """What there is to compare an image with: the marked images in the order shown, then the reference."""
    rows = results.rows
    marked = [*(each for each in order if each in marks), *sorted(marks - set(order))]
    found = [Companion(rows[each].path, "marked", each) for each in marked if each != item]
    reference = results.context.reference
    if reference and reference != rows[item].path and all(each.path != reference for each in found):
        known = next((row.item for row in rows if row.path == reference), None)
        found.append(Companion(reference, "reference", known))
    return found


class Mode(Enum):
    """How two images are compared."""

    BESIDE = ""
    FLICKER = "-flicker"
    DIFFERENCE = "-difference"


_key = ScreenKeys("pair")


class PairScreen(AimScreen[int]):
    """The item that was looked at last. A is the current image, B what it is compared with."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Compare"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("space", "flicker", "Flicker", "A and B by turns in one place; again: the other"),
        _key("d", "difference", "Difference", "Where A differs from B, as LPIPS sees it"),
        _key("b", "beside", "Beside", "A and B beside each other"),
        _key("tab", "turn", "Other B", "Compare with the next marked image or the reference", "other"),
        _key("j,down,right", "go(1)", "Next", "The next image as A", "next", show=False),
        _key("k,up,left", "go(-1)", "Previous", "The image before as A", "previous", show=False),
        _key.help(),
        _key.close("Back to where you were", opener="c", name="Back"),
    ]

    def __init__(
        self,
        results: Results,
        maps: HeatmapService,
        policy: ReadingPolicy,
        order: Sequence[int],
        item: int,
        others: Sequence[Companion],
    ) -> None:
        super().__init__()
        self._results = results
        self._maps = maps
        self._order = order if item in order else (item, *order)
        self._position = list(self._order).index(item)
        self._others = others
        self._turn = 0
        self._mode = Mode.BESIDE
        self._second_shown = False
        self._overlay = Overlay()
        self._map = MapState(method=MapMethod.DIFFERENCE)
        self._names = [Static(classes="pair-name", markup=False) for _ in range(3)]
        self._first = ImagePreview(policy=policy, id="pair-a")
        self._second = ImagePreview(policy=policy, id="pair-b")
        self._drawn = ImagePreview(policy=policy, read=self._overlay, id="pair-d")
        self._numbers = Static(id="pair-numbers", markup=False)

    def compose(self) -> ComposeResult:
        """Images above, numbers below."""
        with Horizontal(id="pair-panes"):
            for id, name, preview in zip(
                ("pair-first", "pair-second", "pair-map"),
                self._names,
                (self._first, self._second, self._drawn),
                strict=True,
            ):
                yield Vertical(name, preview, id=id, classes="pair-side")
        yield self._numbers
        yield KeyLine()

    def on_mount(self) -> None:
        """Beside each other at first."""
        self.set_interval(_LOOK_SECONDS, self._tell)
        self._map.colours = not few_colours(self.app)
        self._show()

    @property
    def _row(self) -> Row:
        return self._results.rows[self._order[self._position]]

    @property
    def _other(self) -> Companion:
        return self._others[self._turn]

    # -- verbs -------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        match action:
            case "turn":
                return len(self._others) > 1
            case "beside":
                return self._mode is not Mode.BESIDE
        return True

    def action_flicker(self) -> None:
        """A and B by turns in one place; in the difference, the map and the image by turns."""
        if self._mode is Mode.DIFFERENCE:
            self._overlay.shown = not self._overlay.shown
        else:
            self._second_shown = self._mode is Mode.BESIDE or not self._second_shown
            self._set_mode(Mode.FLICKER)
        self._show()

    def action_beside(self) -> None:
        """A and B beside each other."""
        self._set_mode(Mode.BESIDE)
        self._show()

    def action_difference(self) -> None:
        """Where A differs from B; again: beside each other."""
        self._set_mode(Mode.BESIDE if self._mode is Mode.DIFFERENCE else Mode.DIFFERENCE)
        self._overlay.shown = True
        self._show()
        self._ask()

    def action_turn(self) -> None:
        """Compare with the next one there is."""
        self._turn = (self._turn + 1) % len(self._others)
        self._start_over()

    def action_go(self, step: int) -> None:
        """Another image as A, as far as there are any."""
        position = min(max(self._position + step, 0), len(self._order) - 1)
        if position != self._position:
            self._position = position
            self._start_over()

    def action_close(self) -> None:
        """Back, at this image."""
        self.dismiss(self._order[self._position])

    def _set_mode(self, mode: Mode) -> None:
        self._mode = mode
        for each in Mode:
            if each.value:
                self.set_class(each is mode, each.value)
        self.refresh_bindings()

    def _start_over(self) -> None:
        self._second_shown = False
        self._map.forget()
        self._overlay.map = None
        self._show()
        self._ask()

    # -- the map -----------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="map")
    async def _ask(self) -> None:
        """Ask for the difference map where it is looked at; whoever asks again takes this question back."""
        if self._mode is not Mode.DIFFERENCE or self._map.map is not None:
            return
        state = self._map
        state.problem, state.waiting = None, True
        self._tell()
        try:
            state.map = await self._maps.difference(self._row.path, self._other.path)
        except AimError as error:
            state.problem = error
        state.waiting = False
        self._overlay.map = state.map
        self._show()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        one, other = self._row.path, self._other.path
        turns = self._mode is Mode.FLICKER
        shown, hidden = (other, one) if turns and self._second_shown else (one, other)
        if self._mode is Mode.DIFFERENCE:
            self._drawn.show(one)
        else:
            self._first.show(shown, neighbours=[hidden] if turns else [])
            if not turns:
                self._second.show(other)
        self._tell()

    def _tell(self) -> None:
        row, other, state = self._row, self._other, self._map
        place = f"{self._position + 1}/{len(self._order)}"
        first = _named("A", printable(file_name(row.path)), place)
        second = _named("B", printable(file_name(other.path)), other.what)
        self._names[0].update(second if self._mode is Mode.FLICKER and self._second_shown else first)
        self._names[1].update(second)
        drawn = "differs from" if self._overlay.shown else "without the map; B is"
        self._names[2].update(first + Content.assemble((f"  {drawn}  ", "$foreground-muted")) + second)
        if self._mode is Mode.DIFFERENCE:
            state.shown, state.opacity, state.job = self._overlay.shown, self._overlay.opacity, self._maps.waits
            self._numbers.update(story(state))
        else:
            known = self._results.rows[other.item] if other.item is not None else None
            self._numbers.update(numbers(self._results, row, known, ink_of(self.app)))


def _named(letter: str, name: str, about: str) -> Content:
    return Content.assemble((f"{letter}  ", "bold"), name, (f"  {about}", "$foreground-muted"))


async def compare_images(
    app: App[int], session: Session, order: Sequence[int], item: int, marks: AbstractSet[int]
) -> int:
    """The image beside marked ones and the reference; the item that was looked at last."""
    others = companions(session.workspace.results, order, item, marks)
    if not others:
        app.notify(
            "nothing to compare with: space marks an image in the table, r makes one the reference",
            severity="warning",
            markup=False,
        )
        return item
    screen = PairScreen(
        session.workspace.results, session.heatmaps, session.workspace.launch.reading, order, item, others
    )
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen
