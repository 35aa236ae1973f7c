"""What a cell of a file says: a number, nothing, or something that is no number."""

from __future__ import annotations

from typing import Any

from aim_tui.core.agreement.study import measured
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present

_NOTHING = frozenset({"", "null", "none", "n/a", "na", "-", "missing"})


def outcome_of(value: Any, where: str) -> Outcome:
    """A cell as an outcome; `where` goes into the reason why a text is no number.

    Numbers are written as Python and JSON write them; true is 1. Empty cells and words for nothing are missing.
    """
    if value is None:
        return Missing("no value")
    if isinstance(value, (bool, int, float)):
        try:
            return measured(value)
        except OverflowError:
            return Failed("is infinite")
    if not isinstance(value, str):
        return Failed(f"is no number ({where})")
    word = value.strip().lower()
    if word in _NOTHING:
        return Missing("no value")
    if word in ("true", "false"):
        return Present(float(word == "true"))
    try:
        # Python reads 1_000 and digits of other scripts too; whoever wrote those did not mean this.
        number = float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        number = None
    return Failed(f"is no number ({where})") if number is None else measured(number)


def truth_of(value: Any) -> bool | None:
    """Whether a cell says that an instruction is right; None of an empty one, ValueError of anything else.

    >>> truth_of("true"), truth_of(0), truth_of("")
    (True, False, None)
    """
    outcome = outcome_of(value, "")
    if isinstance(outcome, Missing):
        return None
    if isinstance(outcome, Failed) or outcome.value not in (0.0, 1.0):
        raise ValueError("is_correct is neither true nor false")
    return outcome.value == 1.0


def said(value: Any) -> str:
    """A cell as a text; words for nothing are none."""
    if not scalar(value):
        return ""
    text = str(value).strip()
    return "" if text.lower() in ("null", "none") else text


def scalar(value: Any) -> bool:
    """Whether a cell holds one thing."""
    return isinstance(value, (str, int, float)) and str(value) != ""
