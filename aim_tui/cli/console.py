"""How commands print: tables and JSON to stdout, words for the person who waits to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_tui.exports.formats.json import json_text
from aim_tui.exports.sink import Sink
from aim_tui.exports.tables import console, facts, layout, table, words

if TYPE_CHECKING:
    from aim_tui.exports.tables import Part

__all__ = ["console", "facts", "print_json", "say", "show", "table", "words"]


def show(*parts: Part) -> None:
    """Print to stdout, parts apart by an empty line."""
    Sink().write(layout(parts, console()))


def print_json(data: Any) -> None:
    """Print data as a JSON document to stdout."""
    Sink().write(json_text(data))


def say(text: str, style: str = "") -> None:
    """A line for the person who waits, on stderr."""
    console(stderr=True).print(words(text, style), soft_wrap=True)
