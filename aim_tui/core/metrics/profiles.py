"""A profile: which model plays each role, how it is run, and how its values are judged. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from aim_tui.core.metrics.registry import METRICS, Role, get_metric, roles_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aim_tui.core.metrics.normalisation import RuleSet

DType = Literal["auto", "float32", "float16", "bfloat16"]
Quantisation = Literal["none", "8bit", "4bit"]
Precision = Literal["aim", "fast"]

SAMPLE_NOTICE = "sample models, to try out: scores mean something only for the sample images"


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


@dataclass(frozen=True, slots=True)
class Profile:
    """Models by role, the normalisation rules, and the weights that go with them."""

    name: str
    models: Mapping[Role, ModelRef]
    rules: RuleSet
    weights: Mapping[str, float]
    description: str = ""
    notice: str = ""
    """Said by the screen and by every output while the profile is in use."""
    metrics: tuple[str, ...] = field(default=tuple(METRICS))

    def roles_for(self, metrics: Iterable[str]) -> tuple[Role, ...]:
        """The roles that these metrics need, in a stable order."""
        return roles_in_order(role for metric in metrics for role in get_metric(metric).roles)

    def equipped(self, metrics: Iterable[str]) -> Profile:
        """The profile with the models and weights that these metrics bring and it does not name."""
        specs = [get_metric(metric) for metric in metrics]
        models = {model.role: model.default for spec in specs for model in spec.models} | dict(self.models)
        weights = {spec.id: spec.default_weight for spec in specs} | dict(self.weights)
        if len(models) == len(self.models) and len(weights) == len(self.weights):
            return self
        return replace(self, models=models, weights=weights)

    def rules_note(self) -> str:
        """Which rules are used, and for which models their thresholds were not set."""
        strangers = [
            f"{role} {self.models[role].id or self.models[role].name}"
            for role in self.models
            if role in self.rules.made_for and self.models[role].id != self.rules.made_for[role]
        ]
        if not strangers:
            return f"rules: {self.rules.name}"
        made_for = ", ".join(f"{role} {model}" for role, model in self.rules.made_for.items())
        return f"rules: {self.rules.name}, whose thresholds were set for {made_for}; not for {', '.join(strangers)}"
