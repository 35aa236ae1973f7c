"""An analysis as what the screen shows: figures of the matrix, a plot of a cell, and all its figures as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.rank_kernels import mid_ranks
from aim_tui.core.agreement.report_tables import Section, between, number, plain_number, sections
from aim_tui.core.agreement.residuals import Residual, line
from aim_tui.core.text import printable
from aim_tui.ui.correlation.matrix import Figure
from aim_tui.ui.correlation.scatter import Plot
from aim_tui.ui.widgets.cell_text import fit, wrap

if TYPE_CHECKING:
    from aim_tui.core.agreement.analysis import AgreementCell, Analysis

_GAP = 2
#: A column of texts is cut to this, so that numbers keep their place beside it.
_WIDEST_TEXT = 26


def plot_of(cell: AgreementCell, *, ranks: bool) -> Plot:
    """The pairs of a cell in their own directions, or their ranks, with the least-squares line."""
    pairs, signs = cell.pairs, (-1.0 if cell.pairs.negated_x else 1.0, -1.0 if cell.pairs.negated_y else 1.0)
    x, y = (sign * side for sign, side in zip(signs, (pairs.x, pairs.y), strict=True))
    if ranks and pairs.n:
        x, y = mid_ranks(x), mid_ranks(y)
    through = line(x, y)
    scales = cell.metric.scale, cell.judgement.scale
    return Plot(
        x=x,
        y=y,
        ids=pairs.ids,
        x_name=f"{'rank of ' if ranks else ''}{cell.metric.name}",
        y_name=f"{'rank of ' if ranks else ''}{cell.judgement.name}",
        groups=cell.groups,
        line=(through.slope, through.intercept) if through is not None else None,
        identity=not ranks and scales[0] is not None and scales[0] == scales[1],
    )


def figures_of(analysis: Analysis, kind: CoefficientKind) -> Mapping[tuple[str, str], Figure]:
    """What each cell shows of one coefficient."""
    figures = {}
    for cell in analysis.cells:
        found = cell.coefficients[kind]
        if found.value is None:
            figure = Figure(f"none n={cell.pairs.n}", f"{found.reason.partition(':')[0]}, n = {cell.pairs.n}")
        else:
            interval = f"({between(found.best_interval, '+.2f')})" if found.best_interval else "(no interval)"
            figure = Figure(
                f"{number(found.value, '+.2f')} n={cell.pairs.n}", f"{found.value:+.2f} {interval} n = {cell.pairs.n}"
            )
        figures[cell.metric.name, cell.judgement.name] = figure
    return figures


def numbers_of(cell: AgreementCell, one: Residual) -> tuple[str, ...]:
    """In the values' own directions, as the user knows them."""
    sign_x, sign_y = (-1 if negated else 1 for negated in (cell.pairs.negated_x, cell.pairs.negated_y))
    return (
        f"{sign_x * one.x + 0.0:.4g}",
        plain_number(sign_y * one.y),
        number(None if one.expected is None else sign_y * one.expected, ".3g"),
        number(one.residual, "+.3g"),
        number(one.rank_gap, "+.2f"),
        number(one.influence),
    )


def page(analysis: Analysis, cell: AgreementCell, width: int) -> list[Content]:
    """All figures of a cell, then what is about its metric and judgement beside others; no sample is named twice."""
    metric, judgement = cell.metric.name, cell.judgement.name
    about = replace(
        analysis,
        # The pairs that agree best and worst have a list of their own.
        cells=(replace(cell, residuals=()),),
        comparisons=tuple(
            one for one in analysis.comparisons if one.judgement == judgement and metric in (one.a, one.b)
        ),
        raters=tuple(one for one in analysis.raters if one.judgement == judgement),
        discriminations=tuple(one for one in analysis.discriminations if one.metric == metric),
        duels=tuple(one for one in analysis.duels if one.metric == metric),
    )
    found = [content for section in sections(about) for content in _section(section, max(width, 20))]
    notes = [Content.styled(printable(note), "$foreground-muted") for note in analysis.study.notes]
    return [*found[1:], *([Content("")] if notes else []), *notes]


def _section(section: Section, width: int) -> Iterator[Content]:
    yield Content("")
    if section.title:
        yield Content.styled(printable(section.title), "bold")
    yield from (Content(text) for line in section.lines for text in wrap(line, width))
    if section.headings:
        yield from _table(section, width)


def _table(section: Section, width: int) -> Iterator[Content]:
    """The table; where it is wider than there is room, its columns of numbers in portions under each other."""
    texts = section.texts
    columns = (
        list(zip(section.headings, *section.rows, strict=True)) if section.rows else [(h,) for h in section.headings]
    )
    widths = [max(map(cell_len, map(printable, column))) for column in columns]
    widths[:texts] = [min(cells, _WIDEST_TEXT, width) for cells in widths[:texts]]
    left = sum(widths[:texts]) + _GAP * (texts - 1)
    for portion in _portions(widths, texts, width - left):
        chosen = [*range(texts), *portion]
        for place_of_row, row in enumerate((section.headings, *section.rows)):
            cells = (_cell(row[place], widths[place], right=place >= texts) for place in chosen)
            text = (" " * _GAP).join(cells).rstrip()
            yield Content.styled(text, "$foreground-muted") if place_of_row == 0 else Content(text)


def _portions(widths: Sequence[int], texts: int, room: int) -> list[list[int]]:
    portions: list[list[int]] = [[]]
    used = 0
    for place in range(texts, len(widths)):
        if portions[-1] and used + _GAP + widths[place] > room:
            portions.append([])
            used = 0
        portions[-1].append(place)
        used += _GAP + widths[place]
    return portions


def _cell(text: str, width: int, *, right: bool) -> str:
    text = printable(text)
    return " " * max(width - cell_len(text), 0) + text if right else fit(text, width, "middle")
