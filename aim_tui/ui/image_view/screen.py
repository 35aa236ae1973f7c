"""The current image on the whole screen: go on through what the table shows, or look closely at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.picture import Box
from aim_tui.ui.widgets.zoom import Zoom, closer, farther, fit_scale

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row


_key = ScreenKeys("view")


class ViewScreen(AimScreen[int]):
    """The item that was looked at last.

    While the whole image is shown, h j k l and the arrows go to other images; while a part of it is, they move the
    part. Space and backspace go to other images in either case, and the part stays where it is in them.
    """

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Image"
    VERTICAL_BREAKPOINTS = []
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("j,down", "move(0, 1)", "Next", "The next image; zoomed in: downwards", "down"),
        _key("k,up", "move(0, -1)", "Previous", "The image before; zoomed in: upwards", "up"),
        _key("l,right", "move(1, 0)", "Next", "The next image; zoomed in: right", "right", show=False),
        _key("h,left", "move(-1, 0)", "Previous", "The image before; zoomed in: left", "left", show=False),
        _key("space", "go(1)", "Next", "The next image, at the same zoom", "next", show=False),
        _key("backspace", "go(-1)", "Previous", "The image before, at the same zoom", "previous", show=False),
        _key("plus,equals_sign", "zoom_in", "Closer", "Zoom in"),
        _key("minus", "zoom_out", "Farther", "Zoom out"),
        _key("f", "toggle_fit", "Fit, 1:1", "The whole image, or a dot of the screen a pixel", "fit"),
        _key("g,home", "first", "First", "The first image", show=False),
        _key("G,end", "last", "Last", "The last image", show=False),
        _key("escape", "back", "Back", "The whole image, then back to the table", show=False),
        _key.help(),
        _key("q,z,enter", "close", "Close", "Back to the table"),
    ]

    def __init__(self, rows: Sequence[Row], order: Sequence[int], current: int, policy: ReadingPolicy) -> None:
        super().__init__()
        self._rows = rows
        self._order = order
        self._position = order.index(current) if current in order else 0
        self._preview = ImagePreview(policy=policy, id="view")
        self._heading = Static(id="view-title", markup=False)
        self._zoom: Zoom | None = None

    def compose(self) -> ComposeResult:
        """A line of words, then the image."""
        yield self._heading
        yield self._preview

    def on_mount(self) -> None:
        """Show what the table was on."""
        self._show()

    @on(ImagePreview.Shown)
    def _shown(self) -> None:
        self._tell()

    def action_move(self, right: int, down: int) -> None:
        """Another image, or another part of this one."""
        if self._zoom is None:
            self.action_go(right + down)
        elif room := self._room():
            self._look(self._zoom.panned(right, down, *room))

    def action_go(self, step: int) -> None:
        """Another image, as far as there are any."""
        self._go_to(self._position + step)

    def action_first(self) -> None:
        """The first image."""
        self._go_to(0)

    def action_last(self) -> None:
        """The last image."""
        self._go_to(len(self._order) - 1)

    def action_zoom_in(self) -> None:
        """Closer."""
        if room := self._room():
            self._look(closer(self._zoom, *room))

    def action_zoom_out(self) -> None:
        """Farther, at last the whole image."""
        if room := self._room():
            self._look(farther(self._zoom, *room))

    def action_toggle_fit(self) -> None:
        """The whole image, or a dot a pixel."""
        if self._zoom is not None:
            self._look(None)
        elif room := self._room():
            self._look(Zoom().within(*room))

    def action_back(self) -> None:
        """Back to the whole image, and from there to the table."""
        if self._zoom is not None:
            self._look(None)
        else:
            self.action_close()

    def action_close(self) -> None:
        """Back to the table, at this image."""
        self.dismiss(self._order[self._position])

    def _room(self) -> tuple[Box, int, int] | None:
        """The pane's room and the image's size; None where no image is drawn, or not yet."""
        shown, box = self._preview.shown, self._preview.box
        if box is None or shown is None or shown.facts is None or shown.path != self._row.path:
            return None
        return box, shown.facts.width, shown.facts.height

    def _look(self, zoom: Zoom | None) -> None:
        if zoom != self._zoom:
            self._zoom = zoom
            self._preview.zoom(zoom)
            self._tell()

    @property
    def _row(self) -> Row:
        return self._rows[self._order[self._position]]

    def _go_to(self, position: int) -> None:
        position = min(max(position, 0), len(self._order) - 1)
        if position != self._position:
            self._position = position
            self._show()

    def _show(self) -> None:
        position, order, row = self._position, self._order, self._row
        around = [order[near] for near in (position + 1, position - 1) if 0 <= near < len(order)]
        self._preview.show(row.path, caption=row.caption, neighbours=[self._rows[item].path for item in around])
        self._tell()

    def _tell(self) -> None:
        row, room = self._row, self._room()
        final = f"  {row.final:.1f}" if row.final is not None else ""
        if self._zoom is not None:
            scale, keys = f"  {100 * self._zoom.scale:.0f} %", "  hjkl move, + - zoom, f whole, space next"
        else:
            scale = f"  {100 * fit_scale(*room):.0f} %" if room else ""
            keys = "  j k go on, + - zoom, f 1:1, esc goes back"
        self._heading.update(
            Content.assemble(
                (f"{self._position + 1}/{len(self._order)}  ", "$foreground-muted"),
                printable(row.path.rpartition("/")[2]),
                (final, "bold"),
                (scale, "$foreground-muted"),
                (keys, "$foreground-muted"),
            )
        )
