"""Help that builds itself from the bindings that are active where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.app import App
from textual.binding import ActiveBinding
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.ui.dialogs.dialog import PageDialog

_SIGNS = (
    Content("  ● marked   ★ best   ✓ scored   ◐ in part   ! failed: the line below the table says why"),
    Content("  - nothing to say   · not there yet   ~ made against another prompt, topic or reference"),
    Content("  ↑ ↓ at a title: the better direction; ▲ ▼ at the title that the table is sorted by"),
)


class HelpScreen(PageDialog):
    """Every key that works here, by the pane it belongs to."""

    def __init__(self, app: App[object], bindings: Iterable[ActiveBinding]) -> None:
        super().__init__("Keys that work here", [Content.styled("Signs", "bold"), *_SIGNS])
        self._groups = key_groups(app, bindings)

    def keys(self) -> str:
        """The keys that matter, here where all of them are told."""
        return "j k pgdn pgup scroll · esc closes"

    def body(self) -> list[Widget]:
        """A line for each key, grouped; then what the signs in the lists mean."""
        lines: list[Widget] = []
        for title, group in self._groups.items():
            lines.append(Static(Content.styled(title, "bold")))
            lines += [
                Horizontal(
                    Static(Content(" ".join(keys)), classes="key"),
                    Static(Content(about), classes="about"),
                    classes="key-line",
                )
                for keys, about in group
            ]
            lines.append(Static(" "))
        return [*lines, *super().body()]


def key_groups(app: App[object], bindings: Iterable[ActiveBinding]) -> dict[str, list[tuple[list[str], str]]]:
    """Keys and what they do, by the title of what they belong to, in the order in which they are looked up.

    What Textual brings for every screen comes last in its group.
    """
    groups: dict[str, dict[str, tuple[list[str], str]]] = {}
    for active in sorted(bindings, key=lambda active: active.binding.id is None):
        binding = active.binding
        about = binding.tooltip or binding.description.capitalize()
        if binding.system or not active.enabled or not about:
            continue
        # A list has no title of its own; what it binds is for whichever list has the focus.
        title = active.node.BINDING_GROUP_TITLE or "In the list"
        keys, _ = groups.setdefault(title, {}).setdefault(binding.id or binding.action, ([], about))
        # Each of its keys by itself: what the line of keys shows stands for all of them.
        keys.append(app.get_key_display(replace(binding, key_display=None)))
    return {title: list(group.values()) for title, group in groups.items()}
