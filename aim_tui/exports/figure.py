"""A scatter of one metric against one judgement, ready to print; needs the extra 'plot'."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from aim_tui.core.agreement.analysis import AgreementCell
from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.report_tables import between, p_value
from aim_tui.core.text import printable
from aim_tui.errors import ExportError

_DPI = 300
_INCHES = (5.0, 4.0)
# Distinct for every kind of colour blindness (Okabe and Ito), and different in shape.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")


def figure(cell: AgreementCell, ending: str) -> bytes:
    """The figure at 300 dpi: the pairs, by group where there are few, the line, and r, p, n and interval above it.

    ExportError if matplotlib is not installed or there are no pairs.
    """
    if not cell.pairs.n:
        raise ExportError(f"{cell.metric.name} against {cell.judgement.name}: no pairs, so no figure")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ExportError("a figure needs matplotlib", "pip install 'aim-tui[plot]'") from None
    from matplotlib import rc_context

    # Without a date and with fixed ids, the same analysis gives the same file. No mathematics in names.
    with rc_context({"svg.hashsalt": "aim-tui", "svg.fonttype": "none", "text.parse_math": False}):
        drawn = Figure(figsize=_INCHES, layout="constrained")
        FigureCanvasAgg(drawn)
        axes = drawn.subplots()
        _scatter(axes, cell)
        _line(axes, cell)
        axes.set_xlabel(_axis(cell.metric.name, cell.metric.higher_is_better))
        axes.set_ylabel(_axis(cell.judgement.title, cell.judgement.higher_is_better))
        # Above the whole figure, which is wider than the axes.
        drawn.suptitle(title(cell), fontsize=8.5)
        axes.spines[["top", "right"]].set_visible(False)
        stream = io.BytesIO()
        drawn.savefig(
            stream, format=ending, dpi=_DPI, metadata={"Date": None} if ending == "svg" else {"Software": None}
        )
    return stream.getvalue()


def title(cell: AgreementCell) -> str:
    """The coefficients r and rho of the shown pairs, with interval, p and n."""
    lines = []
    for kind, sign in ((CoefficientKind.PEARSON, "r"), (CoefficientKind.SPEARMAN, "rho")):
        found = cell.coefficients[kind]
        if found.value is None:
            return f"n = {cell.pairs.n}, {found.reason}"
        interval = found.best_interval
        bounds = f"95 % interval {between(interval, '+.2f')}" if interval else found.no_interval
        lines.append(f"{kind.label.split()[0]} {sign} = {found.value:+.2f}, {bounds}, p = {p_value(found.best_p)}")
    return f"n = {cell.pairs.n}. {lines[0]}\n{lines[1]}"


def _scatter(axes: Any, cell: AgreementCell) -> None:
    x, y = _own(cell)
    groups = list(dict.fromkeys(cell.groups))
    size = 14 if cell.pairs.n <= 300 else 5
    if not 1 < len(groups) <= len(_COLOURS):
        axes.scatter(x, y, s=size, color=_COLOURS[0], alpha=0.7, linewidths=0)
        return
    of_pair = np.array(cell.groups, dtype=object)
    for place, group in enumerate(groups):
        members = of_pair == group
        label = _short(group) or "(none)"
        look = {"color": _COLOURS[place], "marker": _MARKS[place], "label": label}
        axes.scatter(x[members], y[members], s=size, alpha=0.7, linewidths=0, **look)
    axes.legend(fontsize=7, frameon=False)


def _line(axes: Any, cell: AgreementCell) -> None:
    if cell.line is None:
        return
    ends = np.array([cell.pairs.x.min(), cell.pairs.x.max()])
    sign_x, sign_y = _signs(cell)
    axes.plot(sign_x * ends, sign_y * (cell.line.intercept + cell.line.slope * ends), color="#444444", linewidth=1)


def _own(cell: AgreementCell) -> tuple[Any, Any]:
    """Values in their own directions: the axes are labelled with them."""
    sign_x, sign_y = _signs(cell)
    return sign_x * cell.pairs.x, sign_y * cell.pairs.y


def _signs(cell: AgreementCell) -> tuple[int, int]:
    return (-1 if cell.pairs.negated_x else 1), (-1 if cell.pairs.negated_y else 1)


def _axis(name: str, higher_is_better: bool) -> str:
    return f"{_short(name)}{'' if higher_is_better else ' (lower is better; coefficients are of the negated values)'}"


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
