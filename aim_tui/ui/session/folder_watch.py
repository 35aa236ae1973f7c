"""Watches a folder: images that a generator is still writing become rows once they are whole.

A thread of its own looks at the files, about twice a second; what it finds is handled on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.core.text import printable
from aim_tui.ui.session.messages import WatchChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.inputs.listing import FolderListing, LeftOut
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.replaced_files import ReplacedFileService
    from aim_tui.ui.session.run_record import RunRecords
    from aim_tui.ui.session.workspace import Workspace

# A look that is on when the application closes ends within a tick; one that hangs on a file is not waited for.
_PATIENCE_SECONDS = 2.0


class WatchMode(StrEnum):
    """What is done with images that appear."""

    OFF = ""
    SCORE = "score"
    SHOW = "show"


_NEXT = {WatchMode.OFF: WatchMode.SCORE, WatchMode.SCORE: WatchMode.SHOW, WatchMode.SHOW: WatchMode.OFF}
_NOTICES = {
    WatchMode.SCORE: "watching: new images appear here and are scored; F again: not scored",
    WatchMode.SHOW: "watching: new images appear here and wait for s; F again: no longer",
    WatchMode.OFF: "no longer watching",
}


@dataclass(frozen=True, slots=True)
class _FolderChange:
    """What one look at the folder has found."""

    fresh: list[str]
    """Images that were not there before and are whole."""
    finished: list[str]
    """Images that were there, were being written and are whole now."""
    again: list[str]
    """All that were there and have changed, and are whole now."""
    unfinished: Mapping[str, str]
    """By path, why an image counts as not whole yet."""
    gone: bool
    """Whether the folder is not there."""
    notice: str
    left_out: LeftOut
    """What stands there and is no image that is read."""


class FolderWatchService:
    """Watches the folder of the rows where that is wanted. `score` scores new images."""

    def __init__(
        self,
        workspace: Workspace,
        jobs: Jobs,
        records: RunRecords,
        replaced_files: ReplacedFileService,
        score: Callable[[Sequence[int]], None],
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._records = records
        self._replaced_files = replaced_files
        self._score = score
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._due: dict[int, None] = {}
        self._again: dict[str, None] = {}
        self._checking = False
        self._added: list[int] = []
        self._notice = ""
        self._gone = False
        if workspace.launch.watch:
            workspace.saved_state.set_watch(WatchMode.SCORE)

    @property
    def mode(self) -> WatchMode:
        """What is wanted in this folder, also while a stored run is shown in its place."""
        remembered = self._workspace.saved_state.watch
        return WatchMode(remembered) if remembered in _NEXT else WatchMode.OFF

    @property
    def on(self) -> bool:
        """Whether the folder is being watched."""
        return self._thread is not None

    @property
    def note(self) -> str:
        """That the folder is watched and how many files are unfinished, in a few words; empty while it is not."""
        if not self.on:
            return ""
        note = "watching" if self.mode is WatchMode.SCORE else "watching, not scoring"
        if self._gone:
            return f"{note}: the folder is not there"
        unfinished = self._workspace.unfinished_files
        return f"{note}, {len(unfinished)} being written" if unfinished else note

    def take_added(self) -> list[int]:
        """The items that were added since the last call."""
        added, self._added = self._added, []
        return added

    # -- the switch --------------------------------------------------------------------------------------------------

    def switch(self) -> None:
        """Go on to the next mode: watch and score, watch alone, watch no longer."""
        workspace = self._workspace
        if workspace.viewed is not None:
            workspace.notify("this is a stored run; esc goes back to the folder, which can be watched", "warning")
            return
        if self._files_alone:
            workspace.notify("these images were named one by one; a folder can be watched", "warning")
            return
        mode = _NEXT[self.mode]
        workspace.saved_state.set_watch(mode)
        if mode is WatchMode.OFF:
            self.stop()
        elif not self.on:
            self._start()
        if mode is not WatchMode.SCORE:
            self._due.clear()
        workspace.notify(_NOTICES[mode])
        self._changed()

    def rows_shown(self) -> None:
        """Other rows are shown: watch their folder, if that is wanted there."""
        if self._workspace.viewed is not None:
            return
        self.stop()
        if self.mode is not WatchMode.OFF and not self._files_alone:
            self._start()
        self._changed()

    @property
    def _files_alone(self) -> bool:
        """Whether what is shown are files that were named, to which none can come."""
        paths = self._workspace.listing.paths
        return bool(paths) and not any(glob.has_magic(path) or os.path.isdir(path) for path in paths)

    def stop(self) -> None:
        """Watch no longer: the thread ends within a moment, and the run that was kept open now."""
        self._stop.set()
        self._thread = None
        self._workspace.unfinished_files, self._gone, self._notice = {}, False, ""
        self._due.clear()
        self._again.clear()
        self._added.clear()
        self._records.finish()

    async def close(self) -> None:
        """Stop, and wait until the thread has ended."""
        self.stop()
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _PATIENCE_SECONDS)

    # -- the thread --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._stop = threading.Event()
        workspace, loop = self._workspace, asyncio.get_running_loop()
        listing, known = workspace.listing, {row.path for row in workspace.results.rows}

        def report(change: _FolderChange) -> None:
            # A folder that was left, or a loop that is closed, has no use for it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._on_change, thread, change)

        args = (listing, known, workspace.launch.reading, self._stop, report)
        thread = threading.Thread(target=_watch, args=args, name="watch", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        self._thread = thread
        self._records.keep_open()
        thread.start()

    def _on_change(self, thread: threading.Thread, change: _FolderChange) -> None:
        if thread is not self._thread:
            return
        workspace = self._workspace
        added = [row.item for row in workspace.add_images(change.fresh)]
        self._added += added
        if self.mode is WatchMode.SCORE:
            finished = frozenset(change.finished)
            rows = (row for row in workspace.results.rows if row.path in finished and not row.raws) if finished else ()
            self._due.update(dict.fromkeys([*(row.item for row in rows), *added]))
        self._again.update(dict.fromkeys(change.again))
        if change.notice != self._notice:
            self._notice = change.notice
            workspace.notify(printable(change.notice), "warning")
        if other_left_out := change.left_out != workspace.left_out:
            workspace.set_left_out(change.left_out)
        if added or other_left_out or (change.unfinished, change.gone) != (workspace.unfinished_files, self._gone):
            workspace.unfinished_files, self._gone = change.unfinished, change.gone
            self._changed()
        if self._again and not self._checking:
            workspace.tasks.run(self._check_again())
        self._score_what_is_due()

    async def _check_again(self) -> None:
        """Score what was replaced since it was scored, where that is wanted."""
        workspace = self._workspace
        results, running = workspace.results, workspace.running
        # What the running job still computes is looked at when it is there.
        busy = frozenset(running.unfinished) if running is not None else frozenset()
        rows = [row for row in results.rows if row.path in self._again]
        self._again = {row.path: None for row in rows if row.item in busy}
        rows = [row for row in rows if row.item not in busy]
        self._checking = True
        try:
            due = await self._replaced_files.check(rows, scored=self.mode is WatchMode.SCORE)
        finally:
            self._checking = False
        if results is workspace.results and self.on and self.mode is WatchMode.SCORE:
            self._due.update(dict.fromkeys(row.item for row in due))
            self._score_what_is_due()

    def _score_what_is_due(self) -> None:
        workspace = self._workspace
        busy = workspace.running is not None or workspace.recalling or workspace.models.states is None
        # What they are compared with may be in the images themselves.
        busy = busy or workspace.reading_prompts
        if not self._due or busy or workspace.problem or workspace.models_missing or self._jobs.crashed:
            return
        due, self._due = list(self._due), {}
        self._score(due)

    def _changed(self) -> None:
        self._workspace.post(WatchChanged())


def _watch(
    listing: FolderListing,
    known: set[str],
    policy: ReadingPolicy,
    stop: threading.Event,
    report: Callable[[_FolderChange], None],
) -> None:
    """Runs in a thread until `stop` is set; `known` are the images that are rows already."""
    # It and what it imports is not for the start of the screen.
    from aim_tui.inputs.folder_watcher import Watch

    folder = str(listing.folder)
    watch = Watch(listing.paths or [folder], listing.recursive, policy, known=())
    awaited: set[str] = set()
    # What is there when the watch begins waits for the user.
    seen: set[str] = set()
    for whole in watch.batches(stop.is_set):
        finished = [path for path in whole if path in awaited]
        again = [path for path in whole if path in seen and path in known]
        fresh = [path for path in whole if path not in known]
        unfinished = watch.waiting
        known.update(fresh)
        seen.update(whole, unfinished)
        awaited = known.intersection(unfinished)
        gone = not os.path.isdir(folder)
        report(_FolderChange(fresh, finished, again, unfinished, gone, watch.notice, watch.left_out))
