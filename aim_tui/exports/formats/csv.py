"""CSV (RFC 4180, lines end in a line feed); texts that a spreadsheet would read as formulas are quoted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from aim_tui.core.text import spreadsheet_cell
from aim_tui.exports.formats.writer import Format, StreamingWriter


class CsvWriter(StreamingWriter):
    """A heading and a line for each row, or several."""

    def head(self) -> str:
        """The headings."""
        return _text([self.content.columns()])

    def line(self, row: Any) -> str:
        """The lines of a row."""
        return _text(self.content.lines(row))


def _text(lines: Iterable[Iterable[Any]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(map(spreadsheet_cell, line) for line in lines)
    return stream.getvalue()


CSV = Format("csv", "CSV", CsvWriter, ("csv",))
