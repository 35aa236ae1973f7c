"""One line about the work: what runs, how far it is, and what can be done about it."""

from __future__ import annotations

from pathlib import Path

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from aim_tui.core.scoring.events import PhaseName
from aim_tui.core.text import printable, printable_name
from aim_tui.ipc.worker_state import WorkerState
from aim_tui.ui.session.activity import Activity

_BAR_CELLS = 16
_SMALL_BAR_CELLS = 8
_ROOM_FOR_BAR = 76
_SEPARATOR = Content.styled(" · ", "$foreground-disabled")
# With less of it, what runs cannot be read.
_LEAST_FIRST = 4


class ProgressStrip(Widget):
    """Phase, done of total, failures, images a second, time left, current file; what fits, failures always."""

    def __init__(self, things: str = "images") -> None:
        """`things` are what is scored here."""
        super().__init__(id="progress")
        self._things = things
        self._activity = Activity(WorkerState.STOPPED)
        self._models = ""
        self._paused = ""
        self._marked = ""
        self._not_stored = ""
        self._watching = ""
        self._summary = ""
        self._failures = 0

    def show(self, activity: Activity) -> None:
        """Show what the worker is doing."""
        self._activity = activity
        self.set_class(activity.state is WorkerState.CRASHED, "-crashed")
        self.refresh()

    def show_models(self, missing: str) -> None:
        """Say which models are missing, or how far their fetch is; empty where all are here."""
        self._models = missing
        self.refresh()

    def show_paused(self, paused: str) -> None:
        """Say that the table stands still, or nothing."""
        self._paused = paused
        self.refresh()

    def show_marked(self, marked: str) -> None:
        """Say how many rows are marked and whether a range is open, or nothing."""
        if marked != self._marked:
            self._marked = marked
            self.refresh()

    def show_not_stored(self, reason: str) -> None:
        """Say why what is scored is not being stored, or nothing."""
        if reason != self._not_stored:
            self._not_stored = reason
            self.refresh()

    def show_watching(self, note: str) -> None:
        """Say that the folder is watched and how many files wait, or nothing."""
        if note != self._watching:
            self._watching = note
            self.refresh()

    def show_summary(self, summary: str, failures: int = 0) -> None:
        """Say what the scores add up to and how many have failures; seen while nothing runs."""
        self._summary, self._failures = summary, failures
        self.refresh()

    def render(self) -> RenderResult:
        """The parts that fit, joined."""
        return _joined(self._parts(), self._failed, self.content_size.width)

    @property
    def _failed(self) -> Content | None:
        """How many have failed: seen whatever else there is to say and however narrow the line is."""
        running = self._activity.running
        failed = self._activity.failed if running else self._failures
        what = "failed" if running else "with failures"
        return Content.styled(f"! {failed} {what}", "bold $text-warning") if failed else None

    def _parts(self) -> list[Content]:
        parts = _activity_parts(self._activity, self.content_size.width, self._things)
        if self._watching:
            parts.insert(1, Content.styled(self._watching, "$text-accent"))
        if self._not_stored:
            reason = f": {self._not_stored}" if self.content_size.width >= _ROOM_FOR_BAR else ""
            parts.insert(1, Content.styled(f"! not stored{reason}", "bold $text-warning"))
        if self._paused:
            parts.insert(0, Content.styled(self._paused, "bold $text-warning"))
        if self._marked:
            parts.insert(0, Content.styled(self._marked, "bold $text-accent"))
        if self._activity.running or self._activity.state in (WorkerState.CRASHED, WorkerState.STARTING):
            return parts
        if self._models:
            marked = [Content.styled(self._marked, "bold $text-accent")] if self._marked else []
            return [*marked, Content.styled(self._models, "$text-warning"), Content("M shows what can be done")]
        if self._summary:
            parts.append(Content(self._summary))
        return parts


def _activity_parts(activity: Activity, width: int, things: str) -> list[Content]:
    if activity.crash is not None:
        parts = [Content.styled(f"crashed: {printable(activity.crash.reason)}", "bold $text-error")]
        if activity.left:
            parts.append(Content(f"{activity.left} {things} left"))
        return [*parts, Content("W restarts it")]
    if activity.phase is None:
        words = {WorkerState.STARTING: "starting the worker…", WorkerState.STOPPED: "worker not started"}
        return [Content.styled(words.get(activity.state, "ready"), "$foreground-muted")]
    if activity.cancelling:
        return [Content.styled("cancelling after this batch…", "$text-warning"), _count(activity)]
    if activity.phase.name is PhaseName.SCORING:
        return _scoring_parts(activity, width)
    what = _short(activity.phase.detail)
    text = f"loading {what}…" if activity.phase.name is PhaseName.LOADING else "starting the worker…"
    return [Content.styled(text, "bold"), _count(activity)]


def _scoring_parts(activity: Activity, width: int) -> list[Content]:
    cells = _BAR_CELLS if width >= _ROOM_FOR_BAR else _SMALL_BAR_CELLS
    full = round(cells * activity.done / activity.total) if activity.total else 0
    bar = Content.assemble(("━" * full, "$primary"), ("─" * (cells - full), "$foreground-disabled"))
    parts = [Content.assemble(("scoring ", "bold"), bar, " ", _count(activity))]
    if activity.rate is not None:
        parts.append(Content(f"{activity.rate:.3g}/s"))
    if activity.seconds_left is not None:
        parts.append(Content(f"{clock_time(activity.seconds_left)} left"))
    if activity.current:
        parts.append(Content.styled(printable_name(activity.current), "$foreground-muted"))
    return parts


def _short(model: str) -> str:
    """A model's name; of a folder the last two parts, which tell it from the others."""
    return printable("/".join(Path(model).parts[-2:]) if model.startswith("/") else model)


def _count(activity: Activity) -> Content:
    return Content(f"{activity.done}/{activity.total}")


def _joined(parts: list[Content], failed: Content | None, width: int) -> Content:
    """The first part, cut where it must be, the failures, which never are, and as many other parts as fit."""
    if width <= 0:
        return parts[0]
    first, *others = parts
    if failed is None:
        line = first.truncate(width, ellipsis=True)
    else:
        room = width - _SEPARATOR.cell_length - failed.cell_length
        line = first.truncate(room, ellipsis=True) + _SEPARATOR + failed if room >= _LEAST_FIRST else failed
    for part in others:
        if line.cell_length + _SEPARATOR.cell_length + part.cell_length > width:
            break
        line = line + _SEPARATOR + part
    return line


def clock_time(seconds: float) -> str:
    """A duration as a person reads it: 0:54, 12:03, 1:02:03."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
