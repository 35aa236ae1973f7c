"""The weights in use, drawn as shares of the final score."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.scoring.plan import ScoringPlan

_CELLS = 30


def weights_line(plan: ScoringPlan, not_asked: Mapping[str, str]) -> Content:
    """The shares in words, such as 'CLIP 20 %  BLIP2 50 %  LPIPS off: no reference'."""
    parts = [f"{get_metric(metric).short} {100 * share:.3g} %" for metric, share in plan.shares.items()]
    reasons: dict[str, list[str]] = {}
    for metric, reason in not_asked.items():
        reasons.setdefault(reason, []).append(get_metric(metric).short)
    off = [f"{', '.join(names)} off: {reason}" for reason, names in reasons.items()]
    return Content.assemble(" · ".join(parts), ("  " if off else ""), (" · ".join(off), "$text-warning"))


def share_bar(share: float, cells: int = _CELLS) -> Content:
    """A share of the final score as a bar; what it does not fill is thin."""
    full = round(cells * share)
    return Content.assemble(("━" * full, "$primary"), ("─" * (cells - full), "$foreground-disabled"))
