"""Load the class of a metric, which may be another package's; what is wrong with it is reported by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from aim_tui.core.metrics.package_code import PackageCodeError, imported, in_words
from aim_tui.core.metrics.plugins import WAY_OUT
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec, Role
from aim_tui.engine.metrics.base import ItemMetric, Metric
from aim_tui.engine.metrics.plugin_shapes import AdaptedMetric
from aim_tui.engine.models.loading import LoadedModel, resolve
from aim_tui.errors import AimError, UsageError

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Read

_OURS = "aim_tui."
# A package may import a model library that is not here yet, from a slow disk.
_IMPORT_SECONDS = 120.0

log = logging.getLogger(__name__)


def metric_class(spec: MetricSpec) -> Callable[[Mapping[Role, LoadedModel]], ItemMetric | Metric]:
    """The class that computes a metric, or what makes it; UsageError where there is none."""
    try:
        found = (
            resolve(spec.implementation)
            if _is_ours(spec)
            else imported(partial(resolve, spec.implementation), _IMPORT_SECONDS)
        )
    except PackageCodeError as error:
        log.exception("the metric %s cannot be imported", spec.id)
        raise _unusable(spec, f"{spec.implementation} cannot be imported: {error}") from None
    if not callable(found):
        raise _unusable(spec, f"{spec.implementation} is a {type(found).__name__}, not a class")
    maker: Callable[[Mapping[Role, LoadedModel]], ItemMetric | Metric] = found
    return maker


def load_metric(spec: MetricSpec, models: Mapping[Role, LoadedModel], read: Read) -> ItemMetric:
    """The metric with the mapping that its models will be in; UsageError where it cannot be made."""
    maker = metric_class(spec)
    try:
        metric = maker(models)
    except AimError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # another package's code, which may even exit
        if _is_ours(spec):
            raise
        log.exception("the metric %s cannot be made", spec.id)
        raise _unusable(spec, f"{spec.implementation} cannot be made: {in_words(error)}") from None
    if isinstance(metric, Metric):
        return AdaptedMetric(spec, metric, models, read)
    if not isinstance(metric, ItemMetric):
        raise _unusable(spec, f"{spec.implementation} is not a subclass of aim_tui.engine.metrics.base.Metric")
    return metric


@contextmanager
def reporting(metric: str) -> Iterator[None]:
    """Report what another package's metric raises by its name; errors of our own metrics are errors of the program."""
    try:
        yield
    except (AimError, KeyboardInterrupt):
        raise
    except BaseException as error:
        spec = get_metric(metric)
        if _is_ours(spec):
            raise
        log.exception("the metric %s failed", metric)
        raise _unusable(spec, in_words(error)) from None


def foreign_metrics(specs: Iterable[MetricSpec]) -> list[str]:
    """Those of the metrics that other packages compute."""
    return [spec.id for spec in specs if not _is_ours(spec)]


def foreign_failure(metrics: Sequence[str], error: BaseException) -> UsageError:
    """The error of a job that failed where nothing tells which of several packages is to blame."""
    log.error("the metrics %s failed", metrics, exc_info=error)
    named = " or ".join(repr(metric) for metric in metrics)
    return UsageError(f"metric {named} cannot be computed: {in_words(error)}", WAY_OUT)


def _is_ours(spec: MetricSpec) -> bool:
    return spec.implementation.startswith(_OURS)


def _unusable(spec: MetricSpec, problem: str) -> UsageError:
    return UsageError(f"metric {spec.id!r} cannot be computed: {problem}", WAY_OUT)
