"""aim_tui evaluates AI-generated images: in the terminal, and as `Evaluator` from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aim_tui.evaluator import Evaluator as Evaluator

__version__ = "0.1.0"
__all__ = ["Evaluator", "__version__"]


def __getattr__(name: str) -> Any:
    """The evaluator, imported when it is asked for: importing the package costs nothing."""
    if name == "Evaluator":
        from aim_tui.evaluator import Evaluator

        return Evaluator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
