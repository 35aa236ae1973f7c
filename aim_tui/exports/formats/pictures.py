"""PNG and SVG; both need the extra 'plot'."""

from __future__ import annotations

from functools import partial

from aim_tui.exports.content import Drawn
from aim_tui.exports.formats.writer import DocumentWriter, Format

PNG = Format("png", "PNG", partial(DocumentWriter, lambda content: content.drawing("png")), ("png",), Drawn, "plot")
SVG = Format("svg", "SVG", partial(DocumentWriter, lambda content: content.drawing("svg")), ("svg",), Drawn, "plot")
