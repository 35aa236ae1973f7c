"""Things to do, each on a letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.ui.dialogs.dialog import Dialog


class MenuItem(NamedTuple):
    """One thing that can be done."""

    key: str
    title: str
    about: str


def menu_bindings(place: str, items: Mapping[str, MenuItem], opener: str) -> list[BindingType]:
    """The letters of a menu, and the keys that close it: `q` and the one that opened it."""
    letters = (
        Binding(item.key, f"choose('{name}')", item.title, tooltip=item.about, id=f"{place}.{name}")
        for name, item in items.items()
    )
    close = Binding(f"q,{opener}", "close", "Close", show=False, tooltip="Close and do nothing", id=f"{place}.close")
    return [*letters, close]


class MenuScreen(Dialog[str]):
    """The name of what is to be done, or None."""

    items: ClassVar[Mapping[str, MenuItem]]

    def __init__(self, about: str) -> None:
        super().__init__(str(self.BINDING_GROUP_TITLE))
        self._about = about

    def body(self) -> list[Widget]:
        """What it is about, and a line for each key."""
        width = max(len(item.title) for item in self.items.values()) + 1
        lines = [
            Content.assemble((f" {item.key}  ", "bold $text-accent"), f"{item.title:<{width}}", (item.about, "dim"))
            for item in self.items.values()
        ]
        return [Static(Content.styled(self._about, "bold")), *(Static(line, markup=False) for line in lines)]

    def keys(self) -> str:
        """The keys that matter."""
        return "a letter chooses · esc closes"

    def action_choose(self, name: str) -> None:
        """Answer with it."""
        self.dismiss(name)
