"""The results of scoring edits, in memory: events go in, rows and what they add up to come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.core.metrics.edits import MEASURES, Spread, measures
from aim_tui.core.outcomes import Failed, Outcome, Present, reason_of
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, MetricBatch, ModelInfo, ModelLoaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aim_tui.core.scoring.events import ImageFacts


@dataclass(slots=True)
class EditResult:
    """What is known of one edit so far."""

    item: int
    source: ImageFacts | None = None
    target: ImageFacts | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)
    """What a captioner said for a number, by the number's name."""
    error: str | None = None
    """Why an image could not be read."""

    def reasons(self) -> str | None:
        """Every reason why a number is not there, or None."""
        if self.error is not None:
            return self.error
        found: dict[str, list[str]] = {}
        for name, outcome in self.outcomes.items():
            if (reason := reason_of(outcome)) is not None:
                found.setdefault(reason, []).append(name)
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in found.items()) or None


class EditResults:
    """Rows by item number, for some families of numbers."""

    def __init__(self, families: Sequence[str], count: int) -> None:
        self.families = tuple(families)
        self.specs = measures(families)
        self.rows = [EditResult(number) for number in range(count)]
        self.models: dict[str, ModelInfo] = {}

    def apply(self, event: Event) -> None:
        """Merge an event of the engine."""
        match event:
            case ImageRead(item, target, source):
                self.rows[item].source, self.rows[item].target, self.rows[item].error = source, target, None
            case ImageFailed(item, reason):
                row = self.rows[item]
                row.error = reason
                row.outcomes = {spec.id: Failed(reason) for spec in self.specs}
            case MetricBatch(measure, values) if measure in MEASURES:
                for value in values:
                    row = self.rows[value.item]
                    row.outcomes[measure] = value.outcome
                    if value.caption is not None:
                        row.captions[measure] = value.caption
            case ModelLoaded(info):
                self.models[info.role] = info

    def settled(self, row: EditResult) -> bool:
        """Whether every number of a row has an outcome."""
        return all(spec.id in row.outcomes for spec in self.specs)

    def status(self, row: EditResult) -> str:
        """'pending', 'ok', 'partial' or 'failed'; a number that is missing for a reason leaves a row partial."""
        if not self.settled(row):
            return "pending"
        there = sum(isinstance(row.outcomes[spec.id], Present) for spec in self.specs)
        return "ok" if there == len(self.specs) else "partial" if there else "failed"

    def left(self) -> list[int]:
        """The rows with a number to come."""
        return [row.item for row in self.rows if not self.settled(row)]

    def spread(self, measure: str, rows: Iterable[EditResult] | None = None) -> Spread | None:
        """What the numbers that are there add up to; None where none is."""
        outcomes = (row.outcomes.get(measure) for row in (self.rows if rows is None else rows))
        return Spread.of([outcome.value for outcome in outcomes if isinstance(outcome, Present)])
