"""The whole analysis of a study, as one tree of frozen records: every table, file, figure and screen shows this."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from aim_tui.core.agreement import metric_comparison
from aim_tui.core.agreement.bootstrap import bootstrap_intervals
from aim_tui.core.agreement.coefficients import (
    FEW_GROUPS,
    RESAMPLED,
    Coefficient,
    CoefficientKind,
    Interval,
    coefficient,
    why_undefined,
)
from aim_tui.core.agreement.discrimination import Discrimination, discrimination, error_types
from aim_tui.core.agreement.duel_agreement import DuelAgreement, duel_agreement
from aim_tui.core.agreement.error_measures import ErrorMapping, ErrorMeasures, error_measures
from aim_tui.core.agreement.group_levels import Levels, levels
from aim_tui.core.agreement.interpretation import EvidenceLevel, pairs_needed_sentence, sentence
from aim_tui.core.agreement.pairs import Pairs, join
from aim_tui.core.agreement.permutation import affordable, permutation_tests
from aim_tui.core.agreement.rater_agreement import RaterAgreement, rater_agreement
from aim_tui.core.agreement.residuals import (
    FittedLine,
    Residual,
    best,
    line,
    most_influential,
    residuals,
    widest_gaps,
    worst,
)
from aim_tui.core.agreement.tie_calibration import TieAccuracy, tie_accuracy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aim_tui.core.agreement.study import CheckedFigure, Sample, Scale, Study, StudyColumn, StudyJudgement

# A rating of so few steps against a metric of many: tau-b cannot reach 1, tau-c can.
_COARSE = 10
#: The label that only wrong samples have; right ones stand beside the wrong one they are matched with.
ERROR_TYPE = "error_type"


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of an analysis; the same options and study give the same figures."""

    group_by: str = ""
    """The label whose groups are drawn whole and told apart; '' for none."""
    mapping: ErrorMapping = ErrorMapping.CALIBRATED
    resamples: int | None = None
    """Of the bootstrap, the permutation tests and the swaps; 0 for none, None for as many as the pairs allow."""
    seed: int = 0
    top: int = 5
    """How many of the best, the worst and the most influential pairs are named."""

    def resamples_of(self, n: int) -> int:
        """How many resamples of n pairs are drawn."""
        return affordable(n) if self.resamples is None else self.resamples


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """One side of the pairs, in its own direction."""

    name: str
    origin: str
    higher_is_better: bool
    scale: Scale | None
    mean: float | None
    std: float | None
    """With ddof 0, as the seed format has it."""
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class AgreementCell:
    """One metric against one judgement."""

    metric: DescribedColumn
    judgement: DescribedColumn
    pairs: Pairs
    groups: tuple[str, ...]
    """The group of each pair, '' of one without; empty where no groups are asked for."""
    standing: EvidenceLevel
    coefficients: Mapping[CoefficientKind, Coefficient]
    errors: ErrorMeasures
    ties: TieAccuracy | None
    levels: Levels | None
    line: FittedLine | None
    residuals: tuple[Residual, ...]
    best: tuple[Residual, ...]
    worst: tuple[Residual, ...]
    gaps: tuple[Residual, ...]
    influential: tuple[Residual, ...]
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is found."""

    study: Study
    options: Options
    cells: tuple[AgreementCell, ...]
    """By judgement, then by metric."""
    comparisons: tuple[metric_comparison.MetricComparison, ...]
    raters: tuple[RaterAgreement, ...]
    discriminations: tuple[Discrimination, ...]
    duels: tuple[DuelAgreement, ...]
    checked: tuple[CheckedFigure, ...]
    """Stated figures of imported files, all of them; those that differ say so."""

    def cell(self, metric: str, judgement: str) -> AgreementCell:
        """The cell of a metric and a judgement; KeyError where there is none."""
        for cell in self.cells:
            if (cell.metric.name, cell.judgement.name) == (metric, judgement):
                return cell
        raise KeyError(f"{metric} against {judgement}")

    def sample(self, sample_id: str) -> Sample | None:
        """What is known of a sample, to open its images."""
        return self.study.samples.get(sample_id)


def analyse(study: Study, options: Options | None = None) -> Analysis:
    """Each metric against each judgement, metrics against each other, raters, right against wrong, and duels.

    Of a judgement that is one of the metrics itself no cell is made.
    """
    options = options or Options()
    wanted = [
        (metric, judgement)
        for judgement in study.judgements
        for metric in study.metrics
        if metric not in judgement.raters
    ]
    cells = tuple(_cell(study, metric, judgement, options) for metric, judgement in wanted)
    raters = (rater_agreement(judgement, study.metrics) for judgement in study.judgements)
    parted = (discrimination(metric, study.samples, seed=options.seed) for metric in study.metrics)
    return Analysis(
        study=study,
        options=options,
        cells=_adjusted_cells(cells),
        comparisons=_adjusted_comparisons(_comparisons(study, cells, options)),
        raters=tuple(found for found in raters if found is not None),
        discriminations=tuple(found for found in parted if found is not None),
        duels=tuple(duel_agreement(metric, study.contests) for metric in study.metrics) if study.contests else (),
        checked=study.checked,
    )


def _cell(study: Study, metric: StudyColumn, judgement: StudyJudgement, options: Options) -> AgreementCell:
    pairs = join(metric, judgement)
    groups = _groups(study, pairs, options.group_by)
    coefficients = _coefficients(pairs, groups, options)
    found = residuals(pairs)
    made_levels = levels(pairs.x, pairs.y, groups, options.group_by) if groups else None
    headline = coefficients[CoefficientKind.SPEARMAN]
    said = [sentence(headline, pairs.n, metric.name, judgement.name)]
    if headline.value is not None:
        said.append(pairs_needed_sentence(headline, pairs.n))
    return AgreementCell(
        metric=_described(metric.name, metric.origin, metric.higher_is_better, metric.scale, pairs.x),
        judgement=_described(judgement.name, judgement.origin, judgement.higher_is_better, judgement.scale, pairs.y),
        pairs=pairs,
        groups=groups,
        standing=EvidenceLevel.of(pairs.n),
        coefficients=coefficients,
        errors=error_measures(pairs, options.mapping, metric.scale, judgement.scale),
        ties=tie_accuracy(pairs.x, pairs.y, seed=options.seed),
        levels=made_levels,
        line=line(pairs.x, pairs.y),
        residuals=found,
        best=best(found, options.top),
        worst=worst(found, options.top),
        gaps=widest_gaps(found, options.top),
        influential=most_influential(found, options.top),
        sentences=tuple(said),
        warnings=(*_warnings(pairs, groups, made_levels, judgement), *_placed(study, groups, options.group_by)),
    )


def _coefficients(pairs: Pairs, groups: tuple[str, ...], options: Options) -> dict[CoefficientKind, Coefficient]:
    x, y = pairs.x, pairs.y
    reason = why_undefined(pairs)
    kinds = list(RESAMPLED)
    if not reason and len(np.unique(y)) <= _COARSE < len(np.unique(x)):
        kinds.append(CoefficientKind.KENDALL_C)
    found = {kind: coefficient(kind, x, y, reason) for kind in kinds}
    count = options.resamples_of(pairs.n)
    if reason or not count:
        return found
    permuted = permutation_tests(x, y, RESAMPLED, arrangements=count, seed=options.seed)
    drawn = bootstrap_intervals(x, y, RESAMPLED, groups or None, resamples=count, seed=options.seed)
    for kind in RESAMPLED:
        interval = drawn[kind]
        if found[kind].perfect:
            interval = found[kind].no_interval
        found[kind] = replace(
            found[kind],
            permutation=permuted[kind],
            bootstrap=interval if isinstance(interval, Interval) else None,
            no_bootstrap=interval if isinstance(interval, str) else "",
        )
    return found


def _groups(study: Study, pairs: Pairs, by: str) -> tuple[str, ...]:
    if not by:
        return ()
    samples = (study.samples.get(name) for name in pairs.ids)
    labels = tuple(sample.labels.get(by, "") if sample else "" for sample in samples)
    if by != ERROR_TYPE:
        return labels
    types = error_types(study.samples)
    return tuple(label or types.get(name, "") for label, name in zip(labels, pairs.ids, strict=True))


def _described(name: str, origin: str, higher: bool, scale: Scale | None, oriented: np.ndarray) -> DescribedColumn:
    values = oriented if higher else 0.0 - oriented
    if not len(values):
        return DescribedColumn(name, origin, higher, scale, None, None, None, None)
    figures = (values.mean(), values.std(), values.min(), values.max())
    return DescribedColumn(name, origin, higher, scale, *map(float, figures))


def _warnings(pairs: Pairs, groups: tuple[str, ...], made: Levels | None, judgement: StudyJudgement) -> tuple[str, ...]:
    found = []
    for negated, name in ((pairs.negated_x, pairs.x_name), (pairs.negated_y, pairs.y_name)):
        if negated:
            found.append(f"{name} is negated: lower is better")
    if groups and (count := len(set(groups))) < FEW_GROUPS:
        found.append(f"{count} groups are few: an interval over them is too narrow more often than it says")
    if (without := groups.count("")) and without < len(groups):
        found.append(f"{without} pairs have no group: they count as one")
    if made is not None and made.warning:
        found.append(made.warning)
    outside = [value for value in _own(pairs) if judgement.scale and not _within(value, judgement.scale)]
    if outside:
        found.append(f"{len(outside)} values of {judgement.name} lie outside its declared scale of {judgement.scale}")
    if pairs.repeated:
        found.append(f"{len(pairs.repeated)} ids are given more than once with the same value and counted once")
    return tuple(found)


def _placed(study: Study, groups: tuple[str, ...], by: str) -> Iterator[str]:
    right = sum(sample.correct is True and not sample.labels.get(by) for sample in study.samples.values())
    if groups and by == ERROR_TYPE and right:
        yield "right samples are in the group of the wrong one that they are matched with"


def _own(pairs: Pairs) -> list[float]:
    """The judgements in their own direction."""
    return [float(value) for value in (0.0 - pairs.y if pairs.negated_y else pairs.y)]


def _within(value: float, scale: Scale) -> bool:
    return scale.low <= value <= scale.high


def _comparisons(
    study: Study, cells: tuple[AgreementCell, ...], options: Options
) -> list[metric_comparison.MetricComparison]:
    made = []
    for judgement in study.judgements:
        column = [cell for cell in cells if cell.judgement.name == judgement.name]
        for one, other in combinations(column, 2):
            made.append(_comparison(one.pairs, other.pairs, judgement.name, options))
    return made


def _comparison(one: Pairs, other: Pairs, judgement: str, options: Options) -> metric_comparison.MetricComparison:
    """Over the samples that both have; the judgement is the same there."""
    places = {name: number for number, name in enumerate(other.ids)}
    shared = [(number, places[name]) for number, name in enumerate(one.ids) if name in places]
    rows, others = ([pair[side] for pair in shared] for side in (0, 1))
    return metric_comparison.compare_metrics(
        (one.x_name, other.x_name, judgement),
        one.x[rows],
        other.x[others],
        one.y[rows],
        swaps=options.resamples_of(len(rows)),
        seed=options.seed,
    )


def _adjusted_cells(cells: tuple[AgreementCell, ...]) -> tuple[AgreementCell, ...]:
    """The cells with the p values of each coefficient adjusted over all cells that have one."""
    coefficients = [dict(cell.coefficients) for cell in cells]
    for kind in CoefficientKind:
        family = [found for found in coefficients if kind in found and found[kind].best_p is not None]
        adjusted = metric_comparison.adjusted([found[kind].best_p or 0.0 for found in family])
        for found, p in zip(family, adjusted, strict=True):
            found[kind] = replace(found[kind], p_adjusted=p)
    return tuple(replace(cell, coefficients=found) for cell, found in zip(cells, coefficients, strict=True))


def _adjusted_comparisons(
    made: list[metric_comparison.MetricComparison],
) -> tuple[metric_comparison.MetricComparison, ...]:
    """The comparisons with the p values of each coefficient adjusted over all of them."""
    compared = [one for one in made if all(found.p is not None for found in one.differences) and one.differences]
    adjusted: dict[int, list[metric_comparison.Difference]] = {id(one): [] for one in compared}
    for place, _ in enumerate(RESAMPLED):
        family = [one.differences[place] for one in compared]
        for one, difference, p in zip(
            compared, family, metric_comparison.adjusted([difference.p or 0.0 for difference in family]), strict=True
        ):
            adjusted[id(one)].append(replace(difference, p_adjusted=p))
    return tuple(replace(one, differences=tuple(adjusted.get(id(one), one.differences))) for one in made)
