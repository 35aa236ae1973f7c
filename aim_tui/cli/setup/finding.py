"""One finding of `aim-tui doctor`: what was checked, its state and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a thing is."""

    FINE = "fine"
    NOTE = "note"
    """Usable, and could be better."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    name: str
    said: str
    state: State = State.FINE
    ways_out: tuple[str, ...] = ()
    """What can be done, one step or one alternative each."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same for a program."""
