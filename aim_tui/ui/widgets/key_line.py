"""The last line of a screen: the keys that work here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget


class _ShownKey(NamedTuple):
    key: str
    display: str
    name: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Cells of the key, its name and a blank behind each."""
        return cell_len(f"{self.display} {self.name} ")


class KeyLine(Widget):
    """As many keys as fit whole, from the left; the last one, which is the help or the way out, always.

    One widget draws them all: a widget for each key, made anew whenever the keys change, is slow.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--name"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; background: $footer-background;
        & > .key-line--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        & > .key-line--name { color: $footer-description-foreground; background: $footer-description-background; }
    }
    """

    def on_mount(self) -> None:
        """Follow the keys of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)

    def render(self) -> Content:
        """The keys that fit."""
        key_style, name_style = (self.get_visual_style(f"key-line--{part}") for part in ("key", "name"))
        line = []
        for shown in self.shown():
            key = Content.assemble((shown.display, key_style), (f" {shown.name}", name_style))
            line.append(key if shown.enabled else key.stylize("dim"))
        return Content(" ").join(line)

    def shown(self) -> list[_ShownKey]:
        """The keys that fit into the line, one for each action."""
        keys: dict[str, _ShownKey] = {}
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                display = self.app.get_key_display(binding)
                keys[binding.action] = _ShownKey(binding.key, display, binding.description, enabled, tooltip)
        every = list(keys.values())
        return [every[place] for place in fitting([one.width for one in every], self.size.width)]

    def _at(self, column: int) -> _ShownKey | None:
        for shown in self.shown():
            if 0 <= column < shown.width - 1:
                return shown
            column -= shown.width
        return None

    def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        if (shown := self._at(event.x)) is not None:
            if shown.enabled:
                self.app.simulate_key(shown.key)
            else:
                self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the pointer."""
        shown = self._at(event.x)
        self.tooltip = shown.tooltip if shown is not None else None

    def _keys_changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus:
            self.refresh()


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
