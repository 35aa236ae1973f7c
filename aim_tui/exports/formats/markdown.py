"""Markdown: a page for a repository, an issue or a paper's appendix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from aim_tui.core.text import printable
from aim_tui.exports.content import Paged
from aim_tui.exports.formats.writer import DocumentWriter, Format
from aim_tui.exports.page import Block, Bullets, Grid, Heading, Quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def markdown(content: Paged) -> str:
    """A page as Markdown."""
    return "\n\n".join("\n".join(_lines(block)) for block in content.page()) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(content, level):
            yield f"{'#' * level} {_text(content)}"
        case Bullets(lines):
            for line in lines:
                yield f"- {_text(line)}" if isinstance(line, str) else f"- **{_text(line[0])}**: {_text(line[1])}"
        case Quote(content):
            yield f"> {_text(content)}"
        case Grid(headings, rows, texts):
            # A number sign is not a heading inside a table.
            yield _row(heading if heading == "#" else _text(heading) for heading in headings)
            yield _row(":--" if place in texts else "--:" for place, _ in enumerate(headings))
            for row in rows:
                yield _row(map(_text, row))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(content: str) -> str:
    """Text in one line, escaped for Markdown and its HTML."""
    return _SPECIAL.sub(r"\\\1", printable(content))


MARKDOWN = Format("markdown", "Markdown", partial(DocumentWriter, markdown), ("md", "markdown"), Paged)
