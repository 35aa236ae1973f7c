"""Cosines of a dual encoder's features: of image and prompt (CLIP score, SigLIP, PickScore), of image and reference.

All are plain cosines of projected, L2-normalised features, in [-1, 1], as AIM uses them: Hessel et al. (2021) report
2.5 * max(cosine, 0), torchmetrics 100 * cosine. Only PickScore is scaled by its model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aim_tui.core.metrics.builtin import DINOV2_I, PICKSCORE, SIGLIP
from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, PromptRead
from aim_tui.engine.metrics.embeddings import PromptMetric, ReferenceMetric


class ClipScore(PromptMetric):
    """CLIP's cosine of image and prompt."""

    role = Role.CLIP

    def report(self, read: PromptRead) -> Sequence[Event]:
        """How much of the prompt CLIP sees, which every output records."""
        return (read,)

    def read_texts(self, context: Context) -> Sequence[tuple[Literal["prompt", "topic"], Role, str]]:
        """The prompt."""
        return (("prompt", self.role, context.prompt),)


class SiglipScore(PromptMetric):
    """The cosine of SigLIP's features (Zhai et al. 2023).

    The cosine and not the probability sigmoid(scale * cosine + bias): that orders images alike, but is nearly 0 or 1
    for most pairs, where a table shows no difference any more.
    """

    role = SIGLIP.roles[0]


class PickScore(PromptMetric):
    """exp(logit_scale) * cosine, as Kirstain et al. (2023) score an image of a prompt."""

    role = PICKSCORE.roles[0]
    scaled = True


class ClipI(ReferenceMetric):
    """Image and reference by CLIP's projected features: what is shown counts more than how."""

    role = Role.CLIP


class Dinov2I(ReferenceMetric):
    """Image and reference by DINOv2's class token, which separates two things of one kind where CLIP sees the kind."""

    role = DINOV2_I.roles[0]
