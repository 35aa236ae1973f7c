"""What is written in colours can be read in every theme."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from aim_tui.ui.themes import OWN_THEMES, THEME_NAMES
from aim_tui.ui.widgets.score_cells import Ink

# Of the ansi themes the terminal itself knows the colours.
_WITH_COLOURS = [theme for theme in (*BUILTIN_THEMES.values(), *OWN_THEMES) if not theme.ansi]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG counts it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [value / 255 for value in Color.parse(colour).rgb]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def variables(theme) -> dict[str, str]:
    return theme.to_color_system().generate() | theme.variables


@pytest.mark.parametrize("theme", _WITH_COLOURS, ids=lambda theme: theme.name)
def test_each_step_of_the_ramp_stands_out_from_the_table(theme) -> None:
    surface = variables(theme)["surface"]
    ink = Ink.ON_DARK if theme.dark else Ink.ON_LIGHT
    weakest = min(contrast(colour, surface) for colour in ink.value)
    assert weakest >= 2.8, f"{weakest:.2f} on {surface}"


@pytest.mark.parametrize("ink", [Ink.ON_DARK, Ink.ON_LIGHT])
def test_the_ramp_is_made_of_colours_that_256_colours_hold(ink: Ink) -> None:
    levels = {"00", "5f", "87", "af", "d7", "ff"}
    for colour in ink.value:
        assert {colour[1:3], colour[3:5], colour[5:7]} <= levels


@pytest.mark.parametrize("theme", OWN_THEMES, ids=lambda theme: theme.name)
def test_high_contrast_means_seven_to_one_for_every_text(theme) -> None:
    named = variables(theme)
    texts = (
        "foreground",
        "text-muted",
        "foreground-muted",
        "text-warning",
        "text-error",
        "text-accent",
        "text-primary",
    )
    for behind in ("surface", "background"):
        for text in texts:
            assert contrast(named[text], named[behind]) >= 7, f"{text} on {behind}"
    for text, behind in (
        ("foreground", "panel"),
        ("text-muted", "panel"),
        ("foreground", "primary-background"),
        ("foreground-muted", "primary-background"),
        ("text-warning", "warning-muted"),
        ("foreground", "error-muted"),
        ("block-cursor-foreground", "block-cursor-background"),
        ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
        ("footer-key-foreground", "footer-background"),
        ("footer-description-foreground", "footer-background"),
    ):
        assert contrast(named[text], named[behind]) >= 6.5, f"{text} on {behind}"


def test_our_themes_are_among_the_names_that_settings_may_hold() -> None:
    assert {"high-contrast", "high-contrast-light", "textual-dark"} <= set(THEME_NAMES)
