"""How well a metric separates right from wrong samples, overall and by type of error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aim_tui.core.agreement.coefficients import CONFIDENCE, Interval
from aim_tui.core.agreement.pairs import collapse
from aim_tui.core.agreement.rank_kernels import mid_ranks
from aim_tui.core.agreement.study import Sample, StudyColumn
from aim_tui.core.exact import exact_difference, exact_mean
from aim_tui.core.outcomes import value_of
from aim_tui.core.statistics import Mean, mean

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

ALL = "all"
UNNAMED = "(no error type)"


@dataclass(frozen=True, slots=True)
class MatchedPair:
    """A wrong sample and the right one it was made from; values are oriented, so that higher is better."""

    right: str
    wrong: str
    error_type: str
    right_value: float
    wrong_value: float

    @property
    def gap(self) -> float:
        """Right minus wrong: positive if the metric ranks the pair correctly."""
        return exact_difference(self.right_value, self.wrong_value)


@dataclass(frozen=True, slots=True)
class Wins:
    """How often the right one of a pair scores higher; a tie is half a win."""

    pairs: int
    wins: int
    ties: int
    rate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Separation:
    """Right against wrong samples of one type of error, or of all."""

    error_type: str
    right: int
    """The number of right samples with a value, matched or not."""
    wrong: int
    auc: float | None
    """The chance that a right sample scores above a wrong one, a tie counted half: U / (n_right n_wrong)."""
    auc_p: float | None
    """Mann and Whitney, two-sided."""
    wins: Wins | None
    gap: Mean | None
    """Mean of right minus wrong over the matched pairs, with its bootstrap interval."""
    wilcoxon_p: float | None
    unpaired_gap: float | None = None
    """Mean of all right values minus that of all wrong ones, matched or not."""
    reason: str = ""
    """Why a figure is missing, or ''."""


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How well one metric separates right from wrong."""

    metric: str
    overall: Separation
    by_error_type: tuple[Separation, ...]
    pairs: tuple[MatchedPair, ...]
    """In ascending order of the gap: wrongly ranked pairs come first."""
    originals: int
    """The number of distinct right samples: pairs of one original are not independent."""
    not_scored: int
    """Samples known to be right or wrong that have no value."""


def discrimination(metric: StudyColumn, samples: Mapping[str, Sample], *, seed: int = 0) -> Discrimination | None:
    """Right against wrong for one metric; None without both right and wrong samples."""
    known = [sample for sample in samples.values() if sample.correct is not None]
    if len({sample.correct for sample in known}) < 2:
        return None
    side, sign = collapse(metric)[0], 1.0 if metric.higher_is_better else -1.0
    values = {sample.id: sign * value for sample in known if (value := value_of(side.get(sample.id))) is not None}
    scored = [sample for sample in known if sample.id in values]
    right = [sample for sample in scored if sample.correct]
    wrong = [sample for sample in scored if not sample.correct]
    pairs = _matched(right, wrong, values)
    types = dict.fromkeys(sample.error_type or UNNAMED for sample in wrong)

    def separation(error_type: str) -> Separation:
        of_type = [sample for sample in wrong if error_type in (ALL, sample.error_type or UNNAMED)]
        matched = [pair for pair in pairs if error_type in (ALL, pair.error_type)]
        return _separation(
            error_type, [values[one.id] for one in right], [values[one.id] for one in of_type], matched, seed
        )

    return Discrimination(
        metric=metric.name,
        overall=separation(ALL),
        by_error_type=tuple(map(separation, types)),
        pairs=tuple(sorted(pairs, key=lambda pair: pair.gap)),
        originals=len({pair.right for pair in pairs}),
        not_scored=len(known) - len(scored),
    )


def wilson(wins: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval (1927) of a share of n > 0; wins may hold halves."""
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    share = wins / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # With no wins, or only wins, one end is exactly 0 or 1.
    low, high = 0.0 if wins == 0 else centre - half, 1.0 if wins == n else centre + half
    return Interval(low, high, "Wilson", confidence)


def win_rate(gaps: Sequence[float]) -> Wins | None:
    """How often a gap is above zero; None without gaps."""
    if not gaps:
        return None
    wins, ties = sum(gap > 0 for gap in gaps), sum(gap == 0 for gap in gaps)
    counted = wins + ties / 2
    return Wins(len(gaps), wins, ties, counted / len(gaps), wilson(counted, len(gaps)))


def error_types(samples: Mapping[str, Sample]) -> dict[str, str]:
    """The type of error of each wrong sample, and for a right one that of the wrong one it is matched with.

    So each group holds both sides of its pairs; a right sample whose wrong ones are of several types has none.
    """
    found = {sample.id: sample.error_type for sample in samples.values() if sample.error_type}
    wrong: dict[str, set[str]] = {}
    for sample in samples.values():
        if sample.correct is False and sample.match:
            wrong.setdefault(sample.match, set()).add(sample.error_type)
    for sample in samples.values():
        types = wrong.get(sample.match, set()) if sample.correct and sample.match else set()
        if len(types) == 1 and not sample.error_type:
            found[sample.id] = next(iter(types))
    return found


def auc(right: Floats, wrong: Floats) -> float:
    """U / (n_right n_wrong) of two non-empty rows."""
    ranks = mid_ranks(np.r_[right, wrong])
    u = float(ranks[: len(right)].sum()) - len(right) * (len(right) + 1) / 2
    return u / (len(right) * len(wrong))


def _matched(right: Sequence[Sample], wrong: Sequence[Sample], values: Mapping[str, float]) -> list[MatchedPair]:
    originals: dict[str, list[Sample]] = {}
    for sample in right:
        originals.setdefault(sample.match, []).append(sample)
    pairs = []
    for sample in wrong:
        candidates = originals.get(sample.match, []) if sample.match else []
        # With several candidates the match is ambiguous: no guess is made.
        if len(candidates) == 1:
            one = candidates[0].id
            error_type = sample.error_type or UNNAMED
            pairs.append(MatchedPair(one, sample.id, error_type, values[one], values[sample.id]))
    return pairs


def _separation(
    error_type: str, right: list[float], wrong: list[float], pairs: list[MatchedPair], seed: int
) -> Separation:
    from scipy import stats

    area = area_p = wilcoxon_p = unpaired = None
    reasons = []
    if right and wrong:
        unpaired = exact_difference(exact_mean(right), exact_mean(wrong))
        area = auc(np.array(right), np.array(wrong))
        area_p = _finite(stats.mannwhitneyu(right, wrong).pvalue)
    else:
        reasons.append("no AUC without both right and wrong samples")
    gaps = [pair.gap for pair in pairs]
    if not gaps:
        reasons.append("no right and wrong samples are matched")
    elif not any(gaps):
        reasons.append("all matched pairs tie: no Wilcoxon test")
    else:
        wilcoxon_p = _finite(stats.wilcoxon(gaps).pvalue)
    return Separation(
        error_type=error_type,
        right=len(right),
        wrong=len(wrong),
        auc=area,
        auc_p=area_p,
        wins=win_rate(gaps),
        gap=mean(gaps, seed=seed) if gaps else None,
        wilcoxon_p=wilcoxon_p,
        unpaired_gap=unpaired,
        reason="; ".join(reasons),
    )


def _finite(p: float) -> float | None:
    return float(p) if math.isfinite(p) else None
