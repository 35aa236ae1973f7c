"""Where a final score stands among the others."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aim_tui.core.scoring.results import Row
    from aim_tui.core.selection.fields import View


def standing_finals(rows: Iterable[Row], view: View) -> list[float]:
    """The final scores of the present context in rising order; a row that is out of date stands nowhere."""
    return sorted(final for row in rows if (final := row.final) is not None and not view.stale(row))


def rank(final: float, finals: Sequence[float]) -> int:
    """The place of a score among `finals` in rising order: 1 is the best, equal scores share a place."""
    return len(finals) - bisect_right(finals, final) + 1
