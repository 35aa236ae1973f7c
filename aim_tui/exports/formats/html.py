"""HTML: one self-contained page."""

from __future__ import annotations

from functools import partial

from aim_tui.exports.content import HtmlPaged
from aim_tui.exports.formats.writer import DocumentWriter, Format

HTML = Format("html", "HTML", partial(DocumentWriter, lambda content: content.html()), ("html", "htm"), HtmlPaged)
