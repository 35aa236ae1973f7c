"""Shows in the terminal around the screen how far a job is, and that it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from aim_tui.core.scoring.events import PhaseName
from aim_tui.terminal.osc import ProgressState
from aim_tui.terminal.writer import TerminalWriter
from aim_tui.ui.preferences import Preferences
from aim_tui.ui.session.activity import Activity

_NAME = "aim-tui"


class TerminalStatus:
    """Turns activity into a title, a progress bar, and a word at the end of a long job."""

    renew_seconds = 5.0
    """A terminal may take a progress bar away that nobody renews; Ghostty does after 15 seconds."""

    def __init__(
        self,
        writer: TerminalWriter,
        preferences: Preferences,
        ring: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._preferences = preferences
        self._ring = ring
        self._clock = clock
        self._began: float | None = None
        self._last: Activity | None = None
        self._folder = ""
        self.watched: bool | None = None
        """Whether the terminal has the user's eyes; None where it does not tell."""

    def show(self, activity: Activity, folder: str) -> None:
        """Say what has changed since the last time."""
        self._folder = Path(folder).name or folder
        self._show_title(activity)
        self._show_progress(activity)
        before, self._last = self._last, activity
        if activity.running and self._began is None:
            self._began = self._clock()
        elif not activity.running and self._began is not None:
            took, self._began = self._clock() - self._began, None
            if before is not None and not before.cancelling and took >= self._preferences.notify_after:
                self._show_end(before, activity)

    def renew(self) -> None:
        """Say again how far a job is."""
        if self._last is not None:
            self._show_progress(self._last, again=True)

    def _show_title(self, activity: Activity) -> None:
        if not self._preferences.title:
            return
        words = [self._folder, _NAME] if self._folder else [_NAME]
        if activity.crash is not None:
            words.insert(0, "! crashed")
        elif activity.phase is not None:
            scoring = activity.phase.name is PhaseName.SCORING and activity.total
            words.insert(0, f"{_percent(activity)}% of {activity.total}" if scoring else "loading…")
        self._writer.title(" · ".join(words))

    def _show_progress(self, activity: Activity, *, again: bool = False) -> None:
        if not self._preferences.progress:
            return
        if activity.crash is not None:
            self._writer.progress(ProgressState.ERROR, 100, again=again)
        elif activity.phase is None:
            self._writer.progress(ProgressState.NONE)
        elif activity.phase.name is PhaseName.SCORING and activity.total:
            self._writer.progress(ProgressState.NORMAL, _percent(activity), again=again)
        else:
            self._writer.progress(ProgressState.UNKNOWN, again=again)

    def _show_end(self, last: Activity, now: Activity) -> None:
        if self.watched:
            return
        if now.crash is not None:
            text = f"{self._folder}: the worker crashed, {now.left} images are left"
        else:
            # The last fact and the end arrive together: what was counted before may lack the last batch.
            failed = f", {last.failed} with failures" if last.failed else ""
            text = f"{self._folder}: scoring has ended{failed}"
        if self._preferences.notification and self._writer.notify(_NAME, text):
            return
        if self._preferences.bell:
            self._ring()


def _percent(activity: Activity) -> int:
    # Never 100 before everything is done.
    return activity.done * 100 // activity.total
