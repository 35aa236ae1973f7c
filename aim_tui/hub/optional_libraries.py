"""Libraries that a metric computes with and the program does without: found, or told how to get them."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from aim_tui.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

# By metric: the library, and the extra of the program's package that brings it.
_NEEDED = {"bertscore": ("torchmetrics", "bertscore")}


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError where one of these metrics cannot be computed for want of a library; imports nothing."""
    for metric in metrics:
        library, extra = _NEEDED.get(metric, ("", ""))
        if library and importlib.util.find_spec(library) is None:
            raise ModelUnavailableError(
                f"{metric} is computed by {library}, which is not installed",
                f"install it: pip install 'aim-tui[{extra}]'; or leave {metric} out",
            )
