"""An analysis of agreement as something to export: JSON, a page, a table, and a figure of one cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from aim_tui.core.agreement.analysis import AgreementCell, Analysis
from aim_tui.core.agreement.report_json import document
from aim_tui.core.agreement.report_tables import sections
from aim_tui.core.text import printable
from aim_tui.exports.content import Documented, Drawn, Paged, Tabled
from aim_tui.exports.figure import figure
from aim_tui.exports.page import Block, Bullets, Grid, Heading
from aim_tui.exports.tables import Part, table, words


class AgreementReport(Documented, Paged, Tabled):
    """The results of an analysis; its document is a superset of the seed's correlation_results.json."""

    what = "an analysis of agreement"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def document(self) -> dict[str, Any]:
        """All figures."""
        return document(self._analysis)

    def page(self) -> Iterator[Block]:
        """All sections under headings."""
        yield Heading("Agreement", 1)
        yield Bullets([*self._analysis.study.notes, settings(self._analysis)])
        for section in sections(self._analysis):
            if section.title:
                yield Heading(section.title, section.level)
            if section.lines:
                yield Bullets(section.lines)
            if section.headings:
                yield Grid(section.headings, section.rows, frozenset(range(section.texts)))

    def parts(self) -> list[Part]:
        """All sections, one below the other."""
        parts: list[Part] = [*map(words, (*self._analysis.study.notes, settings(self._analysis)))]
        for section in sections(self._analysis):
            pieces: list[RenderableType] = []
            if section.title:
                pieces.append(words(section.title, "bold" if section.level == 2 else ""))
            pieces += map(words, section.lines)
            if section.headings:
                headings = tuple(map(printable, section.headings))
                made = table(*headings, right=headings[section.texts :])
                for row in section.rows:
                    made.add_row(*map(words, row))
                pieces.append(made)
            parts.append(tuple(pieces))
        return parts


class AgreementFigure(Drawn):
    """The scatter of one metric against one judgement."""

    what = "a figure"

    def __init__(self, cell: AgreementCell) -> None:
        self._cell = cell

    def drawing(self, ending: str) -> bytes:
        """The figure at 300 dpi; ExportError where matplotlib is not installed or there are no pairs."""
        return figure(self._cell, ending)


def settings(analysis: Analysis) -> str:
    """The options that reproduce the same figures."""
    options = analysis.options
    groups = f", groups by {options.group_by}" if options.group_by else ""
    resamples = "resamples by the number of pairs" if options.resamples is None else f"{options.resamples:,} resamples"
    return f"{resamples}, seed {options.seed}, errors {options.mapping}{groups}"
