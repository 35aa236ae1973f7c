"""Changes what images are compared with, and how much each metric weighs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.registry import get_metric, in_order
from aim_tui.core.text import file_name
from aim_tui.ui.session.undo_history import UndoHistory, UndoResult, UndoStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from aim_tui.ui.session.metric_choice import MetricChoice
    from aim_tui.ui.session.workspace import Workspace

# More of a text, or more weights, is not needed to know what is undone.
_TEXT_SHOWN = 40
_WEIGHTS_SHOWN = 2


class SetupService:
    """Topic, prompt, reference, weights. Values that were made against something else become stale.

    Each change is a step of the undo history as long as the folder, or the stored run, is shown in which it was made.
    """

    def __init__(self, workspace: Workspace, look_for_models: Callable[[], None], undo_history: UndoHistory) -> None:
        """`look_for_models` is called when other metrics are switched on: they may need other models."""
        self._workspace = workspace
        self._look_for_models = look_for_models
        self._undo_history = undo_history
        self._owners: set[object] = set()

    def set_prompt(self, topic: str, prompt: str) -> None:
        """Compare with other texts."""
        self._workspace.saved_state.add_texts(topic, prompt)
        self._change_context(topic=topic, prompt=prompt)

    def set_reference(self, path: str) -> None:
        """Compare with this image, or with none where it is empty; reports what it takes the place of."""
        before = self._workspace.context.reference
        after, was = (file_name(each) or "none" for each in (path, before))
        if path == before:
            self._workspace.notify(f"reference: {after}, as before")
            return
        if after == was:
            after, was = path, before
        self._change_context(reference=path)
        self._workspace.notify(f"reference: {after}, was {was}; u undoes")

    def clear_reference(self) -> None:
        """Compare with no image: LPIPS is skipped."""
        self.set_reference("")

    def set_weights(self, weights: Mapping[str, float], enabled: Iterable[str] | None = None) -> str:
        """Change weights and switches; no model is loaded. Returns why that cannot be, or an empty text."""
        workspace = self._workspace
        before = workspace.choice
        try:
            after = before.weighed(weights, enabled)
        except ValueError as error:
            return str(error)
        self._choose(after)
        if what := _weights_words(before, after):
            owner = (workspace.source, workspace.profile.name)
            choose = partial(self._choose_again, workspace.source)
            self._add_step(UndoStep(what, partial(choose, before), partial(choose, after), owner=owner))
        return ""

    def rows_shown(self) -> None:
        """Other rows are shown: what was changed in another folder, or in a stored run that was left, stays so."""
        workspace = self._workspace
        choice = workspace.behind.choice if workspace.behind is not None else workspace.choice
        folder = workspace.folder
        shown = {workspace.source, (workspace.source, workspace.profile.name), folder, (folder, choice.profile.name)}
        for owner in self._owners - shown:
            self._undo_history.forget(owner)
        self._owners &= shown

    def _add_step(self, step: UndoStep) -> None:
        self._owners.add(step.owner)
        self._undo_history.add(step)

    # -- topic, prompt, reference ------------------------------------------------------------------------------------

    def _change_context(self, **fields: str) -> None:
        workspace = self._workspace
        before = {name: getattr(workspace.context, name) for name in fields}
        after = {name: value for name, value in fields.items() if value != before[name]}
        if after:
            self._set_context(after)
            undone = {name: before[name] for name in after}
            change = partial(self._set_context_again, workspace.source)
            what = " and ".join(_context_words(name, value) for name, value in after.items())
            self._add_step(UndoStep(what, partial(change, undone), partial(change, after), owner=workspace.source))

    def _set_context(self, fields: Mapping[str, Any]) -> None:
        workspace = self._workspace
        workspace.results.context = dataclasses.replace(workspace.context, **fields)
        if workspace.viewed is None:
            workspace.saved_state.set_context(workspace.context)
        workspace.setup_changed()

    async def _set_context_again(self, source: str, fields: Mapping[str, Any]) -> UndoResult:
        if self._elsewhere(source):
            return UndoResult.REFUSED
        self._set_context(fields)
        return UndoResult.DONE

    # -- weights -----------------------------------------------------------------------------------------------------

    def _choose(self, choice: MetricChoice) -> None:
        workspace = self._workspace
        before, workspace.choice = workspace.enabled, choice
        workspace.setup_changed()
        if workspace.enabled != before:
            self._look_for_models()

    async def _choose_again(self, source: str, choice: MetricChoice) -> UndoResult:
        if self._elsewhere(source):
            return UndoResult.REFUSED
        self._choose(choice)
        return UndoResult.DONE

    def _elsewhere(self, source: str) -> bool:
        """Whether a stored run is shown in place of the folder in which something was changed, which is reported."""
        if elsewhere := self._workspace.source != source:
            self._workspace.notify(
                "that was changed in the folder, not in this stored run; esc goes back to it", "warning"
            )
        return elsewhere


def _context_words(field: str, value: str) -> str:
    if not value.strip():
        return f"clearing the {field}"
    if field == "reference":
        return f"reference {file_name(value)}"
    return f'{field} "{value if len(value) <= _TEXT_SHOWN else f"{value[: _TEXT_SHOWN - 1]}…"}"'


def _weights_words(before: MetricChoice, after: MetricChoice) -> str:
    """What has changed, in a few words; nothing where nothing has."""
    words = []
    for metric in in_order({*before.enabled, *after.enabled, *before.weights, *after.weights}):
        name, was, weight = get_metric(metric).short, before.weights.get(metric, 0.0), after.weights.get(metric, 0.0)
        if (metric in before.enabled) != (metric in after.enabled):
            words.append(f"{name} {'on' if metric in after.enabled else 'off'}")
        elif weight != was:
            words.append(f"weight of {name} {was:g} to {weight:g}")
    more = len(words) - _WEIGHTS_SHOWN
    return ", ".join(words[:_WEIGHTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
