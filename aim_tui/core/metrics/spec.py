"""A metric as data: what it compares, its direction, range, needs, models and implementation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

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
    """A model that a metric computes with: what it is called, how it is loaded, and what to download for it.

    `default` plays the role where a profile names no model; with None a profile has to name one. `loader` is
    "module:function", resolved by the worker alone; the function is given (ref, local, placement), as
    `aim_tui.engine.models.clip.load` is.
    """

    role: Role
    title: str
    default: ModelRef | None
    loader: str
    parts: tuple[str, ...] = ("config", "weights")
    """What its folder must hold: config, weights, tokenizer, processor, modules (a sentence encoder), safetensors."""
    megabytes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """About what a download takes, in MB (10**6 bytes), by the full hub id; for the person who decides about it."""
    owner: str = ""
    """Whose repository a hub id without an owner is."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library that a metric computes with and the program does without."""

    module: str
    extra: str
    """The extra of the program's package that installs it."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Everything the program says about a metric, and where the worker finds its code.

    `low` and `high` bound the raw value; `implementation` is "module:Class", resolved by the worker alone. `models`
    describe those of its `roles` that it introduces, and `source` says where formula and model were published.
    """

    id: str
    title: str
    short: str
    raw_field: str
    norm_field: str
    needs: Need
    roles: tuple[Role, ...]
    formula: str
    implementation: str
    unit: str = "cosine"
    low: float = -1.0
    high: float = 1.0
    higher_is_better: bool = True
    default_weight: float = 0.0
    decimals: int = 4
    source: str = ""
    models: tuple[ModelRole, ...] = ()
    against: str = ""
    """What images are compared with where the metric needs nothing of the user."""
    libraries: tuple[Library, ...] = ()

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """The heading of a column: the short title and which way is better."""
        return f"{self.short} {self.arrow}"

    @property
    def captions(self) -> bool:
        """Whether it compares captions of the images."""
        return Role.CAPTIONER in self.roles

    @property
    def default_models(self) -> dict[Role, ModelRef]:
        """The models that play its roles where a profile names none."""
        return {model.role: model.default for model in self.models if model.default is not None}


class BrokenMetricError(KeyError):
    """The metric of a package that cannot be used; the text names both and says what to do."""


DType = Literal["auto", "float32", "float16", "bfloat16"]


Quantisation = Literal["none", "8bit", "4bit"]


Precision = Literal["aim", "fast"]


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model of a profile: a hub id or a local folder, and how to run it.

    `id` is a hub id ('openai/clip-vit-base-patch32') or, for LPIPS, the trunk ('alex', 'vgg').
    `path` is a local folder or file that is used instead of the hub, resolved to an absolute path.
    `dtype` 'auto' is AIM's choice: the captioner in float16 on CUDA, everything else in float32.
    """

    id: str = ""
    path: str | None = None
    revision: str | None = None
    dtype: DType = "auto"
    device: str = "auto"
    attention: str | None = None
    quantisation: Quantisation = "none"
    batch_size: int | None = None
    processor: str | None = None
    """The hub id of the CLIP whose image processor and tokenizer an EditCLIP takes that has none of its own."""
    layer: int | None = None
    """Which layer's features count, for a model that is asked for those of one; see `core.bertscore`."""

    @property
    def name(self) -> str:
        """What to call the model in messages."""
        return self.path or self.id
