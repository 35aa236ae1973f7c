"""The results of scoring, in memory: rows that events are merged into, and their summary."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec, Need
from aim_tui.core.names import ShortNames
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present, reason_of, value_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import (
    DataRow,
    Event,
    ImageFacts,
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    MetricValue,
    ModelInfo,
    ModelLoaded,
    PromptRead,
)
from aim_tui.core.scoring.plan import Scores, ScoringPlan, Status, score


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw outcome and what it was computed with, so that a changed prompt makes it stale."""

    outcome: Outcome
    against: str


@dataclass(slots=True)
class Row:
    """What is known so far of one image, or of one edit whose target it is."""

    item: int
    path: str
    facts: ImageFacts | None = None
    source: ImageFacts | None = None
    """Facts of the image before the edit."""
    captions: dict[str, str] = field(default_factory=dict)
    """Generated captions by metric, the newest last."""
    raws: dict[str, Raw] = field(default_factory=dict)
    scores: Scores | None = None
    error: str | None = None
    """Why the image itself could not be read."""
    own: Context | None = None
    """Its own context, which overrides the same parts of the run's."""
    data: DataRow | None = None
    """Its row in a data file."""
    texts_read: dict[str, PromptRead] = field(default_factory=dict)
    """How much of its own prompt and topic is read."""

    @property
    def id(self) -> str:
        """Its name in files and judgements: its id in a data file, else its path."""
        return self.data.id if self.data is not None else self.path

    @property
    def contents(self) -> dict[str, str | None]:
        """The files that its values are made of, each with its SHA-256 when it was read, where that is known."""
        own = self.own if self.own is not None else Context()
        contents: dict[str, str | None] = {own.reference: None} if own.reference else {}
        if own.source:
            contents[own.source] = self.source.sha256 if self.source is not None else None
        contents[self.path] = self.facts.sha256 if self.facts is not None else None
        return contents

    def forget(self) -> None:
        """Forget all that was read and measured: the row is pending again."""
        self.facts = self.source = self.scores = self.error = None
        # Those of before may be shared with rows of other screens and profiles.
        self.captions, self.raws, self.texts_read = {}, {}, {}

    def read_as_another(self, facts: ImageFacts, source: ImageFacts | None) -> bool:
        """Whether these facts are of other files than the values that are there."""
        before = (self.facts, self.source)
        return any(
            old is not None and new is not None and old.sha256 != new.sha256
            for old, new in zip(before, (facts, source), strict=True)
        )

    @property
    def edit(self) -> Context | None:
        """Source and instruction of an edit; None for a single image."""
        return self.own if self.own is not None and self.own.source else None

    @property
    def instruction(self) -> str:
        """The instruction of an edit; empty without one."""
        return self.own.instruction if self.own is not None else ""

    @property
    def truth(self) -> Mapping[str, Any]:
        """What a data file says about the instruction: whether it is right, and its type of error."""
        return self.data.truth if self.data is not None else {}

    def text_read(self, text: Literal["prompt", "topic"], common: PromptRead | None) -> PromptRead | None:
        """How much of the row's prompt or topic is read; `common` is how everybody's is."""
        own = self.own is not None and getattr(self.own, text)
        return self.texts_read.get(text) if own else common

    @property
    def caption(self) -> str | None:
        """The newest generated caption, or None."""
        return next(reversed(self.captions.values()), None)

    def outcome(self, metric: str) -> Outcome | None:
        """The raw outcome of a metric; None while there is none."""
        raw = self.raws.get(metric)
        return raw.outcome if raw else None

    def stale(self, metric: str, context: Context) -> bool:
        """Whether the raw value was computed with another prompt, topic or reference."""
        raw = self.raws.get(metric)
        return raw is not None and raw.against != self.need(metric, context)

    def need(self, metric: str, context: Context) -> str:
        """The text or path that a metric compares this image with, in the context of the run."""
        return own_need(self, metric) or context.need(metric)

    def norm(self, metric: str) -> Outcome | None:
        """The normalised outcome of a metric, or None while there is none."""
        return self.scores.norms.get(metric) if self.scores else None

    @property
    def final_outcome(self) -> Outcome | None:
        """The outcome of the final score, or None while there is none."""
        return self.scores.final if self.scores else None

    @property
    def final(self) -> float | None:
        """The final score (0..100), or None where there is none."""
        return value_of(self.final_outcome)

    @property
    def status(self) -> Status:
        """How far the row is scored."""
        return self.scores.status if self.scores else Status.PENDING

    def errors(self) -> str | None:
        """Every reason for a missing value of an enabled metric, or None."""
        if self.error is not None:
            return self.error
        if self.edit is not None:
            return self._reasons()
        norms = self.scores.norms if self.scores else {}
        reasons = [f"{metric}: {reason}" for metric, norm in norms.items() if (reason := reason_of(norm)) is not None]
        return "; ".join(reasons) or None

    def _reasons(self) -> str | None:
        """Each reason once, with all its metrics: one model computes several numbers of an edit."""
        metrics: dict[str, list[str]] = {}
        for metric, raw in self.raws.items():
            if (reason := reason_of(raw.outcome)) is not None:
                metrics.setdefault(reason, []).append(metric)
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in metrics.items()) or None


