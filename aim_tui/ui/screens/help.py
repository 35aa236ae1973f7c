"""Help that builds itself from the bindings that are active where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.ui.screens.dialog import PageDialog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import App
    from textual.binding import ActiveBinding

_GLYPHS = """\
● marked      ! failed, the line below says why      - not there yet
An arrow at a title says which way is better; the underlined title is the one the table is sorted by.
Values that were made against another prompt, topic or reference are out of date until s scores them again."""


class HelpScreen(PageDialog):
    """Every key that works here, by the pane it belongs to."""

    def __init__(self, app: App[object], bindings: Iterable[ActiveBinding]) -> None:
        super().__init__("Keys that work here", help_page(app, bindings))


def help_page(app: App[object], bindings: Iterable[ActiveBinding]) -> Content:
    """A table of keys and what they do, grouped by the namespace they belong to."""
    groups: dict[str, dict[str, tuple[list[str], str]]] = {}
    for active in bindings:
        binding = active.binding
        if binding.system or not active.enabled or not (binding.tooltip or binding.description):
            continue
        title = active.node.BINDING_GROUP_TITLE or "Everywhere"
        group = groups.setdefault(title, {})
        keys, _ = group.setdefault(binding.id or binding.action, ([], binding.tooltip or binding.description))
        keys.append(app.get_key_display(binding))
    widths = [len(" ".join(keys)) for group in groups.values() for keys, _ in group.values()]
    width = min(max(widths, default=8), 18)
    lines: list[Content] = []
    for title, group in groups.items():
        lines.append(Content.styled(title, "bold"))
        lines += [
            Content.assemble(("  " + " ".join(keys).ljust(width), "$text-accent"), "  ", about)
            for keys, about in group.values()
        ]
        lines.append(Content(""))
    return Content("\n").join([*lines, Content.styled("Signs", "bold"), Content(_GLYPHS)])
