"""What toasts have said; imported before the first words are painted, so it imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class Told(NamedTuple):
    """One toast: when it came, what it said and how bad that was."""

    at: datetime
    text: str
    severity: str
