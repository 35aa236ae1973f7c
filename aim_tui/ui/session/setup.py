"""Changes what images are compared with, and how much each metric weighs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aim_tui.core.scoring.context import Context
    from aim_tui.ui.session.workspace import Workspace


class SetupService:
    """Topic, prompt, reference, weights. Values that were made against something else become stale."""

    def __init__(self, workspace: Workspace, look_for_models: Callable[[], None]) -> None:
        """`look_for_models` is called when other metrics are switched on: they may need other models."""
        self._workspace = workspace
        self._look_for_models = look_for_models

    def set_prompt(self, topic: str, prompt: str) -> None:
        """Compare with other texts."""
        self._workspace.saved_state.add_texts(topic, prompt)
        self._set_context(dataclasses.replace(self._workspace.context, topic=topic, prompt=prompt))

    def set_reference(self, path: str) -> None:
        """Compare with this image."""
        self._set_context(dataclasses.replace(self._workspace.context, reference=path))

    def clear_reference(self) -> None:
        """Compare with no image: LPIPS is skipped."""
        self._set_context(dataclasses.replace(self._workspace.context, reference=""))

    def set_weights(self, weights: Mapping[str, float], enabled: Iterable[str] | None = None) -> str:
        """Change weights and switches; no model is loaded. Returns why that cannot be, or an empty text."""
        workspace = self._workspace
        before = workspace.enabled
        try:
            workspace.choice = workspace.choice.weighed(weights, enabled)
        except ValueError as error:
            return str(error)
        workspace.setup_changed()
        if workspace.enabled != before:
            self._look_for_models()
        return ""

    def _set_context(self, context: Context) -> None:
        workspace = self._workspace
        if context != workspace.context:
            workspace.results.context = context
            if workspace.viewed is None:
                workspace.saved_state.set_context(context)
            workspace.setup_changed()
