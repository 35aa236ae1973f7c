"""Libraries that a metric computes with and the program does without: found, or told how to get them."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from aim_tui.core.metrics.registry import get_metric
from aim_tui.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError where one of these metrics cannot be computed for want of a library; imports nothing."""
    for metric in metrics:
        for library in get_metric(metric).libraries:
            if importlib.util.find_spec(library.module) is None:
                raise ModelUnavailableError(
                    f"{metric} is computed by {library.module}, which is not installed",
                    f"install it: pip install 'aim-tui[{library.extra}]'; or leave {metric} out",
                )
