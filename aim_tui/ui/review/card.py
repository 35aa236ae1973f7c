"""One image in words: what is said of it, its scores and rank, its caption, and what it was judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import Present, reason_of, value_of
from aim_tui.core.ratings.opinions import NOTHING, RATINGS, Opinion
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.text import printable
from aim_tui.ui.widgets.indent import hanging
from aim_tui.ui.widgets.score_cells import BARS, NOTED, REJECTED, STALE, step_of

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row

_MUTED = "$foreground-muted"
_LABEL = 8
_CAPTION = f"{'caption':<{_LABEL}}"
_NO_WORDS = Content("")
_STAR, _NO_STAR = "★", "☆"


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that the card says of an image; two that are equal look alike."""

    row: Row
    plan: ScoringPlan
    context: Context
    not_asked: Mapping[str, str] = field(default_factory=dict)
    rater: str = ""
    mine: Opinion = NOTHING
    others: Mapping[str, Opinion] = field(default_factory=dict)
    rank: int | None = None
    of: int = 0
    whose: str = ""
    """Whose prompt it is compared with, where images bring theirs."""

    @property
    def stale(self) -> bool:
        """Whether a value was computed with another prompt, topic or reference."""
        return any(self.row.stale(metric, self.context) for metric in self.plan.metrics)


def card(standing: Standing, *, brief: bool = False, width: int = 0) -> Content:
    """The whole card, or the three lines that matter most; what is longer than `width` goes on under its own words."""
    if brief:
        lines = [
            Content("  ").join([rating_words(standing.mine), *_final(standing)]),
            Content("  ").join(_metric(metric, standing, brief=True) for metric in standing.plan.metrics),
            Content.styled(_CAPTION, _MUTED) + _caption_words(standing.row),
        ]
        return Content("\n").join(lines)
    hint = "" if standing.mine else f"  {RATINGS[0]} to {RATINGS[-1]} rates, x rejects"
    lines = opinion_lines(standing.mine, standing.others, hint=Content.styled(hint, _MUTED), width=width)
    lines += [Content(""), Content("  ").join(_final(standing))]
    lines += [_metric(metric, standing, brief=False) for metric in standing.plan.metrics]
    for metric, reason in standing.not_asked.items():
        off = Content.styled(f"off: {printable(reason)}", _MUTED)
        lines.append(hanging(f"{get_metric(metric).short:<{_LABEL}}", off, width))
    if errors := standing.row.errors():
        lines.append(hanging("", Content.styled(f"! {printable(errors)}", "$text-error"), width, 2))
    if standing.stale:
        stale = f"{STALE} made against something else; s scores again"
        lines.append(hanging("", Content.styled(stale, "$text-warning"), width, 2))
    lines += [Content(""), hanging(_CAPTION, _caption_words(standing.row), width)]
    prompt = standing.context.overlaid(standing.row.own).prompt
    texts = {"topic": standing.context.topic, "prompt": prompt}
    if standing.context.reference:
        texts["ref"] = standing.context.reference.rpartition("/")[2]
    lines += [hanging(f"{name:<{_LABEL}}", Content(printable(text) or "none"), width) for name, text in texts.items()]
    if standing.whose:
        lines.append(hanging("", Content.styled(f"  the prompt is {printable(standing.whose)}", _MUTED), width, 2))
    return Content("\n").join(lines)


def stars(rating: float | None) -> str:
    """A rating as stars with its digits, or that there is none."""
    if rating is None:
        return "not rated"
    full = min(max(int(rating), 0), len(RATINGS))
    return f"{_STAR * full}{_NO_STAR * (len(RATINGS) - full)} {rating:g}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    last = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"


def opinion_lines(
    mine: Opinion,
    others: Mapping[str, Opinion],
    rater: Content = _NO_WORDS,
    hint: Content = _NO_WORDS,
    width: int = 0,
) -> list[Content]:
    """What the rater says, between `rater` and `hint`, with the note; and what others say."""
    lines = [rater + rating_words(mine) + hint]
    if mine.note:
        lines.append(hanging(f"{NOTED} ", Content(printable(mine.note)), width))
    return lines + [hanging("", _other(name, said), width, 2) for name, said in others.items() if said]


def rating_words(opinion: Opinion) -> Content:
    """The rating as stars, and whether it is rejected."""
    said = Content.styled(stars(opinion.rating), "bold" if opinion.rating is not None else _MUTED)
    rejected = Content.styled(f"  {REJECTED} rejected", "bold $text-warning") if opinion.rejected else Content("")
    return said + rejected


def _other(rater: str, opinion: Opinion) -> Content:
    said = [stars(opinion.rating)] if opinion.rating is not None else []
    said += [f"{REJECTED} rejected"] if opinion.rejected else []
    said += [f"{NOTED} {printable(opinion.note)}"] if opinion.note else []
    return Content.styled(f"{printable(rater)}: {'  '.join(said)}", _MUTED)


def _final(standing: Standing) -> list[Content]:
    final = standing.row.final
    if final is None:
        return [Content.styled("no final score", _MUTED)]
    sign = STALE if standing.stale else ""
    said = [Content.assemble("final ", (f"{sign}{final:.1f} {BARS[step_of(final / 100)]}", "bold"))]
    if standing.rank is not None:
        said.append(Content.styled(f"{ordinal(standing.rank)} of {standing.of}", _MUTED))
    return said


def _metric(metric: str, standing: Standing, *, brief: bool) -> Content:
    spec, row = get_metric(metric), standing.row
    outcome = row.outcome(metric)
    norm = value_of(row.scores.norms.get(metric)) if row.scores else None
    arrow = "↑" if spec.higher_is_better else "↓"
    title = Content.styled(f"{spec.short} " if brief else f"{f'{spec.short} {arrow}':<{_LABEL - 1}} ", _MUTED)
    if not isinstance(outcome, Present):
        return title + Content("·" if outcome is None else f"! {printable(reason_of(outcome) or '')}")
    sign = STALE if row.stale(metric, standing.context) else ""
    value = f"{sign}{outcome.value:.{2 if brief else spec.decimals}f}"
    if norm is None:
        return title + Content(value)
    bar = f" {BARS[step_of(norm)]}"
    if brief:
        return title + Content(value + bar)
    return Content.assemble(title, value, bar, (f"  norm {norm:.2f}", _MUTED))


def _caption_words(row: Row) -> Content:
    return Content.styled(printable(row.caption), "italic") if row.caption else Content.styled("none yet", _MUTED)
