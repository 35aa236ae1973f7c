"""Query the terminal before Textual is imported, and choose the driver."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from aim_tui.terminal import kitty
from aim_tui.terminal.answers import Answers
from aim_tui.terminal.images import keep_colours, remember
from aim_tui.terminal.probe import probe

if TYPE_CHECKING:
    from textual.driver import Driver


def probe_terminal(meanwhile: Callable[[], object]) -> Answers:
    """Query the terminal, call `meanwhile` until it answers, and remember the answers.

    Call it before Textual is imported, which reads the number of colours at import.
    """
    results: list[Answers] = []
    thread = threading.Thread(target=lambda: results.append(probe()), name="terminal-probe")
    thread.start()
    try:
        meanwhile()
    finally:
        # Also when interrupted: the probe must restore the terminal's modes.
        thread.join()
    remember(results[0])
    keep_colours(os.environ, results[0])
    return results[0]


def driver_class() -> type[Driver] | None:
    """The driver that keeps late answers from becoming keys; None to leave the choice to Textual."""
    if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from aim_tui.terminal.driver import ForgivingDriver

    return ForgivingDriver


def leave_terminal() -> None:
    """Delete our images from the terminal; call it after Textual has ended."""
    stream = sys.__stderr__
    if (sequences := kitty.remove_all()) and stream is not None and stream.isatty():
        with suppress(OSError, ValueError):
            stream.write(sequences)
            stream.flush()
