"""What the worker is doing, as the screen shows it: a job while it runs, and snapshots of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aim_tui.core.metrics.edits import measures
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, Item, MetricBatch, Notice, Phase, PhaseName
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.progress import Progress
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.ipc.worker_state import Crash, WorkerState


@dataclass(slots=True)
class RunningJob:
    """A job from the moment it was started until it has ended."""

    number: int
    job: Job
    """Its items come by `add`, before the worker gets it."""
    total: int
    quiet: bool = False
    """Whether its end is not worth a notification."""
    phase: Phase = field(default_factory=lambda: Phase(PhaseName.STARTING))
    current: str = ""
    """The path that was read last."""
    cancelling: bool = False
    notice: str = ""
    progress: Progress = field(init=False)
    _values_left: dict[int, int] = field(default_factory=dict)
    _failed: set[int] = field(default_factory=set)
    _paths: dict[int, str] = field(default_factory=dict)
    identities: dict[str, FileIdentity | None] = field(default_factory=dict)
    """What tells files of the job from others under their names, by path; taken before the worker reads them."""
    item_contexts: dict[int, Context | None] = field(default_factory=dict)
    """By item, the context of each in this job; its row may have another by now."""
    started_at: float | None = None
    things: str = "images"
    """What its items are."""
    on_event: Callable[[Event], None] | None = None
    """Takes the events in the place of the rows."""

    def __post_init__(self) -> None:
        self.progress = Progress(self.total)

    def add(self, item: Item) -> None:
        """Put an item into the job."""
        self.job.items.append(item)
        # Of an edit each metric measures several numbers.
        self._values_left[item.id] = len(measures(self.job.metrics) if item.edit else self.job.metrics)
        self.things = "edits" if item.edit else "images"
        self._paths[item.id] = item.path
        self.item_contexts[item.id] = item.context

    def files(self, item: int) -> tuple[str, str]:
        """The image of an item, and the image before an edit; empty where there is none."""
        context = self.item_contexts.get(item)
        return self._paths.get(item, ""), context.source if context is not None else ""

    def identify(self) -> None:
        """Look at the job's files; takes time in proportion to their number."""
        for item in self._paths:
            self.identities.update((path, FileIdentity.of(path)) for path in self.files(item) if path)

    @property
    def so_far(self) -> str:
        """How far it has come, as a sentence."""
        return f"{self.progress.done} of {self.progress.total} {self.things} are scored."

    @property
    def left(self) -> int:
        """How many items values are still to come of."""
        return len(self._values_left)

    @property
    def unfinished(self) -> list[int]:
        """The items that values are still to come of."""
        return sorted(self._values_left)

    def apply(self, event: Event, now: float) -> None:
        """Take an event into account."""
        match event:
            case Phase():
                self.phase = event
                if event.name is PhaseName.SCORING and self.started_at is None:
                    self.started_at = now
                    self.progress.start(now)
            case ImageRead(item):
                self.current = self._paths.get(item, "")
            case ImageFailed(item):
                self._failed.add(item)
                self._values_left.pop(item, None)
                self._advance(now)
            case MetricBatch(_, values):
                for value in values:
                    if value.state == "failed":
                        self._failed.add(value.item)
                    left = self._values_left.pop(value.item, 0) - 1
                    if left > 0:
                        self._values_left[value.item] = left
                self._advance(now)
            case Notice(text):
                self.notice = text

    def take_notice(self) -> str:
        """The notice that has not been shown yet."""
        text, self.notice = self.notice, ""
        return text

    def _advance(self, now: float) -> None:
        self.progress.advance(now, self.progress.total - len(self._values_left), len(self._failed))


@dataclass(frozen=True, slots=True)
class Activity:
    """A snapshot for the progress strip."""

    state: WorkerState
    phase: Phase | None = None
    done: int = 0
    total: int = 0
    failed: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0
    """How long the job has been scoring."""
    current: str = ""
    cancelling: bool = False
    crash: Crash | None = None
    left: int = 0
    """Rows that a restart would go on with."""

    @property
    def running(self) -> bool:
        """Whether a job runs."""
        return self.phase is not None

    @classmethod
    def of(cls, state: WorkerState, running: RunningJob | None, crash: Crash | None, left: int, now: float) -> Activity:
        """The snapshot of this moment."""
        if running is None:
            return cls(state, crash=crash if state is WorkerState.CRASHED else None, left=left)
        progress = running.progress
        return cls(
            state,
            phase=running.phase,
            done=progress.done,
            total=progress.total,
            failed=progress.failed,
            rate=progress.rate,
            seconds_left=progress.seconds_left,
            seconds=now - running.started_at if running.started_at is not None else 0.0,
            current=running.current,
            cancelling=running.cancelling,
        )
