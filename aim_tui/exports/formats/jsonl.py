"""JSON Lines: one object a row, each with where it comes from."""

from __future__ import annotations

from typing import Any

from aim_tui.core.scoring.records import to_json
from aim_tui.exports.formats.writer import Format, RowWriter


class JsonLinesWriter(RowWriter):
    """A line for each row."""

    def line(self, row: Any) -> str:
        """The record of a row."""
        return to_json(self.content.record(row)) + "\n"


JSON_LINES = Format("jsonl", "JSON Lines", JsonLinesWriter, ("jsonl", "ndjson"))
