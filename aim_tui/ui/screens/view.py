"""The current image on the whole screen; j and k go on through what the table shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.text import printable
from aim_tui.ui.widgets.image_preview import ImagePreview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from aim_tui.core.jobs import ReadingPolicy
    from aim_tui.core.results import Row


class ViewScreen(ModalScreen[int]):
    """The item that was looked at last."""

    CSS_PATH = "view.tcss"
    BINDING_GROUP_TITLE = "Image"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down,right,space", "go(1)", "Next", tooltip="The next image", id="view.next"),
        Binding("k,up,left,backspace", "go(-1)", "Previous", tooltip="The image before", id="view.previous"),
        Binding("g,home", "first", "First", show=False, tooltip="The first image", id="view.first"),
        Binding("G,end", "last", "Last", show=False, tooltip="The last image", id="view.last"),
        Binding("escape,q,z,enter", "close", "Close", tooltip="Back to the table", id="view.close"),
    ]

    def __init__(self, rows: Sequence[Row], order: Sequence[int], current: int, policy: ReadingPolicy) -> None:
        super().__init__()
        self._rows = rows
        self._order = order
        self._position = order.index(current) if current in order else 0
        self._preview = ImagePreview(policy=policy, id="view")
        self._heading = Static(id="view-title", markup=False)

    def compose(self) -> ComposeResult:
        """A line of words, then the image."""
        yield self._heading
        yield self._preview

    def on_mount(self) -> None:
        """Show what the table was on."""
        self._show()

    def action_go(self, step: int) -> None:
        """Another image, as far as there are any."""
        self._go_to(self._position + step)

    def action_first(self) -> None:
        """The first image."""
        self._go_to(0)

    def action_last(self) -> None:
        """The last image."""
        self._go_to(len(self._order) - 1)

    def action_close(self) -> None:
        """Back to the table, at this image."""
        self.dismiss(self._order[self._position])

    def _go_to(self, position: int) -> None:
        self._position = min(max(position, 0), len(self._order) - 1)
        self._show()

    def _show(self) -> None:
        position, order = self._position, self._order
        row = self._rows[order[position]]
        around = [order[near] for near in (position + 1, position - 1) if 0 <= near < len(order)]
        self._preview.show(row.path, caption=row.caption, neighbours=[self._rows[item].path for item in around])
        final = f"  {row.final:.1f}" if row.final is not None else ""
        self._heading.update(
            Content.assemble(
                (f"{position + 1}/{len(order)}  ", "$foreground-muted"),
                printable(row.path.rpartition("/")[2]),
                (final, "bold"),
                ("  j k go on, esc goes back", "$foreground-muted"),
            )
        )
