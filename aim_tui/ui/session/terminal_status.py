"""What the terminal around the screen is told of a job: how far it is, and that it has ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import PhaseName
from aim_tui.terminal.osc import ProgressState

if TYPE_CHECKING:
    from collections.abc import Callable

    from aim_tui.terminal.writer import TerminalWriter
    from aim_tui.ui.preferences import Preferences
    from aim_tui.ui.session.activity import Activity

_NAME = "aim-tui"


class Announcer:
    """Turns activity into a title, a progress bar, and a word at the end of a long job."""

    renew_seconds = 5.0
    """A terminal may take a progress bar away that nobody renews; Ghostty does after 15 seconds."""

    def __init__(
        self,
        voice: TerminalWriter,
        wanted: Preferences,
        ring: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._voice = voice
        self._wanted = wanted
        self._ring = ring
        self._clock = clock
        self._began: float | None = None
        self._last: Activity | None = None
        self._folder = ""
        self.watched: bool | None = None
        """Whether the terminal has the user's eyes; None where it does not tell."""

    def tell(self, activity: Activity, folder: str) -> None:
        """Say what has changed since the last time."""
        self._folder = Path(folder).name or folder
        self._tell_title(activity)
        self._tell_progress(activity)
        before, self._last = self._last, activity
        if activity.running and self._began is None:
            self._began = self._clock()
        elif not activity.running and self._began is not None:
            took, self._began = self._clock() - self._began, None
            if before is not None and not before.cancelling and took >= self._wanted.notify_after:
                self._tell_end(before, activity)

    def renew(self) -> None:
        """Say again how far a job is."""
        if self._last is not None:
            self._tell_progress(self._last, again=True)

    def _tell_title(self, activity: Activity) -> None:
        if not self._wanted.title:
            return
        words = [self._folder, _NAME] if self._folder else [_NAME]
        if activity.crash is not None:
            words.insert(0, "! crashed")
        elif activity.phase is not None:
            scoring = activity.phase.name is PhaseName.SCORING and activity.total
            words.insert(0, f"{_percent(activity)}% of {activity.total}" if scoring else "loading…")
        self._voice.title(" · ".join(words))

    def _tell_progress(self, activity: Activity, *, again: bool = False) -> None:
        if not self._wanted.progress:
            return
        if activity.crash is not None:
            self._voice.progress(ProgressState.ERROR, 100, again=again)
        elif activity.phase is None:
            self._voice.progress(ProgressState.NONE)
        elif activity.phase.name is PhaseName.SCORING and activity.total:
            self._voice.progress(ProgressState.NORMAL, _percent(activity), again=again)
        else:
            self._voice.progress(ProgressState.UNKNOWN, again=again)

    def _tell_end(self, last: Activity, now: Activity) -> None:
        if self.watched:
            return
        if now.crash is not None:
            text = f"{self._folder}: the worker crashed, {now.left} images are left"
        else:
            # The last fact and the end arrive together: what was counted before may lack the last batch.
            failed = f", {last.failed} with failures" if last.failed else ""
            text = f"{self._folder}: scoring has ended{failed}"
        if self._wanted.notification and self._voice.notify(_NAME, text):
            return
        if self._wanted.bell:
            self._ring()


def _percent(activity: Activity) -> int:
    # Never 100 before everything is done.
    return activity.done * 100 // activity.total
