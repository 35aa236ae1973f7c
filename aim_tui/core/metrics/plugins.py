"""Metrics of other packages: the entry points of the group `aim_tui.metrics`, read on first use.

An entry point has the name of its metric and points to a MetricSpec. Only requested ones are loaded, and a broken one
affects nothing else. Only the engine imports the class that computes the metric.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aim_tui.core.metrics.builtin import EXTRAS, METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.package_code import PackageCodeError, imported, in_words
from aim_tui.core.metrics.spec import NAME, BrokenMetricError, Library, MetricSpec, ModelRef, ModelRole, Need, Role

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "aim_tui.metrics"
WAY_OUT = "update or uninstall that package, or leave the metric out"

log = logging.getLogger(__name__)

_SHORT = 8
# A specification is data; the class that computes the metric may import a model library, and has its own limit.
_IMPORT_SECONDS = 10.0
_TEXTS = ("title", "short", "raw_field", "norm_field", "unit", "formula", "implementation", "source", "against")
_OWN = METRICS | EXTRAS | MEASURES
_OWN_ROLES = frozenset(model.role for spec in _OWN.values() for model in spec.models)


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point: its metric, or why it has none."""

    name: str
    package: str
    spec: MetricSpec | None
    problem: str = ""


def names() -> tuple[str, ...]:
    """The names of the metrics of other packages, without loading one."""
    return tuple(_entries())


def every() -> list[MetricSpec]:
    """The metrics of all packages, without those that cannot be used; loads them, so call it in a thread."""
    return [plugin.spec for plugin in map(load, names()) if plugin.spec is not None]


def find(name: str) -> tuple[MetricSpec, str] | None:
    """A metric and its package; None if no package has one of that name, BrokenMetricError if it is unusable."""
    if name not in _entries():
        return None
    plugin = load(name)
    if plugin.spec is None:
        raise BrokenMetricError(f"metric {name!r} of {plugin.package} cannot be used: {plugin.problem}; {WAY_OUT}")
    return plugin.spec, plugin.package


@cache
def load(name: str) -> Plugin:
    """The plug-in that names a metric, which must be one of `names`; never raises for what is wrong with it."""
    entries = _entries()[name]
    package = " and ".join(sorted({_package(entry) for entry in entries}))
    try:
        return Plugin(name, package, _spec(name, entries))
    except _UnusableError as error:
        return Plugin(name, package, None, str(error))


class _UnusableError(Exception):
    """What is wrong with a plug-in."""


@cache
def _entries() -> dict[str, list[EntryPoint]]:
    # Slow to import, and only needed for names that are not the program's own.
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        # An editable install may be listed twice, by its metadata and by its source.
        if entry.value not in {other.value for other in found.get(entry.name, ())}:
            found.setdefault(entry.name, []).append(entry)
    return dict(sorted(found.items()))


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "of an unknown name"


def _spec(name: str, entries: list[EntryPoint]) -> MetricSpec:
    if name in _OWN:
        raise _UnusableError(f"the name {name!r} is taken by a metric of aim-tui itself")
    if len(entries) > 1:
        raise _UnusableError(f"{len(entries)} packages name a metric {name!r}")
    try:
        found = imported(entries[0].load, _IMPORT_SECONDS)
    except PackageCodeError as error:
        # Only for authors of plug-ins; users get the message below.
        log.debug("the plug-in %s cannot be loaded", name, exc_info=True)
        raise _UnusableError(f"{entries[0].value} cannot be imported: {error}") from error
    if not isinstance(found, MetricSpec):
        raise _UnusableError(f"{entries[0].value} is a {type(found).__name__}, not a MetricSpec")
    try:
        problem = spec_problem(name, found)
    except Exception as error:  # fields of other types than they should be
        raise _UnusableError(f"its specification cannot be read: {in_words(error)}") from error
    if problem:
        raise _UnusableError(problem)
    return found


def spec_problem(name: str, spec: MetricSpec) -> str:
    """What is wrong with the specification of a metric of this name; empty if nothing is."""
    if spec.id != name or not NAME.fullmatch(name):
        return f"its name is {name!r} and its id {spec.id!r}; both are one, in small letters, digits and underscores"
    for field in _TEXTS:
        if not isinstance(getattr(spec, field), str):
            return f"its {field} is not a text"
    for field in ("title", "short", "unit", "formula"):
        if not getattr(spec, field).strip():
            return f"its {field} is empty"
    if len(spec.short) > _SHORT:
        return f"its short title {spec.short!r} is longer than {_SHORT} letters, which is what a column has"
    if spec.raw_field not in (name, f"{name}_score") or spec.norm_field != f"{name}_norm":
        return (
            f"its fields are {spec.raw_field!r} and {spec.norm_field!r}, not {name + '_score'!r} and {name + '_norm'!r}"
        )
    if not all(isinstance(library, Library) for library in spec.libraries):
        return "its libraries are Library objects, each with a module and an extra"
    return _numbers_problem(spec) or _needs_problem(spec) or _models_problem(spec)


def _numbers_problem(spec: MetricSpec) -> str:
    numbers = (spec.low, spec.high, spec.default_weight)
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        return "low, high and default_weight are numbers"
    if math.isnan(spec.low) or math.isnan(spec.high) or spec.low >= spec.high:
        return f"its range goes from {spec.low} to {spec.high}"
    if spec.default_weight != 0:
        return f"its weight is {spec.default_weight}; it is 0 until a profile gives it a rule and a weight"
    if not isinstance(spec.decimals, int) or not 1 <= spec.decimals <= 9:
        return f"its decimals are {spec.decimals}; there are 1 to 9"
    return "" if isinstance(spec.higher_is_better, bool) else "higher_is_better is True or False"


def _needs_problem(spec: MetricSpec) -> str:
    if not isinstance(spec.needs, Need) or spec.needs is Need.SOURCE:
        return f"it needs {spec.needs!r}; a metric needs Need.PROMPT, TOPIC, REFERENCE or NOTHING"
    module, _, attribute = spec.implementation.partition(":")
    parts = (*module.split("."), *attribute.split("."))
    if not all(part.isidentifier() for part in parts):
        return f"its implementation is {spec.implementation!r}, not 'module:Class'"
    return ""


def _models_problem(spec: MetricSpec) -> str:
    for model in spec.models:
        if not isinstance(model, ModelRole) or not isinstance(model.default, ModelRef) or ":" not in model.loader:
            return "its models are ModelRoles, each with a ModelRef and a loader 'module:function'"
        if model.role in _OWN_ROLES:
            return f"the role {str(model.role)!r} is one of aim-tui itself; give the model a name of its own"
    own_roles = {model.role for model in spec.models}
    for role in spec.roles:
        if not isinstance(role, Role) or (role not in _OWN_ROLES and role not in own_roles):
            return f"it needs the role {str(role)!r}, which no ModelRole of its models describes"
    return ""
