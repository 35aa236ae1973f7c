"""Weights and switches of the metrics, with the shares of the final score as they would be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Static

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import RuleSet
from aim_tui.core.metrics.registry import get_metric, other_metrics
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.text import printable
from aim_tui.ui.dialogs.dialog import Dialog
from aim_tui.ui.widgets.weights_bar import share_bar

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session


@dataclass(frozen=True, slots=True)
class Weighing:
    """Which metrics count, and how much."""

    weights: Mapping[str, float]
    enabled: tuple[str, ...]


class WeightsScreen(Dialog[Weighing]):
    """The weights as they should be, or None."""

    CSS_PATH: ClassVar[list[str]] = ["../dialogs/dialog.tcss", "weights.tcss"]  # type: ignore[assignment]
    BINDING_GROUP_TITLE = "Weights"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False, tooltip="The next field", id="weights.next"),
        Binding("up", "app.focus_previous", "Previous", show=False, tooltip="The field before", id="weights.previous"),
        Binding("ctrl+s", "save", "Save", tooltip="Score with these weights", id="weights.save"),
    ]

    def __init__(
        self,
        weighing: Weighing,
        rules: RuleSet,
        not_asked: Mapping[str, str],
        others: Sequence[MetricSpec] = (),
        of_packages: Callable[[], Awaitable[Sequence[MetricSpec]]] | None = None,
    ) -> None:
        super().__init__("Weights")
        self._weighing = weighing
        self._rules = rules
        self._not_asked = not_asked
        self._others = others
        self._of_packages = of_packages
        self._switches: dict[str, Checkbox] = {}
        self._fields: dict[str, Input] = {}
        self._shares: dict[str, Static] = {}
        self._problem = Static(classes="problem", markup=False)

    def body(self) -> list[Widget]:
        """One line a metric: switch, weight, share."""
        note = "Scored values are weighed anew at once; no model runs."
        rows: list[Widget] = [Static(note, classes="muted"), *map(self._row, METRICS.values())]
        if self._others:
            beside = "Beside them, raw columns; s scores what is switched on:"
            rows += [Static(beside, classes="muted beside"), *map(self._row, self._others)]
        return [*rows, self._problem]

    def _row(self, spec: MetricSpec) -> Widget:
        """A metric's line; one without a rule has no weight."""
        metric = spec.id
        self._switches[metric] = Checkbox(
            Content(printable(spec.title)), metric in self._weighing.enabled, compact=True, id=f"on-{metric}"
        )
        self._shares[metric] = Static(classes="share", markup=False)
        middle: Widget = Static(classes="unruled")
        if metric in METRICS or metric in self._rules.rules:
            weight = f"{self._weighing.weights.get(metric, 0):g}"
            middle = self._fields[metric] = Input(weight, compact=True, type="text", id=f"weight-{metric}")
        return Horizontal(self._switches[metric], middle, self._shares[metric], classes="weight")

    def keys(self) -> str:
        """The keys that matter."""
        return "space switches · enter saves · esc closes"

    def on_mount(self) -> None:
        """Begin at the first weight."""
        self._fields[next(iter(METRICS))].focus()
        self._show_shares()
        if self._of_packages is not None:
            self._add_packages(self._of_packages)

    @work
    async def _add_packages(self, of_packages: Callable[[], Awaitable[Sequence[MetricSpec]]]) -> None:
        """Show the metrics of other packages when they have been found."""
        for spec in await of_packages():
            if spec.id not in self._switches:
                await self.query_exactly_one("#box").mount(self._row(spec), before=self._problem)
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
        weights: dict[str, float] = dict.fromkeys(self._switches, 0.0) | dict(self._weighing.weights)
        for metric, field in self._fields.items():
            try:
                weights[metric] = float(field.value.replace(",", "."))
            except ValueError:
                return None, f"{get_metric(metric).title}: a weight is a number, such as 0.3"
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
            asked = tuple(metric for metric in weighing.enabled if self._why_not(metric) == "")
            # Nothing that is left may have a weight.
            with contextlib.suppress(ValueError):
                shares = dict(ScoringPlan(asked, weighing.weights, self._rules).shares)
        for metric, share in self._shares.items():
            if metric in shares:
                share.update(Content.assemble(share_bar(shares[metric], 12), f" {100 * shares[metric]:.3g} %"))
            else:
                share.update(Content.styled(self._word(metric), "$foreground-muted"))

    def _why_not(self, metric: str) -> str:
        reason = self._not_asked.get(metric, "")
        if not self._switches[metric].value:
            return "off"
        return "" if reason == "switched off" else reason

    def _word(self, metric: str) -> str:
        """What stands in the place of a share."""
        return self._why_not(metric) or ("" if metric in self._fields else "raw column")


async def of_packages() -> list[MetricSpec]:
    """The metrics of other packages; only who asks for the list pays for looking through what is installed."""
    from aim_tui.core.metrics import plugins

    return await asyncio.to_thread(plugins.every)


async def weigh(app: App[int], session: Session) -> None:
    """Weigh the metrics otherwise; no model runs."""
    present = Weighing(session.workspace.weights, session.workspace.enabled)
    weighing = await app.push_screen_wait(
        WeightsScreen(present, session.workspace.profile.rules, session.workspace.skipped, other_metrics(), of_packages)
    )
    if weighing is not None and (problem := session.setup.set_weights(weighing.weights, weighing.enabled)):
        app.notify(problem, severity="error", markup=False)
