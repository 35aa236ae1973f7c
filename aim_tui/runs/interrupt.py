"""Stop a run without the application: by Ctrl-C, SIGTERM or a lost terminal."""

from __future__ import annotations

import os
import signal
from typing import Any

from aim_tui.runs.display import Display

INTERRUPTED = 130


class Interrupt:
    """The first Ctrl-C, SIGTERM or lost terminal stops the engine after its batch; the second ends at once."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._stop = False
        self._before: dict[int, Any] = {}

    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return self._stop

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup, and with `&` in a script, signals are ignored on purpose.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._request_stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request_stop(self, number: int, _frame: object) -> None:
        if self._stop:
            os._exit(128 + number)
        self._stop = True
        self._display.stopping()
