"""CLIP score: cosine of the projected, L2-normalised features of image and prompt, in [-1, 1].

The plain cosine, as AIM uses it: Hessel et al. (2021) report 2.5 * max(cosine, 0), torchmetrics 100 * cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.core.metrics.spec import Role
from aim_tui.engine.metrics.embeddings import PromptMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aim_tui.core.scoring.events import Event, PromptRead


class ClipScore(PromptMetric):
    """Compares images with the prompt."""

    role = Role.CLIP

    def said(self, read: PromptRead) -> Sequence[Event]:
        """How much of the prompt CLIP sees, which every output records."""
        return (read,)
