"""One finding of `aim-tui doctor`: what was checked, its state and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a check came out."""

    FINE = "fine"
    NOTE = "note"
    """Usable, but could be better."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    topic: str
    name: str
    text: str
    state: State = State.FINE
    fixes: tuple[str, ...] = ()
    """What to do about it; each is a step or an alternative."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same for programs."""
