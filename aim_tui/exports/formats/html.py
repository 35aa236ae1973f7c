"""HTML: one page that needs nothing beside it."""

from __future__ import annotations

from aim_tui.exports.content import HtmlPaged
from aim_tui.exports.formats.writer import Format, Writer


class HtmlWriter(Writer[HtmlPaged]):
    """The page."""

    def render(self) -> str:
        """The whole page."""
        return self.content.html()


HTML = Format("html", "HTML", HtmlWriter, ("html", "htm"), needs=HtmlPaged)
