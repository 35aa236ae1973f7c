"""What is known of the worker process: its state, how it died, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aim_tui.errors import AimError


class WorkerState(StrEnum):
    """What the worker process is known to be doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Crash:
    """How the worker ended when nobody asked it to."""

    reason: str
    exit_code: int | None
    stderr_tail: str
    log: Path
    hint: str = ""
    """What is often behind it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the worker: to say hello, to answer, and on each rung of the ladder that ends it."""

    hello: float = 90.0
    answer: float = 60.0
    close: float = 3.0
    terminate: float = 2.0


class WorkerGoneError(AimError):
    """The worker is not there to do what was asked."""
