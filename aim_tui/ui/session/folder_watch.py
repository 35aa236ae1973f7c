"""The desk that watches a folder: images that a generator is still writing become rows once they are whole.

The look at the files is in a thread of its own; here it is told what has come, about twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.core.text import printable
from aim_tui.ui.session.messages import Said, WatchChanged
from aim_tui.ui.session.run_record import GrowingRecord, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.core.scoring.results import Row
    from aim_tui.ui.session.rows import Rows
    from aim_tui.ui.session.run_record import Plan
    from aim_tui.ui.session.session import Session

# A look that is on when the application closes ends within a tick; one that hangs on a file is not waited for, nor is
# a store that does not answer.
_PATIENCE_SECONDS = 2.0
_END_SECONDS = 4.0


class Watching(StrEnum):
    """What is done with images that appear."""

    OFF = ""
    SCORE = "score"
    SHOW = "show"


_TURNS = {Watching.OFF: Watching.SCORE, Watching.SCORE: Watching.SHOW, Watching.SHOW: Watching.OFF}
_SAID = {
    Watching.SCORE: "watching: new images appear here and are scored; F again: not scored",
    Watching.SHOW: "watching: new images appear here and wait for s; F again: no longer",
    Watching.OFF: "no longer watching",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the folder has found."""

    fresh: list[str]
    """Images that were not there before and are whole."""
    settled: list[str]
    """Images that were there, were being written and are whole now."""
    waiting: Mapping[str, str]
    gone: bool
    """Whether the folder is not there."""
    notice: str


