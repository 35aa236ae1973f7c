"""Keys take effect one after another: each waits until what the one before it opened has the keyboard.

A stalled connection, a paste or a script delivers many keys in one read. Textual hands each to whatever has the focus
at that moment, which is still the table when the key before has only begun to open a field: `n` `bad 5` would rate the
image 5. In a field, characters would overtake backspace and ctrl+u, which are bindings and travel further.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key, Paste
from textual.widgets import Input
from textual.worker import Worker

_OPENING_SECONDS = {"dialog": 10.0, "rule": 10.0, "default": 1.0, "verb": 1.0}
"""How long keys wait for a worker, by its group: the first two always open a dialog, the others may only compute."""
_LOST_SECONDS = 5.0
"""How long to wait for a widget to handle a key; only one that was removed meanwhile never does."""
_POLL_SECONDS = 0.002
_BURST_SECONDS = 0.02
"""Characters that follow each other within this come from a paste, not from fingers."""
_ENTERS = ("enter", "ctrl+j")
_PASTED_LINE = 8
"""An enter with at least so many characters after it in the same burst is the end of a pasted line."""


class InputGate:
    """A queue of keys and pastes, handed to the application one at a time."""

    def __init__(self, app: App[int], dispatch: Callable[[Event], Awaitable[None]]) -> None:
        """`dispatch` is how the application itself would handle the event."""
        self._app = app
        self._dispatch = dispatch
        self._events: deque[Key | Paste] = deque()
        self._arrived = asyncio.Event()
        self._busy = False
        self._last_time = float("-inf")

    @property
    def idle(self) -> bool:
        """Whether every key that came has taken effect."""
        return not self._busy and not self._events

    def add(self, event: Key | Paste) -> None:
        """Queue an event behind those that came before it."""
        self._events.append(one_line(event) if isinstance(event, Paste) else event)
        self._arrived.set()

    async def run(self) -> None:
        """Hand over events for as long as the application runs."""
        while True:
            await self._arrived.wait()
            self._busy = True
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Key) and await self._ends_pasted_line(event):
                    while isinstance(self._events[0], Key) and self._events[0].key in _ENTERS:
                        self._events.popleft()
                    event = Key("space", " ")
                await self._deliver(event)
            self._busy = False
            self._arrived.clear()

    async def _ends_pasted_line(self, key: Key) -> bool:
        """Whether this enter stands between lines that were pasted into a field, without the marks of a paste."""
        in_burst = key.time - self._last_time < _BURST_SECONDS
        self._last_time = key.time
        if key.key not in _ENTERS or not in_burst or not isinstance(self._app.focused, Input):
            return False
        if not self._events:
            await asyncio.sleep(_BURST_SECONDS)
        burst = []
        last = key.time
        for event in self._events:
            if not isinstance(event, Key) or event.time - last >= _BURST_SECONDS:
                break
            burst.append(event)
            last = event.time
        text = "".join(event.character or "" for event in burst if event.is_printable)
        # A key that is held down on a stalled line comes in one burst too.
        return len(text) >= _PASTED_LINE and len(set(text)) > 2

    async def _deliver(self, event: Key | Paste) -> None:
        app = self._app
        workers = set(app.workers)
        screen = app.screen
        target = app.focused or screen
        await self._dispatch(event)
        await self._handled(target)
        began = time.monotonic()
        calm = 0
        while calm < 2 and app.is_running:
            before = (app.screen, app.focused)
            await self._handled(app.focused or app.screen)
            if (app.screen, app.focused) != before or not app.screen.is_mounted:
                calm = 0
            elif app.screen is screen and self._opening(workers, time.monotonic() - began):
                await asyncio.sleep(_POLL_SECONDS)
            else:
                calm += 1

    def _opening(self, before: set[Worker[object]], seconds: float) -> bool:
        """Whether a worker that the key started may still open something, so many seconds after the key."""
        return any(
            seconds < _OPENING_SECONDS.get(worker.group, 0.0) and not worker.is_finished
            for worker in self._app.workers
            if worker not in before
        )

    async def _handled(self, node: DOMNode) -> None:
        """Wait until a widget and all that it stands in have handled what is in their queues, the innermost first.

        A key that a widget does not want goes on to its parent, and at the end to the bindings of the application.
        """
        for one in node.ancestors_with_self:
            done = asyncio.Event()
            if one.call_later(done.set):
                with suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), _LOST_SECONDS)


def one_line(paste: Paste) -> Paste:
    """The pasted text in one line: the fields have no other, and Textual would drop all but the first."""
    lines = paste.text.splitlines()
    return Paste(" ".join(filter(None, map(str.strip, lines)))) if len(lines) > 1 else paste
