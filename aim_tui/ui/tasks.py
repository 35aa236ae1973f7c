"""Work beside everything else, which ends with the application at the latest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aim_tui.errors import AimError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Tasks:
    """What runs now. An expected failure is told to `failed`."""

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
