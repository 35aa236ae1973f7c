"""Load the class of a metric, which may be another package's; what is wrong with it is reported by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aim_tui.core.metrics.plugins import WAY_OUT
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec, Role
from aim_tui.engine.metrics.base import ItemMetric, Metric
from aim_tui.engine.metrics.plugin_shapes import AdaptedMetric
from aim_tui.engine.models.loading import LoadedModel, resolve
from aim_tui.engine.out_of_memory import brief
from aim_tui.errors import AimError, UsageError

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Read

_OURS = "aim_tui."

log = logging.getLogger(__name__)


def metric_class(spec: MetricSpec) -> Callable[[Mapping[Role, LoadedModel]], ItemMetric | Metric]:
    """The class that computes a metric, or what makes it; UsageError where there is none."""
    try:
        found = resolve(spec.implementation)
    except (Exception, SystemExit) as error:  # another package's code, run for the first time
        log.exception("the metric %s cannot be imported", spec.id)
        raise _unusable(spec, f"{spec.implementation} cannot be imported: {_line(error)}") from None
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
    except Exception as error:  # another package's code
        log.exception("the metric %s cannot be made", spec.id)
        raise _unusable(spec, f"{spec.implementation} cannot be made: {brief(error)}") from None
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
    except AimError:
        raise
    except Exception as error:
        spec = get_metric(metric)
        if spec.implementation.startswith(_OURS):
            raise
        log.exception("the metric %s failed", metric)
        raise _unusable(spec, brief(error)) from None


def _line(error: BaseException) -> str:
    return brief(error) if isinstance(error, Exception) else type(error).__name__


def _unusable(spec: MetricSpec, problem: str) -> UsageError:
    return UsageError(f"metric {spec.id!r} cannot be computed: {problem}", WAY_OUT)
