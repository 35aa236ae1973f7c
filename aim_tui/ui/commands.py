"""The palette: every action that has a key here, by its name, and a few that have none."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.app import App, SystemCommand
from textual.screen import Screen

from aim_tui.ui.main.item_prompts import PROMPT_CHOICES
from aim_tui.ui.main.marked_menu import CHOICES

# The palette itself, and Textual's own.
_LEFT_OUT = ("command_palette", "help_quit", "screen.")
# They move a cursor or a focus: found when they are looked for, and not in the way before.
_MOVES = ("app.focus", "move(", "page(", "scroll_page(", "first", "last")


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
        worth_listing = not binding.action.startswith(_MOVES)
        run = partial(app.run_action, binding.action, active.node)
        yield SystemCommand(f"{name}  ({key})", binding.tooltip, run, discover=worth_listing)
    if hasattr(screen, "action_batch"):
        for name, choice in CHOICES.items():
            run = partial(app.run_action, f"batch('{name}')", screen)
            yield SystemCommand(f"Batch: {choice.title}  (b {choice.key})", choice.about, run, discover=False)
    if hasattr(screen, "action_item_prompts"):
        for name, choice in PROMPT_CHOICES.items():
            run = partial(app.run_action, f"item_prompts('{name}')", screen)
            yield SystemCommand(f"Prompts: {choice.title}  (I {choice.key})", choice.about, run, discover=False)
    yield SystemCommand(
        "Detect images again",
        "Ask the terminal how it shows images, after tmux was attached elsewhere",
        partial(app.run_action, "app.detect_images"),
    )
    yield SystemCommand("Theme", "Change the colours; high-contrast is among them", app.action_change_theme)