def own_need(row: Row, metric: str) -> str:
    """The row's own text or path for a metric; empty if the metric uses the run's."""
    return row.own.need(metric) if row.own is not None else ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of rows; mean, median and best are over the `n_final` rows that have a final score.

    `n_stale` rows have one that was computed in another context, and are left out.
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

    @property
    def unscored(self) -> list[str]:
        """How many rows are not fully scored, in words: '1 in part', '2 failed', '1 not reached'."""
        counts = ((self.n_partial, "in part"), (self.n_failed, "failed"), (self.n_pending, "not reached"))
        return [f"{count} {what}" for count, what in counts if count]

    @property
    def used(self) -> str:
        """Over how many rows mean and median are taken, in words."""
        left_out = self.n - self.n_final
        return f"over {self.n_final}, {left_out} left out" if left_out else f"over all {self.n_final}"

    @property
    def averages(self) -> str:
        """Mean and median of the final score in words; empty where no row has one."""
        if self.mean is None or self.median is None:
            return ""
        return f"final score mean {self.mean:.2f}, median {self.median:.2f} ({self.used})"


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """Statistics of one metric; the standard deviation has divisor n."""

    n: int
    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> MetricSummary | None:
        """The statistics of these values; None without values."""
        if not values:
            return None
        return cls(len(values), statistics.fmean(values), statistics.pstdev(values), min(values), max(values))


