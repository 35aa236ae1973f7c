"""Weights and switches of the metrics, with the shares of the final score as they would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Checkbox, Input, Static

from aim_tui.core.metrics import METRICS
from aim_tui.core.scoring import ScoringPlan
from aim_tui.ui.screens.dialog import Dialog
from aim_tui.ui.widgets.weights_bar import share_bar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.widget import Widget

    from aim_tui.core.normalisation import RuleSet


@dataclass(frozen=True, slots=True)
class Weighing:
    """Which metrics count, and how much."""

    weights: Mapping[str, float]
    enabled: tuple[str, ...]


class WeightsScreen(Dialog[Weighing]):
    """The weights as they should be, or None."""

    CSS_PATH: ClassVar[list[str]] = ["dialog.tcss", "weights.tcss"]  # type: ignore[assignment]
    BINDING_GROUP_TITLE = "Weights"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False, tooltip="The next field", id="weights.next"),
        Binding("up", "app.focus_previous", "Previous", show=False, tooltip="The field before", id="weights.previous"),
        Binding("ctrl+s", "save", "Save", tooltip="Score with these weights", id="weights.save"),
    ]

    def __init__(self, weighing: Weighing, rules: RuleSet, not_asked: Mapping[str, str]) -> None:
        super().__init__("Weights")
        self._weighing = weighing
        self._rules = rules
        self._not_asked = not_asked
        self._switches = {
            metric: Checkbox(Content(spec.title), metric in weighing.enabled, compact=True, id=f"on-{metric}")
            for metric, spec in METRICS.items()
        }
        self._fields = {
            metric: Input(f"{weighing.weights.get(metric, 0):g}", compact=True, type="text", id=f"weight-{metric}")
            for metric in METRICS
        }
        self._shares = {metric: Static(classes="share", markup=False) for metric in METRICS}
        self._problem = Static(classes="problem", markup=False)

    def body(self) -> list[Widget]:
        """One line a metric: switch, weight, share."""
        rows: list[Widget] = [
            Horizontal(self._switches[metric], self._fields[metric], self._shares[metric], classes="weight")
            for metric in METRICS
        ]
        note = "Scored values are weighed anew at once; no model runs."
        return [Static(note, classes="muted"), *rows, self._problem]

    def keys(self) -> str:
        """The keys that matter."""
        return "space switches · enter saves · esc closes"

    def on_mount(self) -> None:
        """Begin at the first weight."""
        self._fields[next(iter(METRICS))].focus()
        self._show_shares()

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        self._show_shares()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Answer with what the fields say, where that can be."""
        weighing, problem = self._read()
        if weighing is not None and not problem:
            self.dismiss(weighing)

    def _read(self) -> tuple[Weighing | None, str]:
        """What the fields say, and what is wrong with it."""
        weights: dict[str, float] = dict(self._weighing.weights)
        for metric, field in self._fields.items():
            try:
                weights[metric] = float(field.value.replace(",", "."))
            except ValueError:
                return None, f"{METRICS[metric].title}: a weight is a number, such as 0.3"
        weighing = Weighing(weights, tuple(metric for metric, switch in self._switches.items() if switch.value))
        try:
            ScoringPlan(weighing.enabled, weights, self._rules)
        except ValueError as error:
            return weighing, str(error)
        return weighing, ""

    def _show_shares(self) -> None:
        weighing, problem = self._read()
        self._problem.update(problem)
        shares: dict[str, float] = {}
        if weighing is not None and not problem:
            asked = {metric: weighing.weights[metric] for metric in weighing.enabled if self._why_not(metric) == ""}
            total = sum(asked.values())
            shares = {metric: weight / total for metric, weight in asked.items()} if total > 0 else {}
        for metric, share in self._shares.items():
            if metric in shares:
                share.update(Content.assemble(share_bar(shares[metric], 12), f" {100 * shares[metric]:.3g} %"))
            else:
                share.update(Content.styled(self._why_not(metric), "$foreground-muted"))

    def _why_not(self, metric: str) -> str:
        reason = self._not_asked.get(metric, "")
        if not self._switches[metric].value:
            return "off"
        return "" if reason == "switched off" else reason
