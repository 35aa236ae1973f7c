"""A profile: the model for each role, how it runs, and how its values are normalised and weighted. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import RuleSet
from aim_tui.core.metrics.registry import get_metric, roles_in_order
from aim_tui.core.metrics.spec import ModelRef, Role


@dataclass(frozen=True, slots=True)
class Profile:
    """Models by role, the normalisation rules, and the weights that go with them."""

    name: str
    models: Mapping[Role, ModelRef]
    rules: RuleSet
    weights: Mapping[str, float]
    description: str = ""
    notice: str = ""
    """Shown by the screen and in every output while the profile is in use."""
    metrics: tuple[str, ...] = field(default=tuple(METRICS))

    def roles_for(self, metrics: Iterable[str]) -> tuple[Role, ...]:
        """The roles that these metrics need, in a stable order."""
        return roles_in_order(role for metric in metrics for role in get_metric(metric).roles)

    def equipped(self, metrics: Iterable[str]) -> Profile:
        """The profile with default models and weights for these metrics where it has none."""
        specs = [get_metric(metric) for metric in metrics]
        models: dict[Role, ModelRef] = {}
        for spec in specs:
            models |= spec.default_models
        models |= self.models
        weights = {spec.id: spec.default_weight for spec in specs} | dict(self.weights)
        if len(models) == len(self.models) and len(weights) == len(self.weights):
            return self
        return replace(self, models=models, weights=weights)

    def rules_note(self) -> str:
        """Which rules are used, and for which models their thresholds were not set."""
        others = [
            f"{role} {self.models[role].id or self.models[role].name}"
            for role in self.models
            if role in self.rules.made_for and self.models[role].id != self.rules.made_for[role]
        ]
        if not others:
            return f"rules: {self.rules.name}"
        made_for = ", ".join(f"{role} {model}" for role, model in self.rules.made_for.items())
        return f"rules: {self.rules.name}, whose thresholds were set for {made_for}; not for {', '.join(others)}"
