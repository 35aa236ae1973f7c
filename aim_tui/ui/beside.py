"""Work on all rows in a thread beside the loop, one such work at a time.

Python lets one thread run at once, by turns: beside one busy thread a paint takes twice its time, beside three of them
four times. What is left before its turn comes is never done.
"""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Asked = ParamSpec("Asked")
Found = TypeVar("Found")


async def beside(work: Callable[Asked, Found], *args: Asked.args, **kwargs: Asked.kwargs) -> Found:
    """Do it in the thread that goes through all rows, when that has done what it was given before."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), partial(_uncollected, work, *args, **kwargs))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows")


def _uncollected(work: Callable[Asked, Found], *args: Asked.args, **kwargs: Asked.kwargs) -> Found:
    """Do it without the garbage collector, which holds every thread and would look at each list as it grows."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return work(*args, **kwargs)
    finally:
        if collects:
            gc.enable()
