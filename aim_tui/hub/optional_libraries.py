"""Libraries that only some metrics need: check that they are installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from aim_tui.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

# By metric: the library, and the extra of our package that installs it.
_NEEDED = {"bertscore": ("torchmetrics", "bertscore")}


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError if one of these metrics needs a library that is not installed; imports nothing."""
    for metric in metrics:
        library, extra = _NEEDED.get(metric, ("", ""))
        if library and importlib.util.find_spec(library) is None:
            raise ModelUnavailableError(
                f"{metric} needs {library}, which is not installed",
                f"install it: pip install 'aim-tui[{extra}]'; or leave {metric} out",
            )
