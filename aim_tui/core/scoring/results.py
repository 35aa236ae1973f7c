"""The results of scoring, in memory: rows that events are merged into, and what they add up to."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import Failed, Missing, Outcome, reason_of, value_of
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, MetricBatch, ModelInfo, ModelLoaded, PromptRead
from aim_tui.core.scoring.plan import Scores, ScoringPlan, Status, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import ImageFacts, Item, MetricValue


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw outcome together with what it was computed against, so that a changed prompt makes it stale."""

    outcome: Outcome
    against: str


@dataclass(slots=True)
class Row:
    """One image: what is known of it so far."""

    item: int
    path: str
    facts: ImageFacts | None = None
    caption: str | None = None
    raws: dict[str, Raw] = field(default_factory=dict)
    scores: Scores | None = None
    error: str | None = None
    """Why the image itself could not be read."""
    own: Context | None = None
    """What the image brings itself, in the place of the same part of everybody's context."""

    def outcome(self, metric: str) -> Outcome | None:
        """The raw outcome of a metric, or None while there is none."""
        raw = self.raws.get(metric)
        return raw.outcome if raw else None

    def stale(self, metric: str, context: Context) -> bool:
        """Whether the raw value was computed against another prompt, topic or reference."""
        raw = self.raws.get(metric)
        return raw is not None and raw.against != self.need(metric, context)

    def need(self, metric: str, context: Context) -> str:
        """The text or path that a metric compares this image with, in everybody's context."""
        return own_need(self, metric) or context.need(metric)

    @property
    def final(self) -> float | None:
        """The final score (0..100), or None where there is none."""
        return value_of(self.scores.final) if self.scores else None

    @property
    def status(self) -> Status:
        """How far the row has come."""
        return self.scores.status if self.scores else Status.PENDING

    def errors(self) -> str | None:
        """Every reason why a value that is asked for is not there, or None."""
        if self.error is not None:
            return self.error
        asked = self.scores.norms if self.scores else {}
        reasons = [f"{metric}: {reason}" for metric, norm in asked.items() if (reason := reason_of(norm)) is not None]
        return "; ".join(reasons) or None


def own_need(row: Row, metric: str) -> str:
    """What an image brings itself for a metric to compare it with; empty where that is everybody's."""
    return row.own.need(metric) if row.own is not None else ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the rows add up to; mean, median and best are over the `n_final` rows that have a final score.

    `n_stale` rows have one that was made against something else than the present context, and are left out.
    """

    n: int
    n_ok: int
    n_partial: int
    n_failed: int
    n_pending: int
    n_final: int
    n_stale: int
    mean: float | None
    median: float | None
    best: str | None
    best_score: float | None


class Results:
    """Rows by item number; events go in, rows that changed come out."""

    def __init__(self, plan: ScoringPlan, context: Context) -> None:
        self.plan = plan
        self.context = context
        self.rows: list[Row] = []
        self.models: dict[str, ModelInfo] = {}
        self.prompt: PromptRead | None = None
        self._prompt_read = context.prompt

    def add(self, items: Iterable[Item]) -> None:
        """Append a row for each item; item numbers count up from zero without a gap."""
        for item in items:
            if item.id != len(self.rows):
                raise ValueError(f"item {item.id} where {len(self.rows)} was expected")
            self.rows.append(Row(item.id, item.path, own=item.context))

    def apply(
        self, event: Event, context: Context | None = None, brought: Mapping[int, Context | None] | None = None
    ) -> Sequence[Row]:
        """Merge an event of a job that ran against `context` (by default the current one).

        `brought` is what its items brought themselves, where that may be another by now.
        """
        context = context or self.context
        match event:
            case ImageRead(item, facts):
                row = self.rows[item]
                row.facts, row.error = facts, None
                return (row,)
            case ImageFailed(item, reason):
                row = self.rows[item]
                row.error = reason
                own = row.own if brought is None else brought.get(item, row.own)
                for metric in self.plan.metrics:
                    row.raws[metric] = Raw(Failed(reason), context.overlaid(own).need(metric))
                row.scores = self._score(row)
                return (row,)
            case MetricBatch(metric, values):
                need = context.need(metric)
                return [self._merge(metric, value, need, brought) for value in values]
            case ModelLoaded(info):
                self.models[info.role] = info
            case PromptRead():
                self.prompt, self._prompt_read = event, context.prompt
        return ()

    def replan(self, plan: ScoringPlan) -> None:
        """Score every row again by another plan: no model is touched."""
        self.plan = plan
        for row in self.rows:
            row.scores = self._score(row)

    def left(self, context: Context) -> list[Row]:
        """Rows with an asked value that is not there yet or was computed against something else."""
        return [
            row
            for row in self.rows
            if any(
                (raw := row.raws.get(metric)) is None or raw.against != row.need(metric, context)
                for metric in self.plan.metrics
            )
        ]

    def settled(self) -> Results:
        """These results without the values that were made against something else than the present context.

        What leaves the program names one prompt, so no value of another one may stand beside it.
        """
        settled = Results(self.plan, self.context)
        settled.models = self.models
        settled.prompt = self.prompt if self._prompt_read == self.context.prompt else None
        settled.rows = [self.settled_row(row) for row in self.rows]
        return settled

    def settled_row(self, row: Row) -> Row:
        """The row without values of another context: the row itself, or a copy."""
        stale = [metric for metric in row.raws if row.stale(metric, self.context)]
        if not stale:
            return row
        other = {metric: Missing(f"scored against another {get_metric(metric).needs}") for metric in stale}
        raws = row.raws | {metric: Raw(missing, row.need(metric, self.context)) for metric, missing in other.items()}
        settled = replace(row, raws=raws)
        settled.scores = self._score(settled)
        return settled

    def summary(self) -> Summary:
        """Counts, and mean, median and best over the rows that have a final score of the present context."""
        return summarise(self.rows, self.plan, self.context)

    def _merge(self, metric: str, value: MetricValue, need: str, brought: Mapping[int, Context | None] | None) -> Row:
        row = self.rows[value.item]
        own = row.own if brought is None else brought.get(value.item, row.own)
        row.raws[metric] = Raw(value.outcome, (own.need(metric) if own is not None else "") or need)
        if value.caption is not None:
            row.caption = value.caption
        row.scores = self._score(row)
        return row

    def _score(self, row: Row) -> Scores:
        return score({metric: raw.outcome for metric, raw in row.raws.items()}, self.plan)


def summarise(rows: Iterable[Row], plan: ScoringPlan, context: Context) -> Summary:
    """What rows add up to that were scored by a plan; each is looked at once and none is kept."""
    counts = dict.fromkeys(Status, 0)
    needs = {metric: context.need(metric) for metric in plan.shares}
    finals: list[float] = []
    stale = 0
    best: str | None = None
    best_score = -math.inf
    for row in rows:
        counts[row.status] += 1
        final = row.final
        if final is None:
            continue
        if any(row.raws[metric].against != (own_need(row, metric) or need) for metric, need in needs.items()):
            stale += 1
            continue
        finals.append(final)
        if final > best_score:
            best, best_score = row.path, final
    return Summary(
        n=sum(counts.values()),
        n_ok=counts[Status.OK],
        n_partial=counts[Status.PARTIAL],
        n_failed=counts[Status.FAILED],
        n_pending=counts[Status.PENDING],
        n_final=len(finals),
        n_stale=stale,
        mean=statistics.fmean(finals) if finals else None,
        median=statistics.median(finals) if finals else None,
        best=best,
        best_score=best_score if finals else None,
    )
