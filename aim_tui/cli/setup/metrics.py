"""`aim-tui metrics`: every metric, what its number means, and which package provides it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.padding import Padding

from aim_tui.cli import options
from aim_tui.cli.console import facts, print_json, say, show, words
from aim_tui.core.metrics.plugins import WAY_OUT, Plugin
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import Registered, images_in_order, load_packages, registered
from aim_tui.core.metrics.spec import MetricSpec, Need
from aim_tui.errors import UsageError
from aim_tui.settings.settings import load_settings


def metrics(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Only these.")] = None,
    profile: options.Profile = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """List the metrics of `score --metrics`: range, formula, source, models and requirements.

    Plug-ins that cannot be used are named on stderr. Exit: 0, or 2 for an unknown name.
    """
    settings = load_settings(config)
    models = settings.profile(profile) if profile else settings.profiles.get(settings.default_profile)
    listed, broken = _listed(names or [])
    if as_json:
        records = [_as_data(metric, models) for metric in listed]
        unusable = [{"name": plugin.name, "package": plugin.package, "problem": plugin.problem} for plugin in broken]
        print_json({"metrics": records, "unusable": unusable})
        return
    _print(listed, models)
    for plugin in broken:
        say(f"{plugin.name} of {plugin.package} cannot be used: {plugin.problem}; {WAY_OUT}", "red")


def _listed(names: list[str]) -> tuple[list[Registered], list[Plugin]]:
    broken = load_packages()
    listed = [metric for metric in registered() if metric.spec.needs is not Need.SOURCE]
    if not names:
        return listed, broken
    try:
        wanted = images_in_order(names)
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    return [metric for metric in listed if metric.spec.id in wanted], []


def _print(listed: list[Registered], profile: Profile | None) -> None:
    parts: list[Any] = [
        Group(
            words(f"{metric.spec.id}  {metric.spec.title}", "bold"),
            Padding(facts(_facts(metric, profile)), (0, 0, 0, 2)),
        )
        for metric in listed
    ]
    show(*parts)


def _facts(metric: Registered, profile: Profile | None) -> Iterator[tuple[str, object]]:
    spec = metric.spec
    yield "needs", spec.needs
    better = "higher" if spec.higher_is_better else "lower"
    yield "range", f"{_bound(spec.low)} to {_bound(spec.high)}, {better} is better"
    yield "formula", spec.formula
    yield "source", spec.source
    yield "model", "; ".join(f"{role} {name}" for role, name in _models(spec, profile).items()) or "none"
    yield "column", spec.raw_field
    yield "from", metric.origin


def _models(spec: MetricSpec, profile: Profile | None) -> dict[str, str]:
    refs = spec.default_models | (dict(profile.models) if profile is not None else {})
    return {str(role): refs[role].id or refs[role].name for role in spec.roles if role in refs}


def _bound(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "any number"


def _as_data(metric: Registered, profile: Profile | None) -> dict[str, Any]:
    spec = metric.spec
    return {
        "name": spec.id,
        "title": spec.title,
        "field": spec.raw_field,
        "needs": str(spec.needs),
        "higher_is_better": spec.higher_is_better,
        "low": spec.low if math.isfinite(spec.low) else None,
        "high": spec.high if math.isfinite(spec.high) else None,
        "unit": spec.unit,
        "formula": spec.formula,
        "source": spec.source,
        "models": _models(spec, profile),
        "from": metric.origin,
    }
