"""Plans, profiles and events as JSON data and back; unknown fields are ignored."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric, record_metric
from aim_tui.core.metrics.spec import MetricSpec, ModelRef, Need, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan

Flat = TypeVar("Flat")


def to_flat(value: Any) -> dict[str, Any]:
    """The fields of a dataclass whose fields are plain data."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def from_flat(kind: type[Flat], data: Mapping[str, Any]) -> Flat:
    """An instance of a dataclass whose fields are plain data."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in known})


def checked(kind: type[Flat], text: str) -> Flat:
    """An instance of a dataclass from JSON; ValueError if a field is missing, of another type, or not finite."""
    return checked_fields(kind, json.loads(text))


def checked_fields(kind: type[Flat], data: Any) -> Flat:
    """The same from JSON data."""
    found = msgspec.convert(data, kind)
    for name, value in data.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is not a finite number")
    return found


def own_to_data(context: Context) -> dict[str, str]:
    """The own context of an image as JSON data; the parts of an edit have columns of their own."""
    return {"topic": context.topic, "prompt": context.prompt, "reference": context.reference}


def plan_to_data(plan: ScoringPlan) -> dict[str, Any]:
    """A scoring plan as JSON data, with the specifications of metrics that may come from packages."""
    data = {"metrics": list(plan.metrics), "weights": dict(plan.weights), "rules": _rules_to_data(plan.rules)}
    others = [get_metric(metric) for metric in plan.metrics if metric not in METRICS and metric not in MEASURES]
    return data | {"specs": [_spec_to_data(spec) for spec in others]} if others else data


def plan_from_json(text: str) -> ScoringPlan:
    """The inverse of `plan_to_data`, as JSON."""
    data = json.loads(text)
    for spec in data.get("specs", ()):
        record_metric(_spec_from_data(spec))
    return ScoringPlan(tuple(data["metrics"]), data["weights"], _rules_from_data(data["rules"]))


def profile_to_data(profile: Profile) -> dict[str, Any]:
    """A profile as JSON data."""
    return {
        "name": profile.name,
        "models": {str(role): to_flat(ref) for role, ref in profile.models.items()},
        "rules": _rules_to_data(profile.rules),
        "weights": dict(profile.weights),
        "description": profile.description,
        "notice": profile.notice,
        "metrics": list(profile.metrics),
    }


def profile_from_json(text: str) -> Profile:
    """The inverse of `profile_to_data`, as JSON."""
    data = json.loads(text)
    return Profile(
        name=data["name"],
        models={Role(role): from_flat(ModelRef, ref) for role, ref in data["models"].items()},
        rules=_rules_from_data(data["rules"]),
        weights=data["weights"],
        description=data["description"],
        notice=data["notice"],
        metrics=tuple(data["metrics"]),
    )


def _spec_to_data(spec: MetricSpec) -> dict[str, Any]:
    data = {name: value for name, value in to_flat(spec).items() if name not in ("models", "libraries")}
    return data | {"low": _number(spec.low), "high": _number(spec.high)}


def _spec_from_data(data: Mapping[str, Any]) -> MetricSpec:
    """Enough of a specification to read values; to score with the metric its package is needed."""
    needs, roles = Need(data["needs"]), tuple(Role(role) for role in data["roles"])
    low, high = float(data["low"]), float(data["high"])
    return from_flat(MetricSpec, {**data, "needs": needs, "roles": roles, "low": low, "high": high})


def _rules_to_data(rules: RuleSet) -> dict[str, Any]:
    return {
        "name": rules.name,
        "source": rules.source,
        "made_for": dict(rules.made_for),
        "rules": {
            metric: [[_number(piece.upto), piece.start, piece.end] for piece in rule.pieces]
            for metric, rule in rules.rules.items()
        },
    }


def _rules_from_data(data: Mapping[str, Any]) -> RuleSet:
    rules = {
        metric: Rule(tuple(Piece(float(upto), start, end) for upto, start, end in pieces))
        for metric, pieces in data["rules"].items()
    }
    return RuleSet(data["name"], rules, data["made_for"], data["source"])


def _number(value: float) -> float | str:
    """A number for JSON, which has no infinity; float() reads the text."""
    return value if math.isfinite(value) else str(value)
