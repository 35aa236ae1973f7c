"""Whether a key was pressed by a person: what a terminal answers late must never become a rating."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

SETTLE_SECONDS = 0.5
"""How long after the start no key is taken for a rating."""

# Nobody's fingers and no key repeat are this quick; the characters of an answer come in one piece.
_BURST_SECONDS = 0.01
# What stands in answers before their digits: "[?62;4c", "[6;20;10t", "_Gi=31;OK".
_ANSWER = re.compile(r"\[\?|;|=|P>|\^\[")
_LONGEST = 100


class LateInput:
    """Sees every key and decides whether the last one may be taken for a rating."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, settle: float = SETTLE_SECONDS) -> None:
        self._clock = clock
        self._from = clock() + settle
        self._burst = ""
        self._last = float("-inf")

    def add(self, character: str | None, now: float) -> None:
        """A key came at a time of the clock; keys without a character end a burst."""
        burst = self._burst if now - self._last < _BURST_SECONDS else ""
        self._burst = (burst + character)[-_LONGEST:] if character else ""
        self._last = now

    def settled(self) -> bool:
        """Whether the last key may be taken for a rating."""
        return self._clock() >= self._from and not _ANSWER.search(self._burst)
