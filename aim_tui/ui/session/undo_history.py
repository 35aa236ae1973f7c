"""The history of what the user has changed: `undo` goes back step by step, `redo` forward until something else changes.

All services that change something share one history, so that steps are undone in the order in which they were made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal, Protocol, TypeVar

from aim_tui.errors import AimError

# Of marks a step holds the items: a hundred thousand take 0.8 MB.
_MOST_STEPS = 1000
# A store that does not answer keeps nobody who quits for longer.
_END_SECONDS = 4.0

Result = TypeVar("Result")


class UndoResult(Enum):
    """What came of undoing or redoing a step; who returns anything but DONE has told the user why."""

    DONE = auto()
    REFUSED = auto()
    """Not now: the step stays where it is."""
    IMPOSSIBLE = auto()
    """Never: the step is dropped."""


Change = Callable[[], Awaitable[UndoResult]]


@dataclass(frozen=True, slots=True, eq=False)
class UndoStep:
    """A change that was made."""

    what: str
    """What undoing it undoes, in a few words: rating 5 of img_3.png."""
    undo: Change
    redo: Change | None
    """None where it cannot be redone."""
    by_hand: str = ""
    """How to do it again where it cannot be redone."""
    owner: object = None
    """What it belongs to, for `forget` and `newest`."""
    id: str = ""
    """The id of the (first) row that it is about, where there is one."""
    asks: bool = False
    """Whether undoing it opens a dialog."""


class _Notify(Protocol):
    def __call__(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None: ...


class UndoHistory:
    """Steps that can be undone and redone, and the order in which changes take effect."""

    def __init__(self, notify: _Notify) -> None:
        self._notify = notify
        self._steps: list[UndoStep] = []
        self._undone: list[UndoStep] = []
        self._forgotten = False
        self._asking = False
        self.in_turn = asyncio.Lock()
        """Held while a change is made in order; it wakes those who wait in the order in which they came."""
        self._turn = 0
        self._waiting: set[asyncio.Task[Any]] = set()
        self._adding: set[asyncio.Task[None]] = set()

    # -- changes -----------------------------------------------------------------------------------------------------

    def add(self, step: UndoStep) -> None:
        """Something was changed. What can be redone ends with it."""
        if self._waiting and asyncio.current_task() not in self._waiting:
            # It was made after what is still on its way into the store.
            task = asyncio.create_task(self._add_later(step))
            self._adding.add(task)
            task.add_done_callback(self._adding.discard)
        else:
            self._add(step)

    def add_oldest(self, step: UndoStep) -> None:
        """Something was changed before everything else, by the application that was open before."""
        self._steps.insert(0, step)

    def forget(self, owner: object) -> None:
        """What belongs to this cannot be undone any more: its rows are no longer shown."""
        self._forgotten |= any(step.owner == owner for step in self._steps)
        self._steps = [step for step in self._steps if step.owner != owner]
        self._undone = [step for step in self._undone if step.owner != owner]

    def newest(self, owner: object) -> UndoStep | None:
        """The newest step of an owner that can be undone."""
        return next((step for step in reversed(self._steps) if step.owner == owner), None)

    def in_order(self, change: Callable[[], Awaitable[Result]], otherwise: Result) -> asyncio.Task[Result]:
        """Make a change that takes time, after those that were begun before it.

        The result is `otherwise` where one of those was refused meanwhile: this one was meant to follow it.
        """
        task = asyncio.create_task(self._ordered(change, otherwise, self._turn))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return task

    def refuse_waiting(self) -> int:
        """The change that is being made in order was refused: refuse those that wait for it; how many there are."""
        self._turn += 1
        return len(self._waiting) - 1

    # -- undo and redo -----------------------------------------------------------------------------------------------

    def undo(self, step: UndoStep | None = None) -> asyncio.Task[UndoStep | None]:
        """Undo the newest step, or this one, and report it; None where nothing was undone, which is reported too."""
        return self.in_order(lambda: self._undo(step), None)

    def redo(self) -> asyncio.Task[UndoStep | None]:
        """Redo the step that was undone last, and report it; None where nothing was redone, which is reported too."""
        return self.in_order(self._redo, None)

    async def close(self) -> None:
        """End: what waits for an answer is cancelled, the rest takes effect or is refused."""
        if self._waiting and not self._asking:
            await asyncio.wait(list(self._waiting), timeout=_END_SECONDS)
        for task in (*self._waiting, *self._adding):
            task.cancel()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _add(self, step: UndoStep) -> None:
        self._undone.clear()
        self._steps.append(step)
        del self._steps[:-_MOST_STEPS]

    async def _add_later(self, step: UndoStep) -> None:
        async with self.in_turn:
            self._add(step)

    async def _ordered(self, change: Callable[[], Awaitable[Result]], otherwise: Result, turn: int) -> Result:
        async with self.in_turn:
            return await change() if turn == self._turn else otherwise

    async def _undo(self, wanted: UndoStep | None) -> UndoStep | None:
        step = wanted if wanted in self._steps else self._steps[-1] if self._steps and wanted is None else None
        if step is None:
            more = "; changes of rows that are no longer shown stay" if self._forgotten else ""
            self._notify(f"nothing to undo{more}")
            return None
        result = await self._change(step, step.undo, "undone")
        if result is UndoResult.REFUSED:
            return None
        # It may have been forgotten meanwhile.
        if known := step in self._steps:
            self._steps.remove(step)
        if result is UndoResult.IMPOSSIBLE:
            return None
        if known:
            self._undone.append(step)
        self._notify(f"undone: {step.what}{'; U redoes it' if known and step.redo is not None else ''}")
        return step

    async def _redo(self) -> UndoStep | None:
        if not self._undone:
            self._notify("nothing to redo")
            return None
        step = self._undone[-1]
        if step.redo is None:
            self._undone.pop()
            self._notify(f"{step.what} cannot be redone{f'; {step.by_hand}' if step.by_hand else ''}", "warning")
            return None
        result = await self._change(step, step.redo, "redone")
        if result is UndoResult.REFUSED:
            return None
        if known := step in self._undone:
            self._undone.remove(step)
        if result is UndoResult.IMPOSSIBLE:
            return None
        if known:
            self._steps.append(step)
        self._notify(f"redone: {step.what}{'; u undoes it' if known else ''}")
        return step

    async def _change(self, step: UndoStep, change: Change, done: str) -> UndoResult:
        self._asking = step.asks
        try:
            return await change()
        except (AimError, OSError) as error:
            after = self.refuse_waiting()
            more = f", nor the {after} given after it" if after else ""
            self._notify(f"not {done}: {step.what}{more}: {error}", "error")
            return UndoResult.REFUSED
        finally:
            self._asking = False
