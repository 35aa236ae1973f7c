"""The metrics by name: those of the program and those of installed packages.

Each is a frozen specification that names its models, libraries and implementation as data; listing them imports no
model code. Packages are only read for names that are not the program's own, because that takes a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aim_tui.core.metrics import plugins
from aim_tui.core.metrics.builtin import EXTRAS, METRICS
from aim_tui.core.metrics.edits import FAMILIES, MEASURES
from aim_tui.core.metrics.spec import MetricSpec, ModelRole, Need, Role
from aim_tui.core.names import did_you_mean

#: The origins of metrics besides packages, which have their name and version.
AIM, PROGRAM, STORED = "AIM", "aim-tui", "a stored run"


@dataclass(frozen=True, slots=True)
class Registered:
    """A metric and where it comes from: AIM, the program, a package, or a stored run whose package is gone."""

    spec: MetricSpec
    origin: str


_registered: dict[str, Registered] = {}


def register(spec: MetricSpec, origin: str) -> MetricSpec:
    """Add a metric for everything that lists, scores, sorts, filters or exports metrics.

    Raises ValueError where its id is taken or a role that it needs is described by no metric.
    """
    if spec.id in _registered:
        raise ValueError(f"the name {spec.id!r} is taken by a metric of {_registered[spec.id].origin}")
    described = {model.role for model in (*spec.models, *_models())}
    if missing := [role for role in spec.roles if role not in described]:
        raise ValueError(f"it needs the role {str(missing[0])!r}, which no ModelRole of its models describes")
    _registered[spec.id] = Registered(spec, origin)
    return spec


def get_metric(metric_id: str) -> MetricSpec:
    """The specification of a metric; a wrong name raises KeyError with the nearest right one.

    A broken plug-in raises BrokenMetricError, which says what is wrong with it and what to do.
    """
    if (known := _registered.get(metric_id)) is not None:
        return known.spec
    if (plugin := plugins.find(metric_id)) is not None:
        return register(*plugin)
    own = (metric for metric, each in _registered.items() if each.spec.needs is not Need.SOURCE)
    raise KeyError(f"unknown metric {metric_id!r}{did_you_mean(metric_id, (*own, *FAMILIES, *plugins.names()))}")


def registered() -> tuple[Registered, ...]:
    """Every metric known so far, in the order of registration; of packages only those that were requested."""
    return tuple(_registered.values())


def load_packages() -> list[plugins.Plugin]:
    """Register the metrics of all packages; returns those that cannot be used."""
    loaded = [plugins.load(name) for name in plugins.names()]
    for plugin in loaded:
        if plugin.spec is not None and plugin.name not in _registered:
            register(plugin.spec, plugin.package)
    return [plugin for plugin in loaded if plugin.spec is None]


def image_metrics() -> tuple[MetricSpec, ...]:
    """The metrics of single images that are known so far, AIM's first."""
    return tuple(each.spec for each in _registered.values() if each.spec.needs is not Need.SOURCE)


def other_metrics() -> tuple[MetricSpec, ...]:
    """The metrics of single images beside AIM's that are known so far."""
    return tuple(spec for spec in image_metrics() if spec.id not in METRICS)


def record_metric(spec: MetricSpec) -> None:
    """Register a metric as a stored run describes it, in case its package is no longer installed."""
    try:
        get_metric(spec.id)
    except KeyError:
        _registered[spec.id] = Registered(spec, STORED)


def in_order(metric_ids: Iterable[str]) -> tuple[str, ...]:
    """The given metric ids without repetition: AIM's and those of edits as registered, then the others by name.

    KeyError on a wrong name.
    """
    wanted = {get_metric(metric_id).id for metric_id in metric_ids}
    first = [metric for metric in _registered if metric in wanted and (metric in METRICS or metric in MEASURES)]
    return (*first, *sorted(wanted.difference(first)))


def images_in_order(metric_ids: Iterable[str]) -> tuple[str, ...]:
    """`in_order` for metrics of single images; KeyError on one of edits too."""
    metrics = in_order(metric_ids)
    if of_edits := next((metric for metric in metrics if get_metric(metric).needs is Need.SOURCE), None):
        raise KeyError(f"{of_edits!r} compares an edit with its source: use `aim-tui edit`")
    return metrics


def roles_in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    """The given roles without repetition: those that profiles name as registered, then the others by name."""
    wanted = set(roles)
    first = [model.role for model in _models() if model.default is None and model.role in wanted]
    return (*first, *sorted(wanted.difference(first)))


def profile_roles() -> tuple[Role, ...]:
    """The roles that have no default model, so that a profile has to name one."""
    return tuple(model.role for model in _models() if model.default is None)


def model_role(role: Role) -> ModelRole | None:
    """The description of the model of a role; None if no metric has such a role."""
    known = _model(role)
    if known is None:
        # Only the role was named, so its metric may not be registered yet.
        load_packages()
        known = _model(role)
    return known


def brought_by(role: Role) -> tuple[MetricSpec, ...]:
    """The metrics of the program that introduce the model of a role."""
    own = (each.spec for each in _registered.values() if each.origin in (AIM, PROGRAM))
    return tuple(spec for spec in own if any(model.role == role for model in spec.models))


def download_megabytes(repo: str) -> int | None:
    """The approximate download size of a repository in MB (10**6 bytes); None if no metric gives it."""
    return next((model.megabytes[repo] for model in _models() if repo in model.megabytes), None)


def _models() -> Iterator[ModelRole]:
    # A metric derived from another describes the same role again: the first description counts.
    described: dict[Role, ModelRole] = {}
    for each in _registered.values():
        for model in each.spec.models:
            described.setdefault(model.role, model)
    return iter(described.values())


def _model(role: Role) -> ModelRole | None:
    return next((model for model in _models() if model.role == role), None)


for _spec in METRICS.values():
    register(_spec, AIM)
for _spec in (*EXTRAS.values(), *MEASURES.values()):
    register(_spec, PROGRAM)
