"""JSON: the whole document as one object. JSON Lines: one object a row, each with its provenance."""

from __future__ import annotations

from functools import partial
from typing import Any

from aim_tui.core.scoring.records import to_json
from aim_tui.exports.content import Documented
from aim_tui.exports.formats.writer import DocumentWriter, Format, StreamingWriter


def json_text(data: Any) -> str:
    """Data as an indented JSON document."""
    return to_json(data, indent=2) + "\n"


class JsonLinesWriter(StreamingWriter):
    """A line for each row."""

    def line(self, row: Any) -> str:
        """The record of a row."""
        return to_json(self.content.record(row)) + "\n"


JSON = Format(
    "json", "JSON", partial(DocumentWriter, lambda content: json_text(content.document())), ("json",), Documented
)
JSON_LINES = Format("jsonl", "JSON Lines", JsonLinesWriter, ("jsonl", "ndjson"))
