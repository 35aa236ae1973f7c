"""Scores of image and prompt by dual encoders beside CLIP: SigLIP and PickScore."""

from __future__ import annotations

from aim_tui.core.metrics.builtin import PICKSCORE, SIGLIP
from aim_tui.engine.metrics.embeddings import PromptMetric


class SiglipScore(PromptMetric):
    """The cosine of SigLIP's features, in [-1, 1] (Zhai et al. 2023).

    The cosine and not the probability sigmoid(scale * cosine + bias): that orders images alike, but is nearly 0 or 1
    for most pairs, where a table shows no difference any more.
    """

    role = SIGLIP.roles[0]


class PickScore(PromptMetric):
    """exp(logit_scale) * cosine, as Kirstain et al. (2023) score an image of a prompt."""

    role = PICKSCORE.roles[0]
    scaled = True
