"""editclip_results.json of the EditCLIP correlation work."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from aim_tui.exports.content import Content
from aim_tui.exports.formats.json import json_text
from aim_tui.exports.formats.writer import Format, Writer
from aim_tui.exports.sink import Sink


class EditClipScored(Content):
    """Has EditCLIP scores of edits, or similarities of their images."""

    @abstractmethod
    def check_editclip(self) -> None:
        """UsageError without a number that the document can have."""

    @abstractmethod
    def editclip(self) -> dict[str, Any]:
        """The document."""


class EditClipWriter(Writer[EditClipScored]):
    """The document, indented; refused before anything is computed if it would be empty."""

    def __init__(self, content: EditClipScored, sink: Sink) -> None:
        content.check_editclip()
        super().__init__(content, sink)

    def render(self) -> str:
        """The whole document."""
        return json_text(self.content.editclip())


EDITCLIP = Format("editclip", "EditCLIP results", EditClipWriter, needs=EditClipScored)
