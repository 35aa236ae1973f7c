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
    """The image before an edit and the instruction, which every item has (`core.metrics.edits`)."""
    NOTHING = "nothing"
    """The image alone is scored, or compared with something of the metric's own: its `against`."""


class Role(StrEnum):
    """The roles of models in a profile; any other name is the role of a metric's own model."""

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
    """A model of a metric: its name, how to load it, and what to download.

    `default` is used if a profile names no model for the role; with None every profile must name one. `loader` is
    "module:function", resolved only by the engine; the function takes (ref, local, placement), as
    `aim_tui.engine.models.clip.load` does.
    """

    role: Role
    title: str
    default: ModelRef | None
    loader: str
    parts: tuple[str, ...] = ("config", "weights")
    """What its folder must hold: config, weights, tokenizer, processor, modules (a sentence encoder), safetensors."""
    megabytes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """The approximate download size in MB (10**6 bytes), by the full hub id."""
    owner: str = ""
    """The owner of a hub id without one."""


@dataclass(frozen=True, slots=True)
class Library:
    """An optional library that a metric needs."""

    module: str
    extra: str
    """The extra of the program's package that installs it."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Everything about a metric, and where its code is.

    `low` and `high` bound the raw value; `implementation` is "module:Class", resolved only by the engine. `models`
    describes those of its `roles` that it introduces; `source` says where formula and model were published.
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
    """What images are compared with if the metric needs nothing from the user."""
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
        """The models for its roles where a profile names none."""
        return {model.role: model.default for model in self.models if model.default is not None}


class BrokenMetricError(KeyError):
    """A package's metric that cannot be used; the message names both and says what to do."""


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
    """The hub id of the CLIP whose image processor and tokenizer an EditCLIP without its own uses."""
    layer: int | None = None
    """The layer whose features are used, for BERTScore; see `core.metrics.bertscore`."""

    @property
    def name(self) -> str:
        """What to call the model in messages."""
        return self.path or self.id
