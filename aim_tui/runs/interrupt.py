"""Ctrl-C, SIGTERM or a lost terminal: how a run without the application is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any

INTERRUPTED = 130


class Interrupt:
    """The first Ctrl-C, SIGTERM or lost terminal asks the engine to stop after its batch; the second ends at once."""

    def __init__(self) -> None:
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
        # A terminal that has gone cannot be written to any more.
        with contextlib.suppress(OSError):
            print("\nstopping after this batch (once more: at once)", file=sys.stderr, flush=True)
