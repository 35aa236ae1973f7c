"""The palette: every action that has a key here, by its name, and a few that have none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import App
    from textual.screen import Screen

# They move a cursor or a focus: a palette that lists them hides what is worth finding.
_LEFT_OUT = ("command_palette", "help_quit", "screen.", "app.focus", "move(", "page(")


def binding_commands(app: App[int], screen: Screen[object]) -> Iterable[SystemCommand]:
    """What the active bindings of a screen do, named with their keys."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        name = binding.description
        if not name or binding.system or binding.action in seen or not active.enabled:
            continue
        if any(part in binding.action for part in _LEFT_OUT):
            continue
        seen.add(binding.action)
        key = app.get_key_display(binding)
        yield SystemCommand(
            f"{name}  ({key})", binding.tooltip, partial(app.run_action, binding.action, active.node), discover=True
        )
    yield SystemCommand("Theme", "Change the colours", app.action_change_theme)
