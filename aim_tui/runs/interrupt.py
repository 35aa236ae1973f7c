"""Ctrl-C, SIGTERM or a lost terminal: how a run without the application is stopped."""

from __future__ import annotations

import os
import signal
from typing import Any

from aim_tui.runs.display import Display

INTERRUPTED = 130


class Interrupt:
    """The first Ctrl-C, SIGTERM or lost terminal asks the engine to stop after its batch; the second ends at once."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._asked = False
        self._before: dict[int, Any] = {}

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup and `&` in a script have their signals ignored, and mean it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _frame: object) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        self._display.stopping()
