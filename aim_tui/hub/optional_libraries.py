"""Libraries that only some metrics need: check that they are installed."""

from __future__ import annotations

from collections.abc import Iterable

from aim_tui.core.metrics.registry import get_metric
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.folder_check import is_installed


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError if one of these metrics needs a library that is not installed; imports nothing."""
    for metric in metrics:
        for library in get_metric(metric).libraries:
            if not is_installed(library):
                raise ModelUnavailableError(
                    f"{metric} needs {library.module}, which is not installed",
                    f"install it: pip install 'aim-tui[{library.extra}]'; or leave {metric} out",
                )
