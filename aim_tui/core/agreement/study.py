"""What an analysis of agreement is made from: metrics, judgements and the samples they are about."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aim_tui.core.outcomes import Failed, Missing, Outcome, Present

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Scale:
    """The lowest and the highest value that can be given, as whoever made the values declares them."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a scale goes from a number to a higher one, not from {self.low:g} to {self.high:g}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """What one row says of one sample."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StudyColumn:
    """Values by sample id; an id may be there twice, and joining says so."""

    name: str
    entries: tuple[StudyEntry, ...]
    higher_is_better: bool = True
    scale: Scale | None = None
    origin: str = ""
    """Where the values come from: a file, a run, the ratings of the store."""


@dataclass(frozen=True, slots=True)
class StudyJudgement:
    """What metrics are held against: one column for each rater, never mixed before it is said how."""

    name: str
    raters: tuple[StudyColumn, ...]

    def __post_init__(self) -> None:
        if not self.raters:
            raise ValueError("a judgement has at least one rater")
        if len({(column.higher_is_better, column.scale) for column in self.raters}) > 1:
            raise ValueError("the raters of one judgement share a scale and a direction")

    @property
    def higher_is_better(self) -> bool:
        """The direction that all raters share."""
        return self.raters[0].higher_is_better

    @property
    def scale(self) -> Scale | None:
        """The scale that all raters share, if one is declared."""
        return self.raters[0].scale

    @property
    def origin(self) -> str:
        """Where the judgement comes from."""
        return self.raters[0].origin


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of a sample besides numbers, to group, to match and to open it."""

    id: str
    path: str = ""
    """The image that is judged; of an edit, the target."""
    source: str = ""
    """The image before an edit."""
    instruction: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Texts that samples can be grouped by, by column."""
    correct: bool | None = None
    """Whether image and instruction belong together; None where nobody says."""
    match: str = ""
    """What a right and a wrong sample that belong together have in common."""
    error_type: str = ""

    def with_more(self, other: Sample) -> Sample:
        """The same sample with what another source knows of it and this one does not."""
        return replace(
            self,
            path=self.path or other.path,
            source=self.source or other.source,
            instruction=self.instruction or other.instruction,
            labels={**other.labels, **self.labels},
            correct=other.correct if self.correct is None else self.correct,
            match=self.match or other.match,
            error_type=self.error_type or other.error_type,
        )


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """A figure that a file says of itself, to be held against what its rows give."""

    origin: str
    name: str
    value: float
    column: str = ""
    """The column that it is about; '' for a count of rows or where it is about two columns."""
    against: str = ""
    mapping: str = "minmax"
    """Of an error: how values came to one scale. The seed project knew one way."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Two samples beside each other, and who won: 1 the first, -1 the second, 0 neither."""

    first: str
    second: str
    outcome: int
    rater: str = ""


@dataclass(frozen=True, slots=True)
class StudySource:
    """What one file or one run brings: columns of numbers, and the samples they are about."""

    origin: str
    columns: tuple[StudyColumn, ...]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    raters: Mapping[str, tuple[StudyColumn, ...]] = field(default_factory=dict)
    """By column, the same values for each rater apart, where rows name their rater."""
    checked: tuple[CheckedFigure, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id_column: str = ""
    others: tuple[str, ...] = ()
    """Columns without numbers."""


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that is to be analysed together."""

    metrics: tuple[StudyColumn, ...]
    judgements: tuple[StudyJudgement, ...]
    samples: Mapping[str, Sample] = field(default_factory=dict)
    checked: tuple[CheckedFigure, ...] = ()
    """Figures that imported files state of themselves, held against their rows."""
    contests: tuple[Contest, ...] = ()
    notes: tuple[str, ...] = ()
    """What whoever gathered it has to say, such as how ids were matched."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the written file says of models and devices."""


#: Squares of larger values, and their products, leave the range of a float64; no metric and no rating comes near.
LARGEST = 1e60


def measured(value: float | bool | None, reason: str = "no value") -> Outcome:
    """A number as an outcome: none is missing, and one that is not finite or beyond all measure has failed.

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
    """A stated figure and what the rows give."""

    origin: str
    name: str
    stated: float
    recomputed: float | None
    reason: str = ""
    """Why nothing can be recomputed, or ''."""

    @property
    def differs(self) -> bool:
        """Whether the two are not one figure, to the digits that are stated."""
        return self.recomputed is not None and abs(self.stated - self.recomputed) > rounding(self.stated)


def rounding(stated: float) -> float:
    """How far a true figure may lie from the stated one: half its last digit, and what float arithmetic loses.

    >>> rounding(0.731), rounding(2.0)
    (0.0005000000731, 1e-09)
    """
    last = Decimal(repr(stated)).as_tuple().exponent
    whole = float(stated).is_integer() or not isinstance(last, int)
    return 1e-9 if whole else 0.5 * 10.0 ** float(last) + 1e-10 * max(abs(stated), 1e-9)
