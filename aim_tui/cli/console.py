"""How commands print: results to stdout, messages for the user to stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from aim_tui.exports.formats.json import json_text
from aim_tui.exports.sink import Sink
from aim_tui.exports.tables import Part, console, facts, layout, table, words

__all__ = ["console", "facts", "finish", "print_json", "say", "say_first", "show", "table", "words"]

#: How many of many similar messages are printed.
MOST_MESSAGES = 20


def show(*parts: Part) -> None:
    """Print to stdout, parts separated by an empty line."""
    Sink().write(layout(parts, console()))


def print_json(data: Any) -> None:
    """Print data as a JSON document to stdout."""
    Sink().write(json_text(data))


def say(text: str, style: str = "") -> None:
    """Print a line on stderr."""
    console(stderr=True).print(words(text, style), soft_wrap=True)


def say_first(lines: Sequence[str], style: str = "yellow", most: int = MOST_MESSAGES, what: str = "") -> None:
    """Print the first of some lines on stderr, and how many more there are; `what` describes the others."""
    for line in lines[:most]:
        say(line, style)
    if len(lines) > most:
        say(f"and {len(lines) - most:,} more{what}")


def finish(result: str, left_out: int, *, failed: bool = False) -> NoReturn:
    """Print the result in a line and end the command: with 0, or with 1 where something was left out or `failed`."""
    say(f"{result}; {left_out} left out" if left_out else result, "bold")
    raise typer.Exit(1 if left_out or failed else 0)
