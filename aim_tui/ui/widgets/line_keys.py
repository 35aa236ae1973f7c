"""The keys of every list, each with the id it is remapped by."""

from __future__ import annotations

from textual.binding import Binding, BindingType

LINE_BINDINGS: list[BindingType] = [
    Binding("j,down", "move(1)", "Down", show=False, id="list.down", tooltip="Move to the next line"),
    Binding("k,up", "move(-1)", "Up", show=False, id="list.up", tooltip="Move to the line before"),
    Binding("g,home", "first", "First", show=False, id="list.first", tooltip="Move to the first line"),
    Binding("G,end", "last", "Last", show=False, id="list.last", tooltip="Move to the last line"),
    Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="list.half-down", tooltip="Half a page down"),
    Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="list.half-up", tooltip="Half a page up"),
    Binding("pagedown", "page(1.0)", "Page down", show=False, id="list.page-down", tooltip="A page down"),
    Binding("pageup", "page(-1.0)", "Page up", show=False, id="list.page-up", tooltip="A page up"),
    Binding("enter,l,right", "open", "Open", id="list.open", tooltip="Open what the cursor is on"),
    Binding("space", "toggle_mark", "Mark", id="list.mark", tooltip="Mark or unmark, and move down"),
    Binding("v", "toggle_range", "Range", show=False, id="list.range", tooltip="Begin a range here; again: mark it"),
    Binding("ctrl+a", "mark_all", "Mark all", show=False, id="list.mark-all", tooltip="Mark everything shown"),
    Binding("ctrl+r", "invert_marks", "Invert", show=False, id="list.invert", tooltip="Invert the marks shown"),
    Binding("escape", "clear_marks", "Clear", show=False, id="list.clear", tooltip="End the range, or clear all marks"),
]
