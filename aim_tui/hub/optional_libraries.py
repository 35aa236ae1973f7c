"""Libraries that only some metrics need: check that they are installed."""

from __future__ import annotations

from collections.abc import Iterable

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Library
from aim_tui.core.names import did_you_mean
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.folder_check import is_installed

#: How attention can be computed, by the names of transformers, with the package that each needs.
_ATTENTION = {
    "eager": None,
    "sdpa": None,
    "flex_attention": None,
    "flash_attention_2": ("flash_attn", "flash-attn"),
    "flash_attention_3": ("flash_attn_interface", "flash-attn-3"),
}


def attention_problem(attention: str | None) -> tuple[str, str]:
    """Why attention cannot be computed in the way that the settings name, and what to do; empty where it can."""
    if attention is None:
        return "", ""
    if attention not in _ATTENTION:
        known = ", ".join(_ATTENTION)
        return f"attention {attention!r} is not known{did_you_mean(attention, _ATTENTION)}", f"set attention to {known}"
    package = _ATTENTION[attention]
    if package is None or is_installed(Library(package[0], "")):
        return "", ""
    return (
        f"attention {attention!r} needs {package[1]}, which is not installed",
        f'install it: pip install {package[1]}; or set attention = "sdpa" in the settings',
    )


def require_libraries(metrics: Iterable[str]) -> None:
    """ModelUnavailableError if one of these metrics needs a library that is not installed; imports nothing."""
    for metric in metrics:
        for library in get_metric(metric).libraries:
            if not is_installed(library):
                raise ModelUnavailableError(
                    f"{metric} needs {library.module}, which is not installed",
                    f"install it: pip install 'aim-tui[{library.extra}]'; or leave {metric} out",
                )
