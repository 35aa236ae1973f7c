"""Libraries that only some metrics need: check that they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from aim_tui.core.metrics.registry import get_metric
from aim_tui.errors import ModelUnavailableError


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError if one of these metrics needs a library that is not installed; imports nothing."""
    for metric in metrics:
        for library in get_metric(metric).libraries:
            if importlib.util.find_spec(library.module) is None:
                raise ModelUnavailableError(
                    f"{metric} needs {library.module}, which is not installed",
                    f"install it: pip install 'aim-tui[{library.extra}]'; or leave {metric} out",
                )
