"""An analysis of agreement as JSON, as Markdown, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.core.agreement.report_json import document
from aim_tui.core.agreement.report_tables import sections
from aim_tui.core.scoring.records import to_json
from aim_tui.exports.markdown import line, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aim_tui.core.agreement.analysis import Analysis
    from aim_tui.core.agreement.report_tables import Section


def json_document(analysis: Analysis) -> str:
    """A superset of the seed's correlation_results.json."""
    return to_json(document(analysis), indent=2) + "\n"


def markdown(analysis: Analysis) -> str:
    """A page for a repository, an issue or a paper's appendix."""
    lines = ["# Agreement", ""]
    lines += [f"- {text(note)}" for note in (*analysis.study.notes, settings(analysis))]
    for section in sections(analysis):
        lines += _section(section)
    return "\n".join(lines) + "\n"


def settings(analysis: Analysis) -> str:
    """What it takes to get the same figures again."""
    options = analysis.options
    groups = f", groups by {options.group_by}" if options.group_by else ""
    resamples = "resamples by the number of pairs" if options.resamples is None else f"{options.resamples:,} resamples"
    return f"{resamples}, seed {options.seed}, errors {options.mapping}{groups}"


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield from ("", f"{'#' * section.level} {text(section.title)}")
    if section.lines:
        yield ""
        yield from (f"- {text(one)}" for one in section.lines)
    if section.headings:
        yield ""
        yield line(map(text, section.headings))
        yield line(":--" if place < section.texts else "--:" for place, _ in enumerate(section.headings))
        yield from (line(map(text, row)) for row in section.rows)
