"""Tables for people: text is data, as wide as the terminal, and never cut off in files and pipes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable

from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from aim_tui.core.text import printable
from aim_tui.exports.sink import reader_left, silence

Part = RenderableType | tuple[RenderableType, ...]

# Wide enough in a pipe for two prompts side by side.
PIPED_WIDTH = 200
_UNBOUNDED = 10_000


class _PipeConsole(Console):
    """A console whose reader may leave: of stdout, that ends the command; of stderr, nothing is said any more."""

    def on_broken_pipe(self) -> None:
        """Called where the reader of a pipe went away."""
        if not self.stderr:
            reader_left()
        self.quiet = True
        silence(sys.stderr)


def console(*, stderr: bool = False, piped_width: int | None = None) -> Console:
    """A console for stdout or stderr; in a pipe it has no colour and a fixed width."""
    made = _PipeConsole(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = PIPED_WIDTH if piped_width is None else piped_width
    return made


def layout(parts: Iterable[Part], out: Console) -> str:
    """Parts one below the other, separated by an empty line, the pieces of a tuple without one.

    Without a terminal no line ends in blanks.
    """
    with out.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                out.print()
            for piece in part if isinstance(part, tuple) else (part,):
                shown = Text(piece) if isinstance(piece, str) else piece
                out.print(shown, soft_wrap=isinstance(shown, Text))
    text = captured.get()
    return text if out.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def file_layout(parts: Iterable[Part]) -> str:
    """The same for a file: as wide as the parts need."""
    return layout(parts, Console(file=io.StringIO(), width=_UNBOUNDED, force_terminal=False, highlight=False))


def words(content: object, style: str = "") -> Text:
    """Anything as text, without markup and control characters."""
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
