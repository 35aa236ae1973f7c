"""The metrics: one frozen specification each. Listing them imports no model code.

AIM's three stand here and make the final score. Others stand beside them, as raw columns: those that come with the
program (`core.extras`) and those of packages (`core.plugins`), which are looked for where a name is none of these.
Those of edits (`core.metrics.edits`) are found too, and are no columns of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.spec import MetricSpec, ModelRole, Role
from aim_tui.core.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Every metric beside AIM's that was named so far.
_named: dict[str, MetricSpec] = {}


def get_metric(metric_id: str) -> MetricSpec:
    """The specification of a metric; a wrong name raises KeyError with the nearest right one.

    A plug-in that is broken raises BrokenMetricError, which says what is wrong with it and what to do.
    """
    if (spec := METRICS.get(metric_id) or MEASURES.get(metric_id) or _named.get(metric_id)) is None:
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
