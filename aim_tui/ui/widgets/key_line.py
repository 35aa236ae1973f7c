"""The last line of a screen: the keys that work here."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer


class KeyLine(Footer):
    """As many keys as fit whole, from the left; the last one, which is the help or the way out, always."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._composed_for = 0

    def compose(self) -> ComposeResult:
        """The keys that fit."""
        self._composed_for = self.size.width
        keys, widths = list(super().compose()), self._widths()
        if len(keys) == len(widths) and self._composed_for:
            keys = [keys[place] for place in fitting(widths, self._composed_for)]
        yield from keys

    def on_resize(self, event: events.Resize) -> None:
        """Another width may hold other keys."""
        if event.size.width != self._composed_for:
            self.refresh(recompose=True)

    def _widths(self) -> list[int]:
        """The cells of each key with its name and a blank behind, in the order in which they are shown."""
        shown = {
            active.binding.action: active.binding
            for active in reversed(self.screen.active_bindings.values())
            if active.binding.show
        }
        return [
            cell_len(f"{self.app.get_key_display(binding)} {binding.description} ")
            for binding in reversed(shown.values())
        ]


def fitting(widths: Sequence[int], room: int) -> list[int]:
    """The places of what is shown in so many cells: from the first on, and the last."""
    if not widths:
        return []
    left = room - widths[-1]
    places = []
    for place, width in enumerate(widths[:-1]):
        left -= width
        if left < 0:
            break
        places.append(place)
    return [*places, len(widths) - 1]
