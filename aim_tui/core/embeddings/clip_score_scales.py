"""Scales on which tools report the CLIP similarity of an image and a text, as functions of the cosine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClipScoreScale:
    """A scale: its formula as text and as a function, and the prefix that it adds to every text."""

    name: str
    formula: str
    of: Callable[[float], float]
    prefix: str = ""


COSINE = ClipScoreScale("cosine", "cos", lambda cosine: cosine)
#: The scale of DataFlow's operators.
UNIT = ClipScoreScale("unit", "clip((cos + 1) / 2, 0, 1)", lambda cosine: min(max((cosine + 1.0) / 2.0, 0.0), 1.0))
HUNDRED = ClipScoreScale("hundred", "100 * cos", lambda cosine: 100.0 * cosine)
#: CLIPScore (Hessel et al. 2021), which adds a prefix to every caption.
HESSEL = ClipScoreScale("hessel", "2.5 * max(cos, 0)", lambda cosine: 2.5 * max(cosine, 0.0), "A photo depicts ")

SCALES = {scale.name: scale for scale in (COSINE, UNIT, HUNDRED, HESSEL)}
