"""A format that only tests have: one class and one registration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_tui.exports import formats
from aim_tui.exports.formats.writer import Format, StreamingWriter

if TYPE_CHECKING:
    import pytest


class ToyWriter(StreamingWriter):
    def head(self) -> str:
        return "toy of " + " and ".join(self.content.columns()[:2]) + "\n"

    def line(self, row: Any) -> str:
        return "".join(f"{cells[0]}!\n" for cells in self.content.lines(row))


def register_toy(patch: pytest.MonkeyPatch) -> Format:
    """Until the patch is undone there is a format more."""
    patch.setattr(formats, "_FORMATS", dict(formats._FORMATS))
    toy = Format("toy", "Toy", ToyWriter, ("toy",))
    formats.register(toy)
    return toy
