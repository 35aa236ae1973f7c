"""Displays on stderr: a bar where it is a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from aim_tui.core.text import printable
from aim_tui.exports.tables import console, words
from aim_tui.runs.display import Display, Tone

_STYLES = {Tone.PLAIN: "", Tone.SUMMARY: "bold", Tone.WARNING: "yellow", Tone.ERROR: "red"}


def display(*, phases: bool = True) -> Display:
    """The display for stderr; without `phases` plain lines do not include phases."""
    stderr = console(stderr=True)
    return BarDisplay(stderr) if stderr.is_terminal else PlainDisplay(stderr, phases=phases)


class PlainDisplay(Display):
    """Lines, for a log or a pipe."""

    def __init__(self, stderr: Console, *, phases: bool = True) -> None:
        self._stderr = stderr
        self._phases = phases

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """A line."""
        self._stderr.print(words(text, _STYLES[tone]), soft_wrap=True)

    def phase(self, text: str) -> None:
        """A line."""
        if self._phases:
            self.say(text)

    def stopping(self) -> None:
        """A line, not through the console, which may be writing just now."""
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            print("\nstopping after this batch (once more: at once)", file=sys.stderr, flush=True)


class BarDisplay(PlainDisplay):
    """A progress bar at the bottom of a terminal, with lines above it; it is removed when the run ends."""

    def __init__(self, stderr: Console) -> None:
        super().__init__(stderr, phases=False)
        self._bar: Progress | None = None

    def progress(self, text: str = "", done: int | None = None, total: int | None = None) -> None:
        """Move the bar."""
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, description=printable(text) or None, completed=done, total=total)

    def __enter__(self) -> Self:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self._stderr, transient=True)
        self._bar.add_task("starting", total=None)
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
