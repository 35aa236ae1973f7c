"""What the images are scored by: a profile, which of its metrics, and the weight of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric, in_order
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """The choice of the user; what can be scored by it depends on topic, prompt and reference."""

    profile: Profile
    enabled: tuple[str, ...]
    weights: Mapping[str, float]

    @classmethod
    def of(cls, profile: Profile, enabled: Iterable[str], weights: Mapping[str, float]) -> MetricChoice:
        """These metrics of a profile, with the models and weights that those not of AIM bring."""
        metrics = in_order(enabled)
        defaults = {metric: get_metric(metric).default_weight for metric in metrics}
        return cls(profile.equipped(metrics), metrics, defaults | dict(weights))

    def weighed(self, weights: Mapping[str, float], enabled: Iterable[str] | None = None) -> MetricChoice:
        """The same with other weights; ValueError where they make no sense."""
        choice = MetricChoice.of(self.profile, self.enabled if enabled is None else enabled, weights)
        ScoringPlan(choice.enabled, choice.weights, choice.profile.rules)
        return choice

    def under(self, profile: Profile) -> MetricChoice:
        """The same metrics, as far as another profile has them, with that profile's weights.

        Every profile has the metrics that are not AIM's own.
        """
        enabled = tuple(metric for metric in self.enabled if metric in profile.metrics or metric not in METRICS)
        profile = profile.equipped(enabled)
        if not any(profile.weights[metric] > 0 for metric in enabled):
            enabled = in_order((*profile.metrics, *enabled))
        return MetricChoice(profile, enabled, dict(profile.weights))

    def skipped(self, context: Context) -> dict[str, str]:
        """The metrics that leave the final score, each with the reason."""
        missing = context.missing_for(self.enabled)
        off = {metric: "switched off" for metric in METRICS if metric not in self.enabled}
        metrics = in_order((*METRICS, *self.enabled))
        return {metric: reason for metric in metrics if (reason := off.get(metric) or missing.get(metric))}

    def plan(self, context: Context) -> tuple[ScoringPlan, str]:
        """The plan for a context, and why nothing can be scored by it (the plan then is of all enabled metrics)."""
        missing = context.missing_for(self.enabled)
        metrics = tuple(metric for metric in self.enabled if metric not in missing)
        everything = ScoringPlan(self.enabled, self.weights, self.profile.rules)
        if not metrics:
            return everything, f"nothing can be scored: {', '.join(dict.fromkeys(missing.values()))}"
        try:
            return ScoringPlan(metrics, self.weights, self.profile.rules), ""
        except ValueError as error:
            return everything, str(error)
