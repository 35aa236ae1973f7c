"""Long work on the event loop, with pauses in which keys are heard and the screen is painted."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from aim_tui.errors import AimError

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


class Tasks:
    """What runs now. An expected failure is passed to `failed`."""

    def __init__(self, failed: Callable[[AimError], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin it."""
        task = asyncio.create_task(self._guarded(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Cancel what runs; nothing does when this returns."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except AimError as error:
            self._failed(error)
        except Exception as error:
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": str(error), "exception": error, "task": asyncio.current_task()})


Args = ParamSpec("Args")
Result = TypeVar("Result")


async def in_row_thread(work: Callable[Args, Result], *args: Args.args, **kwargs: Args.kwargs) -> Result:
    """Do it in the thread that goes through all rows, when that has done what it was given before."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), partial(_uncollected, work, *args, **kwargs))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows")


def _uncollected(work: Callable[Args, Result], *args: Args.args, **kwargs: Args.kwargs) -> Result:
    """Do it without the garbage collector, which holds every thread and would look at each list as it grows."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return work(*args, **kwargs)
    finally:
        if collects:
            gc.enable()
