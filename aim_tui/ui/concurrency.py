"""Long work on the event loop, with pauses in which keys are heard and the screen is painted."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

Thing = TypeVar("Thing")

# A key that is pressed meanwhile takes about ten turns of the loop to its paint.
_SLICE_SECONDS = 0.005
# Cheap things between two looks at the clock.
_LOOK_EVERY = 64


async def with_pauses(things: Iterable[Thing]) -> AsyncIterator[Thing]:
    """The things one by one; whoever does something with each lets the loop turn about every five milliseconds.

    What is made meanwhile stays, as a rule: the garbage collector need not walk through it.
    """
    until = time.perf_counter() + _SLICE_SECONDS
    for number, thing in enumerate(things):
        if not number % _LOOK_EVERY and time.perf_counter() > until:
            gc.freeze()
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_SECONDS
        yield thing
