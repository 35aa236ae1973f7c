"""`[ui]` and `[keys]` of the settings, checked against the themes and bindings that the UI has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean
from aim_tui.errors import ConfigError
from aim_tui.settings.settings import Settings
from aim_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from aim_tui.ui.keymap import KeyProblem


def preferences(settings: Settings) -> tuple[Preferences, tuple[str, ...]]:
    """The UI preferences that the settings ask for, and warnings about conflicting keys.

    Raises ConfigError, with file and line, for an unknown theme or binding. Imports Textual.
    """
    from aim_tui.ui.keymap import keymap_conflicts, normal_keys
    from aim_tui.ui.preferences import Preferences

    for mistake in _mistakes(settings):
        raise mistake
    conflicts = keymap_conflicts(settings.keys) if settings.keys else ()
    warnings = tuple(_key_error(settings, conflict).message for conflict in conflicts)
    table = settings.interface
    result = Preferences(
        theme=table.theme,
        compact=table.compact,
        title=table.title,
        progress=table.progress,
        bell=table.bell,
        notification=table.notification,
        notify_after=table.notify_after,
        keymap={id: ",".join(normal_keys(keys)) for id, keys in settings.keys.items()},
    )
    return result, warnings


def interface_findings(settings: Settings) -> list[str]:
    """Mistakes in `[ui]` and `[keys]`, or else conflicts of keys, with file and line. Imports Textual."""
    from aim_tui.ui.keymap import keymap_conflicts

    mistakes = [mistake.message for mistake in _mistakes(settings)]
    if mistakes or not settings.keys:
        return mistakes
    return [_key_error(settings, conflict).message for conflict in keymap_conflicts(settings.keys)]


def _mistakes(settings: Settings) -> Iterator[ConfigError]:
    from aim_tui.ui.themes import THEME_NAMES

    theme = settings.interface.theme
    if theme is not None and theme not in THEME_NAMES:
        yield settings.config_error(["ui", "theme"], f"unknown theme {theme!r}{did_you_mean(theme, THEME_NAMES)}")
    if settings.keys:
        from aim_tui.ui.keymap import keymap_problems

        for problem in keymap_problems(settings.keys):
            yield _key_error(settings, problem)


def _key_error(settings: Settings, problem: KeyProblem) -> ConfigError:
    return settings.config_error(["keys", *problem.id.split(".")], problem.problem)
