"""How a score looks in a few cells: digits always, then a bar, a colour and a glyph that say the same again."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from rich.style import Style
from textual.app import App

from aim_tui.core.outcomes import Failed, Missing, Outcome, Present
from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.plan import Status

# Never a full block: in a column of good scores they would grow together.
BARS = "▁▂▄▅▇"
BEST_GLYPH = "★"
MISSING, FAILED, PENDING, STALE = "-", "!", "·", "~"

# Blue to yellow and orange like cividis, worst to best: told apart with every kind of colour vision. All are colours
# of the 256-colour cube, so that a terminal with 256 colours shows exactly these, and on a dark theme they also rise
# in lightness. The only colours of the program that are no theme variables, so they have to stand on every theme.
_ON_DARK = ("#5f87ff", "#87afd7", "#afaf87", "#d7af5f", "#ffd75f")
_ON_LIGHT = ("#005faf", "#5f5f87", "#875f5f", "#875f00", "#af5f00")


class Ink(Enum):
    """How the ramp is drawn: in colours for a dark or a light theme, or by weight where there are too few colours."""

    ON_DARK = _ON_DARK
    ON_LIGHT = _ON_LIGHT
    WEIGHT = ()

    @property
    def steps(self) -> tuple[Style, ...]:
        """Five styles, worst to best."""
        return _STEPS[self]


_BY_WEIGHT = (Style(dim=True), Style(dim=True), Style(), Style(), Style(bold=True))
_STEPS = {ink: tuple(Style(color=color) for color in ink.value) or _BY_WEIGHT for ink in Ink}


def few_colours(app: App[Any]) -> bool:
    """Whether there are too few colours to draw with: glyphs and weight carry the meaning."""
    return app.no_color or app.console.color_system in (None, "standard", "windows")


def ink_of(app: App[Any]) -> Ink:
    """How the ramp is drawn on the theme in use."""
    if few_colours(app):
        return Ink.WEIGHT
    return Ink.ON_DARK if app.current_theme.dark else Ink.ON_LIGHT


def step_of(norm: float) -> int:
    """The step 0..4 of a normalised value 0..1."""
    return min(max(int(norm * len(BARS)), 0), len(BARS) - 1)


class Cell(NamedTuple):
    """The text of a value without padding, its step on the ramp, and whether it is a problem or out of date."""

    text: str
    step: int | None = None
    problem: bool = False
    stale: bool = False


def score_cell(outcome: Outcome | None, norm: float | None, decimals: int, *, bar: bool, stale: bool) -> Cell:
    """A value as digits, with a bar for its normalised value where that is wanted.

    Nothing yet is '·', missing '-', failed '!'; a '~' leads what was computed against something else.
    """
    blank = "  " if bar else ""
    match outcome:
        case Present(value):
            step = None if norm is None else step_of(norm)
            glyph = blank if step is None or not bar else f" {BARS[step]}"
            return Cell(f"{STALE if stale else ''}{value:.{decimals}f}{glyph}", step, stale=stale)
        case Missing():
            return Cell(MISSING + blank, stale=stale)
        case Failed():
            return Cell(FAILED + blank, problem=True, stale=stale)
        case None:
            return Cell(PENDING + blank)


REJECTED, NOTED = "✗", "✎"


def opinion_cell(opinion: Opinion) -> str:
    """What a rater says in a few cells: the rating, '✗' where the image is rejected, '✎' where there is a note."""
    rating = f"{opinion.rating:g}" if opinion.rating is not None else ""
    signs = (rating, REJECTED if opinion.rejected else "", NOTED if opinion.note else "")
    return " ".join(sign for sign in signs if sign)


class StatusLook(NamedTuple):
    """A status as glyph and word."""

    glyph: str
    word: str
    problem: bool = False


STATUS_LOOKS = {
    Status.PENDING: StatusLook(PENDING, "pending"),
    Status.OK: StatusLook("✓", "ok"),
    Status.PARTIAL: StatusLook("◐", "partial", problem=True),
    Status.FAILED: StatusLook(FAILED, "failed", problem=True),
}
STALE_LOOK = StatusLook(STALE, "stale")


def status_look(status: Status, *, stale: bool = False) -> StatusLook:
    """How a status is shown; what is out of date says so first."""
    return STALE_LOOK if stale else STATUS_LOOKS[status]
