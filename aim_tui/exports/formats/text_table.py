"""A table for people: as wide as the terminal, and never cut off in files and pipes."""

from __future__ import annotations

from aim_tui.exports.content import Tabled
from aim_tui.exports.formats.writer import Format, Writer
from aim_tui.exports.tables import console, file_layout, layout


class TextTableWriter(Writer[Tabled]):
    """Tables and texts, one below the other; in a terminal with its colours and its width."""

    def render(self) -> str:
        """The whole text."""
        parts = self.content.parts()
        if self.sink.path is not None:
            return file_layout(parts)
        return layout(parts, console(piped_width=self.content.piped_width))


TABLE = Format("table", "table", TextTableWriter, needs=Tabled)
