"""What a row can be asked for by name: its numbers and texts, and whether they are out of date."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.registry import other_metrics
from aim_tui.core.outcomes import Present
from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.scoring.results import own_need
from aim_tui.core.text import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from aim_tui.core.metrics.spec import MetricSpec
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.results import Row

    Number = Callable[[Row], float | None]
    Words = Callable[[Row], str | None]
    Said = Callable[[Opinion], float | None]


@dataclass(frozen=True, slots=True)
class View:
    """What decides about a row besides the row itself: what its values should be against, marks, and what is said."""

    needs: Mapping[str, str] = field(default_factory=dict)
    """The text or path that each asked metric compares with now."""
    marked: AbstractSet[int] = frozenset()
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    """By path, of edits by id, what the rater who looks says."""

    @classmethod
    def of(
        cls,
        context: Context,
        metrics: Iterable[str],
        marked: AbstractSet[int] = frozenset(),
        opinions: Mapping[str, Opinion] | None = None,
    ) -> View:
        """The view of the asked metrics against `context`."""
        return cls({metric: context.need(metric) for metric in metrics}, marked, opinions or {})

    def opinion(self, row: Row) -> Opinion:
        """What the rater says of the row."""
        return self.opinions.get(row.id, NOTHING)

    def stale(self, row: Row) -> bool:
        """Whether an asked value of the row was computed against something else."""
        raws = row.raws
        if row.own is not None:
            return any(self.stale_value(row, metric) for metric in self.needs)
        return any((raw := raws.get(metric)) is not None and raw.against != need for metric, need in self.needs.items())

    def stale_value(self, row: Row, metric: str) -> bool:
        """Whether the raw value of a metric was computed against something else."""
        raw = row.raws.get(metric)
        return raw is not None and raw.against != (own_need(row, metric) or self.needs.get(metric))


def _final(row: Row) -> float | None:
    scores = row.scores
    if scores is None:
        return None
    final = scores.final
    return final.value if isinstance(final, Present) else None


def _raw(metric: str) -> Number:
    def value(row: Row) -> float | None:
        raw = row.raws.get(metric)
        return raw.outcome.value if raw is not None and isinstance(raw.outcome, Present) else None

    return value


def _norm(metric: str) -> Number:
    def value(row: Row) -> float | None:
        if row.scores is None:
            return None
        norm = row.scores.norms.get(metric)
        return norm.value if isinstance(norm, Present) else None

    return value


def _fact(name: str) -> Number:
    get = operator.attrgetter(name)

    def value(row: Row) -> float | None:
        return None if row.facts is None else float(get(row.facts))

    return value


def _numbers() -> dict[str, Number]:
    fields: dict[str, Number] = {"final": _final, "final_score": _final}
    for spec in METRICS.values():
        fields[spec.id] = fields[spec.raw_field] = _raw(spec.id)
        fields[f"{spec.id}_norm"] = fields[spec.norm_field] = _norm(spec.id)
    fields |= {"size": _fact("bytes"), "width": _fact("width"), "height": _fact("height")}
    return fields


#: The values of a row that can be compared with a number, by field name; `number` knows the other metrics too.
NUMBERS = _numbers()


def metric_of(name: str) -> MetricSpec | None:
    """The metric that a field belongs to, by its id or the name of its raw or normalised value."""
    specs = (*METRICS.values(), *other_metrics())
    named = (spec for spec in specs if name in (spec.id, spec.raw_field, spec.norm_field, f"{spec.id}_norm"))
    return next(named, None)


def number(name: str) -> Number | None:
    """What reads a number of a row, of the metrics beside AIM's too; None where there is none of that name."""
    if name in NUMBERS or (spec := metric_of(name)) is None:
        return NUMBERS.get(name)
    return _norm(spec.id) if name.endswith("_norm") else _raw(spec.id)


#: The texts of a row that can be searched, by field name.
TEXTS: dict[str, Words] = {
    "name": lambda row: file_name(row.path),
    "path": lambda row: row.path,
    "caption": lambda row: row.caption,
    "error": lambda row: row.errors(),
}

#: The numbers that lie in what the rater says.
SAID_NUMBERS: dict[str, Said] = {"rating": lambda opinion: opinion.rating}
#: The texts that lie in what the rater says.
SAID_TEXTS: dict[str, Callable[[Opinion], str | None]] = {"note": lambda opinion: opinion.note or None}

#: Everything a comparison can start with, to complete what is being typed.
FIELDS: tuple[str, ...] = (*NUMBERS, *SAID_NUMBERS, *TEXTS, *SAID_TEXTS)
