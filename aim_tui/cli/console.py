"""How commands print: text as data, tables that are never cut where nobody looks through a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from aim_tui.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import JustifyMethod

# What is piped is as wide as it needs to be, and prompts beside each other are still in one view.
_PIPED_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console for stdout or stderr; piped, it has no colour."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)


def show(*parts: Table | Text | str) -> None:
    """Print to stdout, parts apart by an empty line; piped, no line ends in blanks."""
    out = console()
    with out.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                out.print()
            out.print(Text(part) if isinstance(part, str) else part, soft_wrap=isinstance(part, Text))
    text = captured.get()
    sys.stdout.write(text if out.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines()))
    sys.stdout.flush()


def say(text: str, style: str = "") -> None:
    """A line for the person who waits, on stderr."""
    console(stderr=True).print(words(text, style), soft_wrap=True)


def words(content: object, style: str = "") -> Text:
    """Anything as text in which nothing is markup and nothing controls the terminal."""
    return Text(printable(str(content)), style=style)


def table(*headings: str, right: Iterable[str] = ()) -> Table:
    """A table without lines; headings in `right` are of numbers. Texts fold, so that nothing is hidden."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    numbers = frozenset(right)
    for heading in headings:
        justify: JustifyMethod = "right" if heading in numbers else "left"
        made.add_column(heading, justify=justify, overflow="fold")
    return made


def facts(entries: Iterable[tuple[str, object]]) -> Table:
    """Names and values in two columns; entries without a value are left out."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in entries:
        if value not in (None, ""):
            made.add_row(words(name), words(value))
    return made
