"""Query the terminal's capabilities before Textual reads its input, in one batch."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from aim_tui.terminal.answers import (
    ATTRIBUTES_QUERY,
    CELL_SIZE_QUERY,
    KITTY_QUERY,
    NAME_QUERY,
    Answers,
    in_multiplexer,
    read_answers,
)

VARIABLE = "AIM_TUI_IMAGES"
"""The user's choice of how to draw images: auto, half, kitty, sixel or none."""

PATIENCE = 1.5
"""Seconds to wait for an answer; one from the other side of the world takes 0.3."""

# The Linux console prints unknown sequences, and a dumb terminal prints everything.
_NOT_QUERIED = ("", "dumb", "linux", "unknown")
# Anything that a terminal printed of the queries is on the line of the cursor.
_CLEAR_LINE = b"\r\x1b[K"


def probe(environ: Mapping[str, str] = os.environ, patience: float = PATIENCE) -> Answers:
    """Query the terminal of this process. Call it only while nobody else reads the input.

    Other input that arrives meanwhile, such as keys, is discarded.
    """
    if reason := _query_problem(environ):
        return Answers(problem=reason)
    assert sys.__stdin__ is not None and sys.__stdout__ is not None  # checked by _query_problem
    # tmux takes the start of kitty's query for a title.
    queries = [CELL_SIZE_QUERY, NAME_QUERY, ATTRIBUTES_QUERY]
    if not in_multiplexer(environ):
        queries.insert(0, KITTY_QUERY)
    sys.__stdout__.flush()
    return ask(sys.__stdin__.fileno(), sys.__stdout__.fileno(), b"".join(queries), patience)


def ask(reading: int, writing: int, queries: bytes, patience: float) -> Answers:
    """Write the queries and read until the last answer or the timeout; the terminal's modes are restored."""
    import termios

    start = time.monotonic()
    received = b""
    try:
        with _quiet_input(reading):
            os.write(writing, queries)
            while True:
                left = start + patience - time.monotonic()
                if left <= 0 or not select.select([reading], [], [], left)[0]:
                    break
                chunk = os.read(reading, 4096)
                received += chunk
                if not chunk or read_answers(received).complete:
                    break
            os.write(writing, _CLEAR_LINE)
    except (OSError, termios.error) as error:
        return Answers(problem=f"it cannot be queried: {error}")
    return read_answers(received, time.monotonic() - start)


@contextmanager
def _quiet_input(reading: int) -> Iterator[None]:
    """Unbuffered input without echo; afterwards the modes are restored and unread input is discarded."""
    import termios

    before = termios.tcgetattr(reading)
    quiet = termios.tcgetattr(reading)
    # Signals stay enabled: Ctrl-C works while the terminal takes its time.
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    termios.tcsetattr(reading, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with suppress(termios.error):
            # TCSAFLUSH discards unread input.
            termios.tcsetattr(reading, termios.TCSAFLUSH, before)


def _query_problem(environ: Mapping[str, str]) -> str:
    """Why the terminal must not be queried; empty if it may be."""
    try:
        import termios  # noqa: F401
    except ImportError:
        return "terminals cannot be queried on this system"
    if (wanted := environ.get(VARIABLE, "").strip().lower()) in ("half", "none"):
        return f"{VARIABLE}={wanted} needs no query"
    for stream in (sys.__stdin__, sys.__stdout__):
        if stream is None or not stream.isatty():
            return "stdin and stdout are not a terminal"
    if environ.get("TERM", "") in _NOT_QUERIED:
        return f"TERM={environ.get('TERM') or 'unknown'} cannot be queried"
    assert sys.__stdin__ is not None
    try:
        # Changing the terminal's modes from the background would stop the program.
        in_foreground = os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()
    except OSError:
        in_foreground = False
    return "" if in_foreground else "the program is not in the foreground"