class WatchDesk:
    """Watches the folder of the rows, while it is wanted. `waiting` names the files that are not whole, and why."""

    def __init__(self, session: Session, rows: Rows, score: Callable[[Sequence[int]], None]) -> None:
        self._session = session
        self._rows = rows
        self._score = score
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._record: tuple[object, GrowingRecord] | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self._due: dict[int, None] = {}
        self._added: list[int] = []
        self._noticed = ""
        self._gone = False
        self.waiting: Mapping[str, str] = {}
        if session.launch.watch:
            session.memory.watch_as(Watching.SCORE)

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Watching:
        """What is wanted in this folder, also while a stored run is shown in its place."""
        remembered = self._session.memory.watch
        return Watching(remembered) if remembered in _TURNS else Watching.OFF

    @property
    def on(self) -> bool:
        """Whether the folder is being watched."""
        return self._thread is not None

    @property
    def note(self) -> str:
        """That the folder is watched and how many files wait, in a few words; empty while it is not."""
        if not self.on:
            return ""
        said = "watching" if self.mode is Watching.SCORE else "watching, not scoring"
        if self._gone:
            return f"{said}: the folder is not there"
        return f"{said}, {len(self.waiting)} being written" if self.waiting else said

    def whole(self, rows: list[Row]) -> list[Row]:
        """These rows without the images that are being written: a half of one would fail."""
        return [row for row in rows if row.path not in self.waiting] if self.waiting else rows

    def take_added(self) -> list[int]:
        """The items that were added since the last call."""
        added, self._added = self._added, []
        return added

    # -- the switch --------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Watch and score, watch alone, watch no longer: what comes next."""
        session = self._session
        if session.viewed is not None:
            session.say(Said("this is a stored run; esc goes back to the folder, which can be watched", "warning"))
            return
        if session.launch.images is not None and session.listing.folder == session.launch.folder:
            session.say(Said("these images were named one by one; a folder can be watched", "warning"))
            return
        mode = _TURNS[self.mode]
        session.memory.watch_as(mode)
        if mode is Watching.OFF:
            self.stop()
        elif not self.on:
            self._start()
        if mode is not Watching.SCORE:
            self._due.clear()
        session.say(Said(_SAID[mode]))
        self._changed()

    def begin(self) -> None:
        """Other rows are shown: watch their folder, if that is wanted there."""
        self.stop()
        session = self._session
        if self.mode is not Watching.OFF and session.launch.images is None:
            self._start()
        self._changed()

    def stop(self) -> None:
        """Watch no longer: the thread ends within a moment, and the run that was kept open now."""
        self._stop.set()
        self._thread = None
        self.waiting, self._gone, self._noticed = {}, False, ""
        self._due.clear()
        self._added.clear()
        self._finish()

    async def close(self) -> None:
        """Stop, and wait until the run is in the store and the thread has ended."""
        self.stop()
        if self._finishing:
            _, late = await asyncio.wait(self._finishing, timeout=_END_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _PATIENCE_SECONDS)

    # -- the run that images are added to ----------------------------------------------------------------------------

    def record(self, plan: Plan, *, whole: bool) -> RunRecord:
        """What keeps the facts of a job: while the folder is watched a run that stays open for what appears.

        `whole` says that the run is of all rows; one of some of them is a run of its own.
        """
        session = self._session
        if not (self.on and whole):
            return RunRecord(session.store, plan)
        judged_by = (plan.job.context, session.own_prompts.version, plan.plan)
        asked = (session.results, judged_by, session.profile, session.engine())
        before = self._record[1].latest if self._record is not None and self._record[0] == asked else None
        if before is None or not plan.go_on:
            self._finish()
            before = None
        record = GrowingRecord(session.store, plan, before)
        self._record = (asked, record)
        return record

    def _finish(self) -> None:
        if self._record is not None:
            # Not among the tasks that are cancelled when the application closes.
            task = asyncio.create_task(self._record[1].finish())
            self._record = None
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    # -- the look ----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._stop = threading.Event()
        session, loop = self._session, asyncio.get_running_loop()
        folder, there = str(session.listing.folder), {row.path for row in session.results.rows}

        def tell(look: _Look) -> None:
            # Of a folder that was left, or a loop that is closed, nobody hears.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._heard, thread, look)

        asked = (folder, there, session.launch.reading, self._stop, tell)
        thread = threading.Thread(target=_watch, args=asked, name="watch", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        self._thread = thread
        thread.start()

    def _heard(self, thread: threading.Thread, look: _Look) -> None:
        if thread is not self._thread:
            return
        session = self._session
        rows = self._rows.append(look.fresh)
        session.judging.rows_added(rows)
        session.own_prompts.arrived(rows)
        added = [row.item for row in rows]
        self._added += added
        if self.mode is Watching.SCORE:
            wanted = frozenset(look.settled)
            settled = (row for row in session.results.rows if row.path in wanted and not row.raws) if wanted else ()
            self._due.update(dict.fromkeys([*(row.item for row in settled), *added]))
        if look.notice != self._noticed:
            self._noticed = look.notice
            session.say(Said(printable(look.notice), "warning"))
        if added or (look.waiting, look.gone) != (self.waiting, self._gone):
            self.waiting, self._gone = look.waiting, look.gone
            self._changed()
        self._score_what_is_due()

    def _score_what_is_due(self) -> None:
        session = self._session
        busy = session.running is not None or session.recalling or session.models.states is None
        # What they are compared with may stand in them.
        busy = busy or session.own_prompts.reading
        if not self._due or busy or session.problem or session.models_missing or session.activity().crash is not None:
            return
        due, self._due = list(self._due), {}
        self._score(due)

    def _changed(self) -> None:
        self._session.post(WatchChanged())


def _watch(
    folder: str, there: set[str], policy: ReadingPolicy, stop: threading.Event, tell: Callable[[_Look], None]
) -> None:
    """Runs in a thread until `stop` is set; `there` are the images that are rows already."""
    # With what stands behind it, nothing for the start of the screen.
    from aim_tui.inputs.folder_watcher import Watch

    watch = Watch([folder], False, policy, known=())
    awaited: set[str] = set()
    for whole in watch.batches(stop.is_set):
        fresh = [path for path in whole if path not in there]
        settled = [path for path in whole if path in awaited]
        waiting = watch.waiting
        there.update(fresh)
        awaited = there.intersection(waiting)
        tell(_Look(fresh, settled, waiting, not os.path.isdir(folder), watch.notice))  # noqa: PTH112 - never raises
