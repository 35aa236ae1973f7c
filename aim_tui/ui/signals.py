"""Endings that nobody typed: SIGTERM, and SIGHUP when the line to the terminal is lost. Textual handles neither."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

# What a worker is given to leave when the terminal is gone; its own end of the pipe closes in any case.
_PATIENCE_SECONDS = 6.0
# How often to look whether the terminal is still there: under a shell that ignores SIGHUP nobody passes it on.
_LOOK_EVERY_SECONDS = 2.0


def end_on_signals(app: App[int], close: Callable[[], Awaitable[None]]) -> None:
    """End the application on SIGTERM and SIGHUP; call it on the main thread, within the loop.

    `close` ends what the application has started, the worker above all; it is awaited where the terminal is gone.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, app.exit, 128 + signal.SIGTERM)
    hangup = _Hangup(app, close)

    def hung_up(number: int, frame: FrameType | None) -> None:
        # The kernel sends SIGCONT right after: Textual would answer it by setting up a terminal that is gone.
        signal.signal(signal.SIGCONT, _do_nothing)
        loop.call_soon_threadsafe(hangup.leave)

    # Not the loop's own kind of handler: that one would run after Textual's for SIGCONT.
    signal.signal(signal.SIGHUP, hung_up)
    if _terminal_is_there():
        loop.call_later(_LOOK_EVERY_SECONDS, hangup.watch)


class _Hangup:
    """Leaves once, when the terminal is gone."""

    def __init__(self, app: App[int], close: Callable[[], Awaitable[None]]) -> None:
        self._app, self._close = app, close
        self._leaving: asyncio.Future[None] | None = None

    def watch(self) -> None:
        if _terminal_is_there():
            asyncio.get_running_loop().call_later(_LOOK_EVERY_SECONDS, self.watch)
        else:
            self.leave()

    def leave(self) -> None:
        if self._leaving is not None:
            return
        if _terminal_is_there():
            self._app.exit(128 + signal.SIGHUP)
            return
        # Textual's own way out writes to the terminal, and waits for ever once its writing thread has died of that.
        watchdog = threading.Timer(_PATIENCE_SECONDS, os._exit, [128 + signal.SIGHUP])
        watchdog.daemon = True
        watchdog.start()
        self._leaving = asyncio.ensure_future(self._close_and_go())

    async def _close_and_go(self) -> None:
        try:
            await self._close()
        finally:
            os._exit(128 + signal.SIGHUP)


def _terminal_is_there() -> bool:
    try:
        os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        return False
    return True


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Stand in for a handler that must not run any more."""
