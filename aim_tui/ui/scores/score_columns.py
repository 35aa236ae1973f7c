"""Which columns the score table has room for, and how wide each is."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.scoring.columns import IMAGES, Column, Kind, metric_columns
from aim_tui.ui.widgets.cell_text import Cut
from aim_tui.ui.widgets.line_look import GAP

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


class PlacedColumn(NamedTuple):
    """A column as the table shows it: its id (what to sort by), title, width in cells, and for a value its metric."""

    id: str
    title: str
    width: int
    right: bool = False
    metric: str = ""
    bar: bool = False
    muted: bool = False
    cut: Cut = "end"
    """Where a text that is too long is cut."""


class ColumnLayout(NamedTuple):
    """The columns that fit, how many others there are, and how many beside AIM's are among those."""

    columns: tuple[PlacedColumn, ...]
    hidden: int
    others_hidden: int = 0

    def column_at(self, x: int) -> PlacedColumn | None:
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
) -> ColumnLayout:
    """The richest set of columns that fits into `width` cells and leaves the names readable.

    From poor to rich: name, final, status; then the raw values; then the normalised ones, at first for the words of
    the status; then captions. A column of ratings is there where anything is `rated`, and one of cosines, before all
    other values, where the rows are `ranked` by their nearness to a text. Metrics that are not `weighed` (None: all
    are) have no normalised value. Those beside AIM's, and the additional columns after them, cost AIM's nothing: the
    last of them go where room is scarce.
    """
    weighed = metrics if weighed is None else weighed
    additional = IMAGES.additional()
    everything = len(metrics) + sum(metric in weighed for metric in metrics) + len(additional) + 5 + rated + ranked
    others = sum(metric not in METRICS for metric in metrics) + len(additional)
    for hidden in range(0 if narrow else others + 1):
        left_over = max(hidden - len(additional), 0)
        shown, added = metrics[: len(metrics) - left_over], additional[: max(len(additional) - hidden, 0)]
        for norms, words, caption, name_least in (*_TIERS, *(_OTHERS_TIERS if hidden < others else ())):
            columns = _columns(shown, added, rows, norms, words, weighed)
            if rated:
                columns.insert(-1, _rating())
            if ranked:
                columns.insert(1, _likeness())
            fixed = sum(column.width + GAP for column in columns)
            left = width - fixed - GAP - (_CAPTION_MIN + GAP if caption else 0)
            wanted = min(max(longest_name, _NAME_MIN), _NAME_MAX)
            if left < min(wanted, name_least):
                continue
            name = _placed("name", min(left, wanted))
            columns.insert(1, name)
            if caption:
                columns.append(_placed("caption", _CAPTION_MIN + left - name.width, muted=True))
            return ColumnLayout(tuple(columns), everything - len(columns), hidden)
    columns = [*([_likeness()] if ranked else []), _final(), _status()]
    while columns and width - sum(column.width + GAP for column in columns) < _NAME_MIN:
        columns.pop()
    name_width = max(width - sum(column.width + GAP for column in columns) - GAP, 1)
    return ColumnLayout((_placed("name", name_width), *columns), everything - len(columns) - 1)


def width_for_all_values(metrics: Sequence[str], rows: int, rated: bool, weighed: Collection[str] | None = None) -> int:
    """How many cells show every raw and normalised value beside names that can be read."""
    weighed = metrics if weighed is None else weighed
    columns = _columns(metrics, IMAGES.additional(), rows, True, False, weighed)
    fixed = [*columns, *([_rating()] if rated else [])]
    return sum(column.width + GAP for column in fixed) + _NAME_FAIR + GAP


def _columns(
    metrics: Sequence[str], additional: Sequence[Column], rows: int, norms: bool, words: bool, weighed: Collection[str]
) -> list[PlacedColumn]:
    columns = [_placed("item", max(len(str(rows)), 2), right=True)]
    for metric in metrics:
        spec, has_norm = get_metric(metric), metric in weighed
        raw, norm = metric_columns(spec)
        bar = has_norm and not norms
        width = max(_digits(spec) + _SIGN + (_BAR if bar else 0), len(raw.title))
        columns.append(PlacedColumn(raw.id, raw.title, width, right=True, metric=metric, bar=bar))
        if norms and has_norm:
            columns.append(PlacedColumn(norm.id, norm.title, _NORM_WIDTH, right=True, metric=metric, bar=True))
    columns += [PlacedColumn(one.id, one.title, one.width, right=one.kind is Kind.NUMBER) for one in additional]
    return [*columns, _final(), _status() if words else PlacedColumn("status", "St", STATUS_GLYPH_WIDTH)]


def _placed(column: str, width: int, *, right: bool = False, bar: bool = False, muted: bool = False) -> PlacedColumn:
    return PlacedColumn(column, IMAGES[column].title, width, right=right, bar=bar, muted=muted)


def _digits(spec: MetricSpec) -> int:
    """Cells of a raw value with its point: as many digits before it as the range has, four where it has no end."""
    if spec.id in METRICS:
        return spec.decimals + 2
    widest = max(abs(spec.low), abs(spec.high))
    return spec.decimals + 1 + (len(f"{widest:.0f}") if math.isfinite(widest) else _DIGITS_WITHOUT_END)


def _final() -> PlacedColumn:
    return _placed("final", _FINAL_WIDTH, right=True, bar=True)


def _likeness() -> PlacedColumn:
    # Its values belong to a search, not to the rows.
    return PlacedColumn(LIKENESS, "Cosine", _LIKENESS_WIDTH, right=True)


def _rating() -> PlacedColumn:
    return _placed("rating", _RATING_WIDTH)


def _status() -> PlacedColumn:
    return _placed("status", _STATUS_WIDTH)
