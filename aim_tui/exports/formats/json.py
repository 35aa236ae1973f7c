"""JSON: the whole document as one object."""

from __future__ import annotations

from typing import Any

from aim_tui.core.scoring.records import to_json
from aim_tui.exports.content import Documented
from aim_tui.exports.formats.writer import Format, Writer


class JsonWriter(Writer[Documented]):
    """The document, indented."""

    def render(self) -> str:
        """The whole document."""
        return json_text(self.content.document())


def json_text(data: Any) -> str:
    """Data as a JSON document."""
    return to_json(data, indent=2) + "\n"


JSON = Format("json", "JSON", JsonWriter, ("json",), needs=Documented)
