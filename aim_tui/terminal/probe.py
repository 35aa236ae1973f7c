"""Asking the terminal what it can do, before Textual reads its input: one batch, one wait, nothing left behind."""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from aim_tui.terminal.answers import (
    ATTRIBUTES_QUERY,
    CELL_SIZE_QUERY,
    KITTY_QUERY,
    NAME_QUERY,
    Answers,
    in_multiplexer,
    read_answers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "AIM_TUI_IMAGES"
"""How the user wants images shown: auto, half, kitty, sixel or none."""

PATIENCE = 1.5
"""Seconds a terminal is given to answer; one on the other side of the world takes 0.3."""

# The Linux console prints what it does not understand, and a dumb terminal prints everything.
_NOT_ASKED = ("", "dumb", "linux", "unknown")
# Whatever a terminal printed of the questions stands on the line of the cursor.
_CLEAR_LINE = b"\r\x1b[K"


def probe(environ: Mapping[str, str] = os.environ, patience: float = PATIENCE) -> Answers:
    """Ask the terminal of this process. Call it only while nobody else reads the input.

    What comes in meanwhile is discarded, keys too: what is typed before there is a screen was not meant for it.
    """
    if reason := _why_not(environ):
        return Answers(problem=reason)
    assert sys.__stdin__ is not None and sys.__stdout__ is not None  # _why_not has seen them
    # tmux takes the beginning of kitty's protocol for a title.
    queries = [CELL_SIZE_QUERY, NAME_QUERY, ATTRIBUTES_QUERY]
    if not in_multiplexer(environ):
        queries.insert(0, KITTY_QUERY)
    sys.__stdout__.flush()
    return ask(sys.__stdin__.fileno(), sys.__stdout__.fileno(), b"".join(queries), patience)


def ask(reading: int, writing: int, queries: bytes, patience: float) -> Answers:
    """Write the queries and read until the last answer or the end of patience; the terminal is as before."""
    import termios

    begun = time.monotonic()
    received = b""
    try:
        with _quiet_input(reading):
            os.write(writing, queries)
            while True:
                left = begun + patience - time.monotonic()
                if left <= 0 or not select.select([reading], [], [], left)[0]:
                    break
                chunk = os.read(reading, 4096)
                received += chunk
                if not chunk or read_answers(received).complete:
                    break
            os.write(writing, _CLEAR_LINE)
    except (OSError, termios.error) as error:
        return Answers(problem=f"it cannot be asked: {error}")
    return read_answers(received, time.monotonic() - begun)


@contextmanager
def _quiet_input(reading: int) -> Iterator[None]:
    """Input by the byte and without echo; afterwards as before, and what was not read is gone."""
    import termios

    before = termios.tcgetattr(reading)
    now = termios.tcgetattr(reading)
    # Signals stay: Ctrl-C works while a terminal takes its time.
    now[3] &= ~(termios.ECHO | termios.ICANON)
    now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
    termios.tcsetattr(reading, termios.TCSANOW, now)
    try:
        yield
    finally:
        with suppress(termios.error):
            # It flushes what has arrived and was not read.
            termios.tcsetattr(reading, termios.TCSAFLUSH, before)


def _why_not(environ: Mapping[str, str]) -> str:
    """Why the terminal is not to be asked; empty where it is."""
    try:
        import termios  # noqa: F401
    except ImportError:
        return "this system's terminals are not asked"
    if (wanted := environ.get(VARIABLE, "").strip().lower()) in ("half", "none"):
        return f"{VARIABLE}={wanted} needs no answer"
    for stream in (sys.__stdin__, sys.__stdout__):
        if stream is None or not stream.isatty():
            return "input and output are no terminal"
    if environ.get("TERM", "") in _NOT_ASKED:
        return f"a terminal of the kind {environ.get('TERM') or 'unknown'!r} is not asked"
    assert sys.__stdin__ is not None
    try:
        # A question from the background would stop the program.
        in_front = os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()
    except OSError:
        in_front = False
    return "" if in_front else "the program is not in the foreground"
