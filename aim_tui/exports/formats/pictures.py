"""PNG and SVG: what is drawn."""

from __future__ import annotations

from aim_tui.exports.content import Drawn
from aim_tui.exports.formats.writer import Format, Writer


class PngWriter(Writer[Drawn]):
    """The picture in pixels."""

    def render(self) -> bytes:
        """The whole file; ExportError where matplotlib is not installed."""
        return self.content.drawing("png")


class SvgWriter(Writer[Drawn]):
    """The picture in lines."""

    def render(self) -> bytes:
        """The whole file; ExportError where matplotlib is not installed."""
        return self.content.drawing("svg")


PNG = Format("png", "PNG", PngWriter, ("png",), needs=Drawn, library="plot")
SVG = Format("svg", "SVG", SvgWriter, ("svg",), needs=Drawn, library="plot")
