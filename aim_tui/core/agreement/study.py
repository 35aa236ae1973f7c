"""The input of an agreement analysis: metrics, judgements and samples."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from aim_tui.core.outcomes import Failed, Missing, Outcome, Present

#: Judges whose answers are made up by a program.
SIMULATED = re.compile(r"simulat|\bmock", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scale:
    """The declared range of a metric or a judgement."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a scale runs from a lower to a higher number, not from {self.low:g} to {self.high:g}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """The value of one row for one sample."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StudyColumn:
    """Values by sample id; an id may be repeated, which joining reports."""

    name: str
    entries: tuple[StudyEntry, ...]
    higher_is_better: bool = True
    scale: Scale | None = None
    origin: str = ""
    """Where the values come from: a file, a run, the ratings of the store."""
    model: str = ""
    """The model that the values come from, as its source names it; '' if unknown."""

    @property
    def simulated(self) -> bool:
        """Whether the values were made up by a program in place of a model or a person."""
        return bool(SIMULATED.search(self.model))


@dataclass(frozen=True, slots=True)
class StudyJudgement:
    """What metrics are compared with: one column per rater."""

    name: str
    raters: tuple[StudyColumn, ...]

    def __post_init__(self) -> None:
        if not self.raters:
            raise ValueError("a judgement has at least one rater")
        if len({(column.higher_is_better, column.scale) for column in self.raters}) > 1:
            raise ValueError("the raters of one judgement share a scale and a direction")

    @property
    def higher_is_better(self) -> bool:
        """The direction, the same for all raters."""
        return self.raters[0].higher_is_better

    @property
    def scale(self) -> Scale | None:
        """The scale, the same for all raters, if one is declared."""
        return self.raters[0].scale

    @property
    def origin(self) -> str:
        """Where the judgement comes from."""
        return self.raters[0].origin

    @property
    def model(self) -> str:
        """The models that judged, each once; '' for people and unknown judges."""
        return ", ".join(dict.fromkeys(column.model for column in self.raters if column.model))

    @property
    def simulated(self) -> bool:
        """Whether any of the raters is simulated."""
        return any(column.simulated for column in self.raters)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known about a sample besides its values, to group, match and open it."""

    id: str
    path: str = ""
    """The judged image; of an edit, the target."""
    source: str = ""
    """The image before an edit."""
    instruction: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Texts that samples can be grouped by, by column."""
    correct: bool | None = None
    """Whether image and instruction belong together; None if unknown."""
    match: str = ""
    """The id that a right and a wrong sample of one original share."""
    error_type: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    """Further numbers of the sample, by column."""

    def with_more(self, other: Sample) -> Sample:
        """The same sample, with missing fields filled in from another source."""
        return replace(
            self,
            path=self.path or other.path,
            source=self.source or other.source,
            instruction=self.instruction or other.instruction,
            labels={**other.labels, **self.labels},
            correct=other.correct if self.correct is None else self.correct,
            match=self.match or other.match,
            error_type=self.error_type or other.error_type,
            values={**other.values, **self.values},
        )


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """A summary figure in a file, to be checked against its rows."""

    origin: str
    name: str
    value: float
    column: str = ""
    """The column that it summarises; '' for a count of rows."""
    against: str = ""
    mapping: str = "minmax"
    """Of MAE and RMSE: how values were put on one scale; AIM's own files always use minmax."""
    of: str = ""
    """What it is of, if not of all rows: `correct`, `wrong`, or a type of error."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A duel of two samples, and the winner: 1 the first, -1 the second, 0 a tie."""

    first: str
    second: str
    outcome: int
    rater: str = ""


@dataclass(frozen=True, slots=True)
class StudySource:
    """The numeric columns and the samples of one file or run."""

    origin: str
    columns: tuple[StudyColumn, ...]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    raters: Mapping[str, tuple[StudyColumn, ...]] = field(default_factory=dict)
    """By column, its values split by rater, if rows name their rater."""
    checked: tuple[CheckedFigure, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id_column: str = ""
    others: tuple[str, ...] = ()
    """Columns that are not numeric."""
    notes: tuple[str, ...] = ()
    """How the file was read, where that is not obvious."""
    integer_ids: frozenset[str] = frozenset()
    """The ids that are whole numbers in the source, not texts."""


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that one analysis covers."""

    metrics: tuple[StudyColumn, ...]
    judgements: tuple[StudyJudgement, ...]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    checked: tuple[CheckedFigure, ...] = ()
    """Summary figures of imported files, checked against their rows."""
    contests: tuple[Contest, ...] = ()
    notes: tuple[str, ...] = ()
    """Notes about the input, such as how ids were matched."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the source of the scores knows of itself, such as its device; copied to the output file."""
    integer_ids: frozenset[str] = frozenset()
    """The ids that are whole numbers in the source of the scores, not texts."""


#: Squares and products of larger values overflow a float64; no metric or rating comes near.
LARGEST = 1e60


def measured(value: float | bool | None, reason: str = "no value") -> Outcome:
    """A number as an outcome: None is missing; a value that is not finite, or beyond LARGEST, has failed.

    >>> measured(0.5), measured(None), measured(float("inf"))
    (Present(value=0.5), Missing(reason='no value'), Failed(reason='is infinite'))
    """
    if value is None:
        return Missing(reason)
    number = float(value)
    if math.isnan(number):
        return Failed("is not a number (NaN)")
    if math.isinf(number):
        return Failed("is infinite")
    return Present(number) if abs(number) <= LARGEST else Failed(f"is beyond {LARGEST:g}")


@dataclass(frozen=True, slots=True)
class CheckedFigure:
    """A stated figure and the value recomputed from the rows."""

    origin: str
    name: str
    stated: float
    recomputed: float | None
    reason: str = ""
    """Why nothing can be recomputed, or ''."""

    @property
    def differs(self) -> bool:
        """Whether the two differ by more than the rounding of the stated figure."""
        return self.recomputed is not None and abs(self.stated - self.recomputed) > rounding(self.stated)


def rounding(stated: float) -> float:
    """The largest rounding error of a stated figure: half its last digit, plus float rounding.

    >>> rounding(0.731), rounding(2.0)
    (0.0005000000731, 1e-09)
    """
    last = Decimal(repr(stated)).as_tuple().exponent
    whole = float(stated).is_integer() or not isinstance(last, int)
    return 1e-9 if whole else 0.5 * 10.0 ** float(last) + 1e-10 * max(abs(stated), 1e-9)
