"""How the application is to look and what it says to the terminal around it, as the settings have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Preferences:
    """`[ui]` and `[keys]` of the settings file."""

    theme: str | None = None
    """The theme where none was chosen in the application; Textual's own where it is None."""
    compact: bool = False
    """Whether to begin without borders and titles where nothing was chosen in the application."""
    title: bool = True
    """Whether the terminal's title says how far a job is."""
    progress: bool = True
    """Whether the terminal's own progress bar does, in terminals that have one."""
    bell: bool = True
    """Whether the bell rings after a long job, in terminals that show no notification."""
    notification: bool = True
    """Whether a notification appears after a long job, in terminals that show them."""
    notify_after: float = 30.0
    """Seconds that a job has to take to be worth a bell or a notification."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of a binding, each a name that Textual knows; all of them make sense."""
