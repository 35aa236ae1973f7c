"""How alike image and reference are: the cosine of the features that one model has of both, in [-1, 1]."""

from __future__ import annotations

from aim_tui.core.metrics.builtin import DINOV2_I
from aim_tui.core.metrics.spec import Role
from aim_tui.engine.metrics.embeddings import ReferenceMetric


class ClipI(ReferenceMetric):
    """By CLIP's projected image features: what is shown counts more than how."""

    role = Role.CLIP


class Dinov2I(ReferenceMetric):
    """By DINOv2's class token, which tells two things of one kind apart where CLIP sees the kind alone."""

    role = DINOV2_I.roles[0]
