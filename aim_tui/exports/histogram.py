"""A histogram as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from aim_tui.exports.markup import Html, element

_WIDTH, _HEIGHT = 300.0, 84.0
_GAP = 1.5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_BINS = 24


def bin_edges(values: Sequence[float]) -> list[float]:
    """Edges at round numbers around the values, with more bins for more values (square root rule)."""
    low, high = min(values), max(values)
    wanted = min(_MOST_BINS, max(5, math.isqrt(len(values)) * 2))
    width = _round_up((high - low) / wanted) if high > low else _round_up(max(abs(low), 1.0) / 50)
    first = math.floor(low / width + 1e-9)
    last = max(first + 1, math.ceil(high / width - 1e-9))
    return [number * width for number in range(first, last + 1)]


def counts(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many values lie in each bin; the last one includes its upper edge."""
    found = [0] * (len(edges) - 1)
    width = edges[1] - edges[0]
    for value in values:
        found[min(len(found) - 1, max(0, int((value - edges[0]) / width + 1e-9)))] += 1
    return found


def histogram(values: Sequence[float], name: str, decimals: int) -> Html:
    """Bars, with the mean as a line and the range below."""
    edges = bin_edges(values)
    found = counts(values, edges)
    step, tallest = _WIDTH / len(found), max(found)
    bars = []
    for number, count in enumerate(found):
        if count:
            # A bin with a single image among thousands must be visible.
            height = max(2.0, count / tallest * _HEIGHT)
            title = f"{edges[number]:.6g} to {edges[number + 1]:.6g}: {count}"
            bars.append(
                element(
                    "rect", element("title", title), x=_px(number * step + _GAP / 2), y=_px(_HEIGHT - height),
                    width=_px(max(1.0, step - _GAP)), height=_px(height), rx="1.5",
                )
            )  # fmt: skip
    mean = statistics.fmean(values)
    at = (mean - edges[0]) / (edges[-1] - edges[0]) * _WIDTH
    line = element("line", x1=_px(at), x2=_px(at), y1="-6", y2=_px(_HEIGHT), class_="mean")
    base = element("line", x1="0", x2=_px(_WIDTH), y1=_px(_HEIGHT), y2=_px(_HEIGHT), class_="axis")
    labels = (
        element("text", f"{edges[0]:.6g}", x="0", y=_px(_HEIGHT + 15)),
        element("text", f"{edges[-1]:.6g}", x=_px(_WIDTH), y=_px(_HEIGHT + 15), text_anchor="end"),
        element("text", f"mean {mean:.{decimals}f}", x=_px(at), y="-11", text_anchor=_anchor(at), class_="label"),
    )
    label = f"Distribution of {name}: {len(values)} values, mean {mean:.{decimals}f}"
    view = f"-1 -24 {_WIDTH + 2:g} {_HEIGHT + 44:g}"
    return element("svg", *bars, base, line, *labels, viewBox=view, role="img", aria_label=label)


def _anchor(at: float) -> str:
    if at < _WIDTH / 6:
        return "start"
    return "end" if at > _WIDTH * 5 / 6 else "middle"


def _round_up(width: float) -> float:
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in _STEPS if step * power >= width * (1 - 1e-9))


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
