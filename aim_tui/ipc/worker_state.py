"""The state of the worker process, how it crashed, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aim_tui.errors import AimError


class WorkerState(StrEnum):
    """What the worker process is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Crash:
    """How the worker ended unexpectedly."""

    reason: str
    exit_code: int | None
    stderr_tail: str
    log: Path
    hint: str = ""
    """The usual cause, if there is one."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the worker: for its Hello, for an answer, and for each step of ending it."""

    hello: float = 90.0
    answer: float = 60.0
    close: float = 3.0
    terminate: float = 2.0


class WorkerGoneError(AimError):
    """The worker is not running."""
