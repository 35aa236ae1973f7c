"""The scale of a judgement: declared, inferred from its values with a note, or asked for."""

from __future__ import annotations

from collections.abc import Sequence

from aim_tui.core.agreement.study import Scale, StudyColumn
from aim_tui.core.outcomes import Present

UNIT = Scale(0, 1)
#: The scales on which language models are usually told to judge; other writers use other ones under the same name.
USUAL = {
    "llm_score": Scale(0, 10),
    "instruction_compliance": Scale(0, 10),
    "edit_quality": Scale(0, 10),
    "preservation": Scale(0, 10),
}

_HINT = "declare it with --scale, for example 0-1 or 0-10"


def scale_of(name: str, columns: Sequence[StudyColumn]) -> tuple[Scale | None, str]:
    """The scale that these columns share, and a note on how it is known; '' for a declared or unknown one.

    Without a declaration, values within 0 to 1 are on that scale if one of them is finer than halves; a usual scale
    counts if no value contradicts it.
    """
    if columns[0].scale is not None:
        return columns[0].scale, ""
    values = [
        entry.outcome.value for column in columns for entry in column.entries if isinstance(entry.outcome, Present)
    ]
    usual = USUAL.get(name)
    if not values:
        return usual, ""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        if any(2 * value != int(2 * value) for value in values):
            return UNIT, f"{name}: no scale is declared; all values lie within 0 to 1, taken as 0 to 1"
        if usual is None:
            return None, ""
        return None, f"{name}: its scale is ambiguous, 0 to 1 or the low end of {usual}: {_HINT}"
    if usual is None:
        return None, ""
    if usual.low <= low and high <= usual.high:
        return usual, f"{name}: no scale is declared; taken as {usual}"
    return None, f"{name}: its values of {low:g} to {high:g} do not lie on the usual scale of {usual}: {_HINT}"
