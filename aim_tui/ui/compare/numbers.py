"""The scores of two images in two columns, and what one has more or less than the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.text import printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.score_cells import FAILED, MISSING, PENDING, STALE, Ink

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Results, Row

_TITLE, _VALUE = 9, 12
_MUTED = "$foreground-muted"
_BETTER, _WORSE, _SAME = "▲ better", "▼ worse", "= same"


@dataclass(frozen=True, slots=True)
class Number:
    """One value of an image: None where there is none, and why in a sign."""

    value: float | None
    sign: str = ""
    stale: bool = False

    def text(self, decimals: int) -> str:
        """In a cell."""
        return self.sign if self.value is None else f"{STALE if self.stale else ''}{self.value:.{decimals}f}"


def numbers(results: Results, first: Row, second: Row | None, ink: Ink) -> Content:
    """A line for the final score and for each metric; A is `first`, and the change is from B to A."""
    lines = [Content.styled(f"{'':<{_TITLE}}{'A':>{_VALUE}}{'B':>{_VALUE}}   A against B", _MUTED)]
    for title, decimals, upwards, one, other in _pairs(results, first, second):
        cells = f"{title:<{_TITLE}}{one.text(decimals):>{_VALUE}}{other.text(decimals):>{_VALUE}}   "
        lines.append(Content(cells) + _delta(one, other, decimals, upwards, ink))
    if first.caption or (second is not None and second.caption):
        for name, row in (("A", first), ("B", second)):
            caption = printable(row.caption) if row is not None and row.caption else "no caption"
            lines.append(Content.assemble((f"{name}  ", _MUTED), (fit(caption, 200).rstrip(), "italic")))
    return Content("\n").join(lines)


def _pairs(results: Results, first: Row, second: Row | None) -> Iterator[tuple[str, int, bool, Number, Number]]:
    context = results.context
    yield "Final ↑", 2, True, _final(results, first), _final(results, second)
    for metric in results.plan.metrics:
        spec = get_metric(metric)
        title = f"{spec.short} {'↑' if spec.higher_is_better else '↓'}"
        both = _raw(metric, first, context), _raw(metric, second, context)
        yield title, spec.decimals, spec.higher_is_better, *both


def _final(results: Results, row: Row | None) -> Number:
    if row is None or row.scores is None:
        return Number(None, PENDING)
    stale = any(row.stale(metric, results.context) for metric in results.plan.metrics)
    return _number(row.scores.final, stale)


def _raw(metric: str, row: Row | None, context: Context) -> Number:
    if row is None:
        return Number(None, PENDING)
    return _number(row.outcome(metric), row.stale(metric, context))


def _number(outcome: Outcome | None, stale: bool) -> Number:
    match outcome:
        case None:
            return Number(None, PENDING)
        case Present(value):
            return Number(value, stale=stale)
        case Missing():
            return Number(None, MISSING)
        case Failed():
            return Number(None, FAILED)


def _delta(one: Number, other: Number, decimals: int, upwards: bool, ink: Ink) -> Content:
    """By how much A differs and whether that is better: in digits, a glyph, a word, and blue or orange."""
    if one.value is None or other.value is None:
        return Content.styled(MISSING, _MUTED)
    if one.stale or other.stale:
        return Content.styled("made against different things", "$text-warning")
    # What is shown is what is compared: two values that look alike differ by nothing that is worth a word.
    change = round(one.value, decimals) - round(other.value, decimals)
    if one.text(decimals) == other.text(decimals):
        return Content.styled(_SAME, _MUTED)
    better = (change > 0) == upwards
    style = str(ink.steps[-1 if better else 0])
    return Content.styled(f"{change:+.{decimals}f} {_BETTER if better else _WORSE}", style)
