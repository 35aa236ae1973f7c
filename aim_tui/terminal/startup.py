"""Getting to know the terminal before Textual is imported, while other modules are."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from aim_tui.terminal import kitty
from aim_tui.terminal.images import keep_colours, remember
from aim_tui.terminal.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver

    from aim_tui.terminal.answers import Answers


def meet_terminal(meanwhile: Callable[[], object]) -> Answers:
    """Ask the terminal, do something else until it answers, and remember what it said.

    Call it before Textual is imported: how many colours there are is read at its import.
    """
    heard: list[Answers] = []
    asking = threading.Thread(target=lambda: heard.append(probe()), name="terminal-probe")
    asking.start()
    try:
        meanwhile()
    finally:
        # Also when interrupted: the terminal is not left as the question needs it.
        asking.join()
    remember(heard[0])
    keep_colours(os.environ, heard[0])
    return heard[0]


def driver_class() -> type[Driver] | None:
    """The driver that keeps late answers from becoming keys; None where Textual's own choice is due."""
    if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from aim_tui.terminal.driver import ForgivingDriver

    return ForgivingDriver


def leave_terminal() -> None:
    """Have the terminal forget our images; call it when the screen is the shell's again."""
    stream = sys.__stderr__
    if (removed := kitty.remove_all()) and stream is not None and stream.isatty():
        with suppress(OSError, ValueError):
            stream.write(removed)
            stream.flush()
