"""Rate and time left of a job, from how many items are done at which moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

#: Before this many items are done an estimate would mostly reflect the start-up.
FIRST_ESTIMATE_AT = 5
_WINDOW = 64


@dataclass(slots=True)
class Progress:
    """Done and failed items of a job, and the recent rate."""

    total: int
    done: int = 0
    failed: int = 0
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_WINDOW))

    def start(self, now: float) -> None:
        """The first item is about to be scored at `now` (seconds of any monotonic clock)."""
        self._marks.append((now, self.done))

    def advance(self, now: float, done: int, failed: int = 0) -> None:
        """`done` items are finished at `now`, `failed` of them without all their values."""
        self.done, self.failed = done, failed
        self._marks.append((now, done))

    @property
    def rate(self) -> float | None:
        """Items per second over the recent past; None before two moments are known."""
        if len(self._marks) < 2:
            return None
        (first, before), (last, after) = self._marks[0], self._marks[-1]
        return (after - before) / (last - first) if last > first and after > before else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end; None for the first few items."""
        if self.done < FIRST_ESTIMATE_AT or self.rate is None:
            return None
        return (self.total - self.done) / self.rate
