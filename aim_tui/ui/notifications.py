"""Notifications that were shown; imported before the first words are painted, so it imports little."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class ShownNotification(NamedTuple):
    """One toast: when it came, its text and how bad that is."""

    at: datetime
    text: str
    severity: str

    @classmethod
    def now(cls, text: str, severity: str) -> ShownNotification:
        """One that comes now."""
        return cls(datetime.now(), text, severity)
