"""Which columns the score table has room for, and how wide each is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.registry import get_metric
from aim_tui.ui.widgets.line_look import GAP

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aim_tui.core.metrics.spec import MetricSpec

#: The width of a status that is a glyph without its word.
STATUS_GLYPH_WIDTH = 2
#: The id of the column of cosines with what was searched for.
LIKENESS = "likeness"

_SIGN = 1
_BAR = 2
_NAME_MIN, _NAME_FAIR, _NAME_WIDE, _NAME_MAX = 12, 18, 24, 48
_CAPTION_MIN = 24
_STATUS_WIDTH = 9
_FINAL_WIDTH = 8
_NORM_WIDTH = 6
_RATING_WIDTH = 6
_LIKENESS_WIDTH = 7
_DIGITS_WITHOUT_END = 4


# Normalised values, words of the status, captions, and how much of the names must stay readable; the first that fits.
_TIERS = (
    (True, True, True, _NAME_WIDE),
    (True, True, False, _NAME_FAIR),
    (True, False, False, _NAME_FAIR),
    (False, True, False, _NAME_MIN),
)


# Where metrics beside AIM's are shown, these may cost the words of the status.
_OTHERS_TIERS = ((False, False, False, _NAME_MIN),)


class Column(NamedTuple):
    """One column: its id (what to sort by), title, width in cells, and for a value its metric."""

    id: str
    title: str
    width: int
    right: bool = False
    metric: str = ""
    bar: bool = False


class Layout(NamedTuple):
    """The columns that fit, how many others there are, and how many metrics beside AIM's are among those."""

    columns: tuple[Column, ...]
    hidden: int
    others_hidden: int = 0

    def column_at(self, x: int) -> Column | None:
        """The column that covers cell `x`, counted from the first one's left edge."""
        left = 0
        for column in self.columns:
            if left <= x < left + column.width + GAP:
                return column
            left += column.width + GAP
        return None


def lay_out(
    width: int,
    metrics: Sequence[str],
    rows: int,
    longest_name: int,
    narrow: bool,
    rated: bool = False,
    ranked: bool = False,
    weighed: Collection[str] | None = None,
) -> Layout:
    """The richest set of columns that fits into `width` cells and leaves the names readable.

    From poor to rich: name, final, status; then the raw values; then the normalised ones, at first for the words of
    the status; then captions. A column of ratings is there where anything is `rated`, and one of cosines, before all
    other values, where the rows are `ranked` by their nearness to a text. Metrics that are not `weighed` (None: all
    are) have no normalised value. Those beside AIM's cost AIM's nothing: the last of them go where room is scarce.
    """
    weighed = metrics if weighed is None else weighed
    everything = len(metrics) + sum(metric in weighed for metric in metrics) + 5 + rated + ranked
    others = sum(metric not in METRICS for metric in metrics)
    for hidden in range(0 if narrow else others + 1):
        shown = metrics[: len(metrics) - hidden]
        for norms, words, caption, name_least in (*_TIERS, *(_OTHERS_TIERS if hidden < others else ())):
            columns = _columns(shown, rows, norms, words, weighed)
            if rated:
                columns.insert(-1, _rating())
            if ranked:
                columns.insert(1, _likeness())
            fixed = sum(column.width + GAP for column in columns)
            left = width - fixed - GAP - (_CAPTION_MIN + GAP if caption else 0)
            wanted = min(max(longest_name, _NAME_MIN), _NAME_MAX)
            if left < min(wanted, name_least):
                continue
            name = Column("name", "Name", min(left, wanted))
            columns.insert(1, name)
            if caption:
                columns.append(Column("caption", "Caption", _CAPTION_MIN + left - name.width))
            return Layout(tuple(columns), everything - len(columns), hidden)
    columns = [*([_likeness()] if ranked else []), _final(), _status()]
    while columns and width - sum(column.width + GAP for column in columns) < _NAME_MIN:
        columns.pop()
    name_width = max(width - sum(column.width + GAP for column in columns) - GAP, 1)
    return Layout((Column("name", "Name", name_width), *columns), everything - len(columns) - 1)


def width_for_all_values(metrics: Sequence[str], rows: int, rated: bool, weighed: Collection[str] | None = None) -> int:
    """How many cells show every raw and normalised value beside names that can be read."""
    weighed = metrics if weighed is None else weighed
    fixed = [*_columns(metrics, rows, True, False, weighed), *([_rating()] if rated else [])]
    return sum(column.width + GAP for column in fixed) + _NAME_FAIR + GAP


def _columns(metrics: Sequence[str], rows: int, norms: bool, words: bool, weighed: Collection[str]) -> list[Column]:
    columns = [Column("item", "#", max(len(str(rows)), 2), right=True)]
    for metric in metrics:
        spec, has_norm = get_metric(metric), metric in weighed
        arrow = "↑" if spec.higher_is_better else "↓"
        title = f"{spec.short} {arrow}"
        bar = has_norm and not norms
        width = max(_digits(spec) + _SIGN + (_BAR if bar else 0), len(title))
        columns.append(Column(metric, title, width, right=True, metric=metric, bar=bar))
        if norms and has_norm:
            columns.append(Column(f"{metric}_norm", "norm", _NORM_WIDTH, right=True, metric=metric, bar=True))
    return [*columns, _final(), _status() if words else Column("status", "St", STATUS_GLYPH_WIDTH)]


def _digits(spec: MetricSpec) -> int:
    """Cells of a raw value with its point: as many digits before it as the range has, four where it has no end."""
    if spec.id in METRICS:
        return spec.decimals + 2
    widest = max(abs(spec.low), abs(spec.high))
    return spec.decimals + 1 + (len(f"{widest:.0f}") if math.isfinite(widest) else _DIGITS_WITHOUT_END)


def _final() -> Column:
    return Column("final", "Final", _FINAL_WIDTH, right=True, bar=True)


def _likeness() -> Column:
    return Column(LIKENESS, "Cosine", _LIKENESS_WIDTH, right=True)


def _rating() -> Column:
    return Column("rating", "Rate", _RATING_WIDTH)


def _status() -> Column:
    return Column("status", "Status", _STATUS_WIDTH)
