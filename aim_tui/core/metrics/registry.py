"""The metrics: one frozen specification each. Listing them imports no model code.

AIM's three stand here and make the final score. Others stand beside them, as raw columns: those that come with the
program (`core.extras`) and those of packages (`core.plugins`), which are looked for where a name is none of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aim_tui.core.metrics.profiles import ModelRef

#: What a metric, and the role of a model, can be called.
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Need(StrEnum):
    """What a metric compares the image with."""

    PROMPT = "prompt"
    TOPIC = "topic"
    REFERENCE = "reference"
    SOURCE = "source"
    """The image before an edit and the instruction, which every item brings itself (`core.edits`)."""
    NOTHING = "nothing"
    """The image alone is judged, or against something that belongs to the metric: its `against`."""


class Role(StrEnum):
    """The parts that models play in a profile. A metric may bring one of its own: any other name is such a role."""

    CLIP = "clip"
    CAPTIONER = "captioner"
    SENTENCE = "sentence"
    LPIPS = "lpips"
    EDITCLIP = "editclip"

    @classmethod
    def _missing_(cls, value: object) -> Role | None:
        if not isinstance(value, str) or NAME.fullmatch(value) is None:
            return None
        role = str.__new__(cls, value)
        role._name_, role._value_ = value.upper(), value
        return role


@dataclass(frozen=True, slots=True)
class ModelRole:
    """A model that a metric brings: the role's name, the model that plays it where a profile names none, its loader.

    `loader` is "module:function", resolved by the worker alone. The function is given (ref, local, placement), as
    `worker.models.clip.load` is. `parts` are what its folder must hold: config, weights, tokenizer, processor.
    """

    role: Role
    title: str
    default: ModelRef
    loader: str
    parts: tuple[str, ...] = ("config", "weights")


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Everything the program says about a metric, and where the worker finds its code.

    `low` and `high` bound the raw value; `implementation` is "module:Class", resolved by the worker alone. `models` are
    those of its `roles` that no profile has to name, and `source` says where formula and model were published.
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
    source: str = ""
    models: tuple[ModelRole, ...] = ()
    against: str = ""
    """What images are compared with where the metric needs nothing of the user."""

    @property
    def captions(self) -> bool:
        """Whether it judges images by their captions."""
        return Role.CAPTIONER in self.roles


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
    implementation="aim_tui.engine.metrics.clip:ClipScore",
    source="Radford et al. 2021, CLIP, arXiv:2103.00020; as a score: Hessel et al. 2021, arXiv:2104.08718",
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
    implementation="aim_tui.engine.metrics.caption_similarity:CaptionSimilarity",
    source="Li et al. 2023, BLIP-2, arXiv:2301.12597; Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084",
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
    implementation="aim_tui.engine.metrics.lpips:LpipsDistance",
    source="Zhang et al. 2018, LPIPS, arXiv:1801.03924",
)

#: AIM's three, in the order every table and file shows them.
METRICS: dict[str, MetricSpec] = {spec.id: spec for spec in (CLIP, BLIP2, LPIPS)}


class BrokenMetricError(KeyError):
    """The metric of a package that cannot be used; the text names both and says what to do."""


#: Every metric beside AIM's that was named so far.
_named: dict[str, MetricSpec] = {}


def get_metric(metric_id: str) -> MetricSpec:
    """The specification of a metric; a wrong name raises KeyError with the nearest right one.

    A plug-in that is broken raises BrokenMetricError, which says what is wrong with it and what to do.
    """
    if (spec := METRICS.get(metric_id) or _named.get(metric_id)) is None:
        spec = _named[metric_id] = _find(metric_id)
    return spec


def other_metrics() -> tuple[MetricSpec, ...]:
    """The metrics beside AIM's that come with the program, and those of packages that were named."""
    from aim_tui.core.metrics.builtin import EXTRAS

    return tuple((EXTRAS | _named).values())


def record_metric(spec: MetricSpec) -> None:
    """Know a metric as a stored run describes it, should what brought it no longer be there."""
    try:
        get_metric(spec.id)
    except KeyError:
        _named[spec.id] = spec


def in_order(metric_ids: Iterable[str]) -> tuple[str, ...]:
    """The given metric ids without repetition: AIM's, then the others by name; KeyError on a wrong name."""
    wanted = {get_metric(metric_id).id for metric_id in metric_ids}
    return (*(metric_id for metric_id in METRICS if metric_id in wanted), *sorted(wanted - METRICS.keys()))


def roles_in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    """The given roles without repetition: those of AIM, then the others by name."""
    wanted = set(roles)
    return (*(role for role in Role if role in wanted), *sorted(wanted - set(Role)))


def model_role(role: Role) -> ModelRole | None:
    """The role that a metric beside AIM's brings; None where none does, as for the roles of AIM itself."""
    from aim_tui.core.metrics.builtin import EXTRAS

    def brought(specs: Iterable[MetricSpec]) -> ModelRole | None:
        return next((model for spec in specs for model in spec.models if model.role == role), None)

    if role in set(Role):
        return None
    found = brought(EXTRAS.values()) or brought(_named.values())
    if found is None:
        # Nobody has named the metric yet: a model is asked for by its role alone.
        from aim_tui.core.metrics import plugins

        found = brought(plugin.spec for plugin in map(plugins.load, plugins.names()) if plugin.spec is not None)
    return found


def _find(metric_id: str) -> MetricSpec:
    from aim_tui.core.metrics.builtin import EXTRAS

    if metric_id in EXTRAS:
        return EXTRAS[metric_id]
    # Reading what is installed takes a while, and is for those who name something else.
    from aim_tui.core.metrics import plugins

    if (spec := plugins.find(metric_id)) is None:
        known = (*METRICS, *EXTRAS, *plugins.names())
        raise KeyError(f"unknown metric {metric_id!r}{did_you_mean(metric_id, known)}")
    return spec
