"""The comparison of two runs: which rows belong to the same image, and what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aim_tui.core.outcomes import value_of
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.statistics import Mean, mean
from aim_tui.core.text import file_name

#: Final scores (0..100) that agree to two decimals count as the same.
SAME = 0.005

FINAL = "final"


class By(StrEnum):
    """How a row of one run is matched with a row of another, the surest first."""

    CONTENT = "content"
    PATH = "path"
    NAME = "file name"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of each run, matched."""

    a: Row
    b: Row
    by: By

    @property
    def difference(self) -> float | None:
        """Final score in b minus final score in a; None if either has none."""
        return None if self.a.final is None or self.b.final is None else self.b.final - self.a.final

    @property
    def replaced(self) -> bool:
        """Whether the two files are known to differ in content."""
        return bool(self.a.facts and self.b.facts and self.a.facts.sha256 != self.b.facts.sha256)


@dataclass(frozen=True, slots=True)
class Measure:
    """The values of a metric or the final score in both runs, over the pairs with both."""

    name: str
    """'final' or the id of a metric."""
    mean_a: float
    mean_b: float
    change: Mean


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs with a final score in both runs, by descending difference; and what was left out."""

    pairs: list[Pair]
    measures: list[Measure]
    only_a: int
    only_b: int
    without_score: int
    """Matched pairs in which one has no final score."""

    def rose(self) -> list[Pair]:
        """Pairs whose final score is higher in b, the largest gain first."""
        return [pair for pair in self.pairs if (pair.difference or 0.0) > SAME]

    def fell(self) -> list[Pair]:
        """Pairs whose final score is lower in b, the largest loss first."""
        return [pair for pair in reversed(self.pairs) if (pair.difference or 0.0) < -SAME]

    def matched(self) -> Counter[By]:
        """The number of pairs by the way they were matched."""
        return Counter(pair.by for pair in self.pairs)

    def replaced(self) -> int:
        """The number of pairs with the same path or name, but different content."""
        return sum(pair.replaced for pair in self.pairs)


def compare(a: Results, b: Results, *, seed: int = 0) -> Comparison:
    """What changed from run `a` to run `b`."""
    found = pair_rows(a.rows, b.rows)
    both = [pair for pair in found if pair.difference is not None]
    both.sort(key=lambda pair: (-(pair.difference or 0.0), pair.a.item))
    shared = [metric for metric in a.plan.metrics if metric in b.plan.metrics]
    candidates = [_measure(FINAL, found, lambda row: row.final, seed)]
    candidates += [_measure(metric, found, _raw(metric), seed) for metric in shared]
    return Comparison(
        pairs=both,
        measures=[measure for measure in candidates if measure is not None],
        only_a=len(a.rows) - len(found),
        only_b=len(b.rows) - len(found),
        without_score=len(found) - len(both),
    )


def pair_rows(a: Sequence[Row], b: Sequence[Row]) -> list[Pair]:
    """Match rows by content, else by path, else by file name; never by position.

    A key matches two rows only if it is unique on both sides among the rest, so that no copy is matched wrongly.
    """
    pairs: list[Pair] = []
    left_a, left_b = list(a), list(b)
    for by, key in _KEYS:
        ones, others = _unique(left_a, key), _unique(left_b, key)
        shared = [name for name in ones if name in others]
        pairs += [Pair(ones[name], others[name], by) for name in shared]
        taken_a, taken_b = ({rows[name].item for name in shared} for rows in (ones, others))
        left_a = [row for row in left_a if row.item not in taken_a]
        left_b = [row for row in left_b if row.item not in taken_b]
    return pairs


_KEYS: tuple[tuple[By, Callable[[Row], str]], ...] = (
    (By.CONTENT, lambda row: row.facts.sha256 if row.facts else ""),
    (By.PATH, lambda row: row.path),
    (By.NAME, lambda row: file_name(row.path)),
)


def _unique(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, Row]:
    counts = Counter(map(key, rows))
    return {name: row for row in rows if (name := key(row)) and counts[name] == 1}


def _raw(metric: str) -> Callable[[Row], float | None]:
    return lambda row: value_of(row.outcome(metric))


def _measure(name: str, pairs: Sequence[Pair], value: Callable[[Row], float | None], seed: int) -> Measure | None:
    sides = [(before, after) for pair in pairs if (before := value(pair.a)) is not None
             and (after := value(pair.b)) is not None]  # fmt: skip
    if not sides:
        return None
    n = len(sides)
    change = mean([after - before for before, after in sides], seed=seed)
    return Measure(name, sum(before for before, _ in sides) / n, sum(after for _, after in sides) / n, change)