class Results:
    """Rows by item number; events go in, rows that changed come out."""

    def __init__(self, plan: ScoringPlan, context: Context) -> None:
        self.plan = plan
        self.context = context
        self.rows: list[Row] = []
        self.models: dict[str, ModelInfo] = {}
        self.prompt: PromptRead | None = None
        """How much of everybody's prompt is read."""
        self.topic: PromptRead | None = None
        """The same of the topic."""
        self._prompt_read = context.prompt
        self._topic_read = context.topic
        self._names = ShortNames()
        self._named: tuple[list[Row], int] = (self.rows, 0)

    def add(self, items: Iterable[Item]) -> None:
        """Append a row for each item; item numbers count up from zero without a gap."""
        for item in items:
            if item.id != len(self.rows):
                raise ValueError(f"item {item.id} where {len(self.rows)} was expected")
            self.rows.append(Row(item.id, item.path, own=item.context, data=item.data))

    def apply(
        self, event: Event, context: Context | None = None, brought: Mapping[int, Context | None] | None = None
    ) -> Sequence[Row]:
        """Merge an event of a job that ran in `context` (by default the current one).

        `brought` has the items' own contexts at that time, if they may have changed since.
        """
        context = context or self.context
        match event:
            case ImageRead(item, facts, source):
                row = self.rows[item]
                if row.read_as_another(facts, source):
                    row.forget()
                row.facts, row.source, row.error = facts, source, None
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
            case PromptRead(item=int(item)):
                self.rows[item].texts_read[event.text] = event
                return (self.rows[item],)
            case PromptRead(text="topic"):
                # Of two models that read it, the one that reads less of it counts.
                if self.topic is None or self._topic_read != context.topic or event.limit <= self.topic.limit:
                    self.topic, self._topic_read = event, context.topic
            case PromptRead():
                self.prompt, self._prompt_read = event, context.prompt
        return ()

    @property
    def names(self) -> ShortNames:
        """What the images are called in a table of all of them."""
        rows, named = self._named
        if rows is not self.rows or named > len(rows):
            rows, named, self._names = self.rows, 0, ShortNames()
        if named < len(rows):
            self._names.add(row.path for row in rows[named:])
        self._named = (rows, len(rows))
        return self._names

    @property
    def specs(self) -> tuple[MetricSpec, ...]:
        """The enabled metrics."""
        return tuple(get_metric(metric) for metric in self.plan.metrics)

    @property
    def of_edits(self) -> bool:
        """Whether the rows are edits, which have neither normalised values nor a final score."""
        return all(spec.needs is Need.SOURCE for spec in self.specs)

    def reset(self, item: int) -> None:
        """Reset a row to its unscored state."""
        row = self.rows[item]
        self.rows[item] = Row(row.item, row.path, own=row.own, data=row.data)

    def replan(self, plan: ScoringPlan) -> None:
        """Score every row again by another plan: no model is touched."""
        self.plan = plan
        for row in self.rows:
            row.scores = self._score(row)

    def left(self, context: Context) -> list[Row]:
        """Rows with a value that is missing or was computed in another context."""
        return [
            row
            for row in self.rows
            if any(
                (raw := row.raws.get(metric)) is None or raw.against != row.need(metric, context)
                for metric in self.plan.metrics
            )
        ]

    def settled(self) -> Results:
        """These results without the values that were computed in another context.

        An export names one prompt, so it must not have values of another one.
        """
        settled = Results(self.plan, self.context)
        settled.models = self.models
        settled.prompt = self.prompt if self._prompt_read == self.context.prompt else None
        settled.topic = self.topic if self._topic_read == self.context.topic else None
        settled.rows = [self.settled_row(row) for row in self.rows]
        return settled

    def settled_row(self, row: Row) -> Row:
        """The row without values of another context; the row itself if it has none."""
        stale = [metric for metric in row.raws if row.stale(metric, self.context)]
        if not stale:
            return row
        other = {metric: Missing(f"scored with another {get_metric(metric).needs}") for metric in stale}
        raws = row.raws | {metric: Raw(missing, row.need(metric, self.context)) for metric, missing in other.items()}
        # A text that was read is another now.
        other_texts = {str(get_metric(metric).needs) for metric in stale}
        reads = {text: read for text, read in row.texts_read.items() if text not in other_texts}
        settled = replace(row, raws=raws, texts_read=reads)
        settled.scores = self._score(settled)
        return settled

    def summary(self) -> Summary:
        """Counts, and mean, median and best over the rows with a final score in the current context."""
        return summarise(self.rows, self.plan, self.context)

    def metric_summary(self, metric: str) -> MetricSummary | None:
        """Statistics of a metric over the rows that have a value; None if none has."""
        outcomes = (row.outcome(metric) for row in self.rows)
        return MetricSummary.of([outcome.value for outcome in outcomes if isinstance(outcome, Present)])

    def _merge(self, metric: str, value: MetricValue, need: str, brought: Mapping[int, Context | None] | None) -> Row:
        row = self.rows[value.item]
        own = row.own if brought is None else brought.get(value.item, row.own)
        row.raws[metric] = Raw(value.outcome, (own.need(metric) if own is not None else "") or need)
        if value.caption is not None:
            row.captions.pop(metric, None)
            row.captions[metric] = value.caption
        row.scores = self._score(row)
        return row

    def _score(self, row: Row) -> Scores:
        return score({metric: raw.outcome for metric, raw in row.raws.items()}, self.plan)


def summarise(rows: Iterable[Row], plan: ScoringPlan, context: Context) -> Summary:
    """The summary of rows that were scored by a plan; `rows` is iterated once."""
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
        # Of a row that is still scored by the plan before, a value may be missing.
        raws = ((row.raws.get(metric), own_need(row, metric) or need) for metric, need in needs.items())
        if any(raw is None or raw.against != need for raw, need in raws):
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
