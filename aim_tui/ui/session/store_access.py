"""The store as the application uses it: every call in a thread, problems reported once and marked until they end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from aim_tui.core.text import printable
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from aim_tui.store.database import Database
    from aim_tui.store.judgements import Judgements
    from aim_tui.store.runs import Runs

Result = TypeVar("Result")

# Shorter than a command would wait: who quits meanwhile waits as long. A run that meets a lock tries again by itself.
_TIMEOUT = 3.0
_LONGEST_REASON = 48


class StoreAccess:
    """One store, opened when it is first needed; without a path everything is empty and nothing is kept.

    `report` is called on the event loop with every problem that was not reported before.
    """

    def __init__(self, path: Path | None, report: Callable[[AimError], None], changed: Callable[[], None]) -> None:
        self.path = path
        self.problem: AimError | None = None
        """Why nothing is being stored; None while all is well."""
        self.in_turn = asyncio.Lock()
        """Runs begin and end one after another, so that one that goes on finds the one before ended."""
        self._reported = ""
        self._report = report
        self._changed = changed
        self._opening = threading.Lock()
        self._to_write: Database | None = None
        self._to_read: Database | None = None

    @property
    def reason(self) -> str:
        """The problem in a few words; empty while there is none."""
        if self.problem is None:
            return ""
        # The path stands in what was reported; here there is room for what is wrong with it.
        words = printable(self.problem.message).replace(printable(str(self.path)), "").removeprefix("the store")
        short = words.split(";")[0].strip(" :")
        return short if len(short) <= _LONGEST_REASON else f"{short[: _LONGEST_REASON - 1]}…"

    def failed(self, error: AimError) -> None:
        """Something could not be stored: mark it, and report it where it is news."""
        self.problem = error
        if error.message != self._reported:
            self._reported = error.message
            self._report(error)
        self._changed()

    def works(self) -> None:
        """Something was stored, so there is no problem any more."""
        if self.problem is not None:
            self.problem, self._reported = None, ""
            self._changed()

    async def write(self, work: Callable[[Runs], Result]) -> Result:
        """Do something that changes the store; StoreError where that fails."""
        return await asyncio.to_thread(self._do, self._writable, _on_runs(work))

    async def change(self, work: Callable[[Database], Result]) -> Result:
        """Do something that changes the store itself; StoreError where that fails."""
        return await asyncio.to_thread(self._do, self._writable, work)

    async def read(self, work: Callable[[Runs], Result], otherwise: Result) -> Result:
        """Look something up; `otherwise` where there is no store yet. StoreError where it cannot be read."""
        if self.path is None or not await asyncio.to_thread(self.path.exists):
            return otherwise
        return await asyncio.to_thread(self._do, self._readable, _on_runs(work))

    async def judge(self, work: Callable[[Judgements], Result]) -> Result:
        """Write ratings, notes or duels; they are in the store when this returns. StoreError where that fails."""
        from aim_tui.store.judgements import Judgements

        return await asyncio.to_thread(self._do, self._writable, lambda database: work(Judgements(database)))

    async def judged(self, work: Callable[[Judgements], Result], otherwise: Result) -> Result:
        """Look up ratings, notes or duels; `otherwise` where there is no store yet. StoreError as in `read`."""
        from aim_tui.store.judgements import Judgements

        if self.path is None or not await asyncio.to_thread(self.path.exists):
            return otherwise
        return await asyncio.to_thread(self._do, self._readable, lambda database: work(Judgements(database)))

    async def look_into(self, work: Callable[[Database], Result], otherwise: Result) -> Result:
        """Look into the store itself; `otherwise` where there is no store yet. StoreError as in `read`."""
        if self.path is None or not await asyncio.to_thread(self.path.exists):
            return otherwise
        return await asyncio.to_thread(self._do, self._readable, work)

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._close)

    def _do(self, opened: Callable[[], Database], work: Callable[[Database], Result]) -> Result:
        # The first paint has no use for it.
        from aim_tui.store.errors import StoreError

        try:
            database = opened()
            try:
                return work(database)
            finally:
                # Threads of a pool come and go: none keeps a connection.
                database.release()
        except OSError as error:
            where = printable(str(self.path))
            raise StoreError(f"the store {where} cannot be used: {error.strerror or error}") from error

    def _writable(self) -> Database:
        from aim_tui.store.database import Database

        with self._opening:
            if self._to_write is None:
                self._to_write = Database.open(self.path, timeout=_TIMEOUT)
            return self._to_write

    def _readable(self) -> Database:
        """The store for looking things up: one that cannot be written can still be read."""
        from aim_tui.store.database import Database
        from aim_tui.store.errors import StoreError

        try:
            return self._writable()
        except StoreError:
            with self._opening:
                if self._to_read is None:
                    self._to_read = Database.open(self.path, read_only=True, timeout=_TIMEOUT)
                return self._to_read

    def _close(self) -> None:
        with self._opening:
            for database in (self._to_write, self._to_read):
                if database is not None:
                    with contextlib.suppress(Exception):
                        database.close()
            self._to_write = self._to_read = None


def _on_runs(work: Callable[[Runs], Result]) -> Callable[[Database], Result]:
    def on(database: Database) -> Result:
        from aim_tui.store.runs import Runs

        return work(Runs(database))

    return on
