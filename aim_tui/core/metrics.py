"""The metrics: one frozen specification each. Listing them imports no model code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


class Need(StrEnum):
    """What a metric compares the image with."""

    PROMPT = "prompt"
    TOPIC = "topic"
    REFERENCE = "reference"
    SOURCE = "source"
    """The image before an edit and the instruction, which every item brings itself (`core.edits`)."""


class Role(StrEnum):
    """The parts that models play in a profile."""

    CLIP = "clip"
    CAPTIONER = "captioner"
    SENTENCE = "sentence"
    LPIPS = "lpips"
    EDITCLIP = "editclip"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Everything the program says about a metric, and where the worker finds its code.

    `low` and `high` bound the raw value; `implementation` is "module:Class", resolved by the worker alone.
    """

    id: str
    title: str
    short: str
    raw_field: str
    norm_field: str
    unit: str
    low: float
    high: float
    higher_is_better: bool
    needs: Need
    roles: tuple[Role, ...]
    default_weight: float
    decimals: int
    formula: str
    implementation: str


CLIP = MetricSpec(
    id="clip",
    title="CLIP score",
    short="CLIP",
    raw_field="clip_score",
    norm_field="clip_norm",
    unit="cosine",
    low=-1.0,
    high=1.0,
    higher_is_better=True,
    needs=Need.PROMPT,
    roles=(Role.CLIP,),
    default_weight=0.2,
    decimals=4,
    formula="cosine of the projected, L2-normalised CLIP features of image and prompt",
    implementation="aim_tui.worker.metrics.clip:ClipScore",
)

BLIP2 = MetricSpec(
    id="blip2",
    title="Caption similarity",
    short="BLIP2",
    raw_field="blip2_similarity",
    norm_field="blip2_norm",
    unit="cosine",
    low=-1.0,
    high=1.0,
    higher_is_better=True,
    needs=Need.TOPIC,
    roles=(Role.CAPTIONER, Role.SENTENCE),
    default_weight=0.5,
    decimals=4,
    formula="cosine of the sentence embeddings of the generated caption and the topic",
    implementation="aim_tui.worker.metrics.blip2:CaptionSimilarity",
)

LPIPS = MetricSpec(
    id="lpips",
    title="LPIPS distance",
    short="LPIPS",
    raw_field="lpips_score",
    norm_field="lpips_norm",
    unit="distance",
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    needs=Need.REFERENCE,
    roles=(Role.LPIPS,),
    default_weight=0.3,
    decimals=4,
    formula="LPIPS distance of the image to the reference, the reference resized to the image",
    implementation="aim_tui.worker.metrics.lpips:LpipsDistance",
)

#: AIM's three, in the order every table and file shows them.
METRICS: dict[str, MetricSpec] = {spec.id: spec for spec in (CLIP, BLIP2, LPIPS)}


def get_metric(metric_id: str) -> MetricSpec:
    """The specification of a metric; a wrong name raises KeyError with the nearest right one."""
    try:
        return METRICS[metric_id]
    except KeyError:
        raise KeyError(f"unknown metric {metric_id!r}{did_you_mean(metric_id, METRICS)}") from None


def in_order(metric_ids: Iterable[str]) -> tuple[str, ...]:
    """The given metric ids without repetition, in the order of METRICS; KeyError on a wrong name."""
    wanted = {get_metric(metric_id).id for metric_id in metric_ids}
    return tuple(metric_id for metric_id in METRICS if metric_id in wanted)
