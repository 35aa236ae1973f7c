"""What is written in colours can be read in every theme."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from aim_tui import ui
from aim_tui.ui import legible_colours
from aim_tui.ui.app import AimApp
from aim_tui.ui.legible_colours import PAIRS, PLAIN, PLAIN_TEXTS, TINTED, legible
from aim_tui.ui.themes import OWN_THEMES, THEME_NAMES
from aim_tui.ui.widgets.score_cells import Ink

_UI = Path(ui.__file__).parent
# Of the ansi themes the terminal itself knows the colours.
_WITH_COLOURS = [theme for theme in (*BUILTIN_THEMES.values(), *OWN_THEMES) if not theme.ansi]


def contrast(text: str, behind: str) -> float:
    """The contrast of two colours as WCAG counts it, 1 to 21."""
    colours = {"surface": behind, "text": text}
    return legible_colours.contrast("text", "surface", colours)


def variables(theme: Theme) -> dict[str, str]:
    """The colours that the application shows under a theme."""
    return legible(theme.to_color_system().generate() | theme.variables)


@pytest.mark.parametrize("theme", _WITH_COLOURS, ids=lambda theme: theme.name)
def test_every_text_can_be_read_on_what_the_screens_put_it_on(theme: Theme) -> None:
    named = variables(theme)
    pairs = [
        *itertools.product(PLAIN_TEXTS, PLAIN),
        *((text, behind) for behind, texts in TINTED.items() for text in texts),
        *PAIRS.items(),
    ]
    found = {pair: legible_colours.contrast(*pair, named) for pair in pairs}
    assert {pair: round(value, 2) for pair, value in found.items() if value < 4.5} == {}


def test_every_colour_that_the_screens_use_is_among_those_that_are_looked_at() -> None:
    backgrounds, texts = set(), set()
    for path in (*_UI.rglob("*.tcss"), *_UI.rglob("*.py")):
        source = path.read_text("utf-8")
        backgrounds.update(re.findall(r"background: \$([a-z-]+)", source))
        texts.update(re.findall(r"(?<![a-z-])color: \$([a-z-]+)", source))
        texts.update(re.findall(r"\"(?:bold |strike )?\$([a-z-]+)", source))
    # These two are of no colour in most themes; the bar behind them is looked at.
    backgrounds -= {"footer-key-background", "footer-description-background"}
    # Bars and the dots between parts of a line are no text.
    texts -= {"primary", "foreground-disabled"}
    assert backgrounds - {*PLAIN, *TINTED, *PAIRS.values()} == set()
    assert texts - {*PLAIN_TEXTS, *PAIRS, *(text for shown in TINTED.values() for text in shown)} == set()


def test_the_application_shows_the_colours_that_can_be_read() -> None:
    app = AimApp()
    app.theme = "textual-light"
    assert legible_colours.contrast("foreground", "primary-background", app.get_css_variables()) >= 4.5


def test_a_theme_that_can_be_read_keeps_its_colours() -> None:
    for theme in OWN_THEMES:
        assert variables(theme) == theme.to_color_system().generate() | theme.variables


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
