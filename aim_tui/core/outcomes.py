"""The outcome of one measurement: present, missing or failed. A failure is never a number."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Present:
    """A finite number; NaN and infinity are refused, so that none gets into an aggregate."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"not a finite number: {self.value!r}")


@dataclass(frozen=True, slots=True)
class Missing:
    """No value: the metric was skipped, or its input was empty."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The value could not be computed, for this reason."""

    reason: str


Outcome = Present | Missing | Failed


def value_of(outcome: Outcome | None) -> float | None:
    """The number, or None."""
    return outcome.value if isinstance(outcome, Present) else None


def reason_of(outcome: Outcome | None) -> str | None:
    """Why there is no number, or None if there is one."""
    return outcome.reason if isinstance(outcome, (Missing, Failed)) else None
