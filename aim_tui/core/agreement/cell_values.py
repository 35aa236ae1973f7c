"""Interpret the cells of a file as numbers, truth values or texts."""

from __future__ import annotations

from typing import Any

from aim_tui.core.agreement.study import measured
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present

_MISSING = frozenset({"", "null", "none", "n/a", "na", "-", "missing"})


def outcome_of(value: Any, where: str) -> Outcome:
    """A cell as an outcome; `where` goes into the reason if it is not numeric.

    Numbers are written as in Python and JSON; true is 1. Empty cells and words such as "n/a" are missing.
    """
    if value is None:
        return Missing("no value")
    if isinstance(value, (bool, int, float)):
        try:
            return measured(value)
        except OverflowError:
            return Failed("is infinite")
    if not isinstance(value, str):
        return Failed(f"is not numeric ({where})")
    word = value.strip().lower()
    if word in _MISSING:
        return Missing("no value")
    if word in ("true", "false"):
        return Present(float(word == "true"))
    try:
        # float() also accepts 1_000 and digits of other scripts, which are not meant as numbers here.
        number = float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        number = None
    return Failed(f"is not numeric ({where})") if number is None else measured(number)


def truth_of(value: Any) -> bool | None:
    """Whether a cell marks an instruction as correct; None for an empty cell, ValueError for anything else.

    >>> truth_of("true"), truth_of(0), truth_of("")
    (True, False, None)
    """
    outcome = outcome_of(value, "")
    if isinstance(outcome, Missing):
        return None
    if isinstance(outcome, Failed) or outcome.value not in (0.0, 1.0):
        raise ValueError("is_correct is neither true nor false")
    return outcome.value == 1.0


def cell_text(value: Any) -> str:
    """A cell as a stripped text; '' for null, none and anything that is not a scalar."""
    if not is_scalar(value):
        return ""
    text = str(value).strip()
    return "" if text.lower() in ("null", "none") else text


def is_scalar(value: Any) -> bool:
    """Whether a cell holds a single non-empty value rather than a list or an object."""
    return isinstance(value, (str, int, float)) and str(value) != ""
