"""The analysis of a study as one tree of frozen records, which every table, file, figure and screen shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

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
from aim_tui.core.agreement.merge_sources import is_itself
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
from aim_tui.core.agreement.study import CheckedFigure, Sample, Scale, Study, StudyColumn, StudyJudgement
from aim_tui.core.agreement.tie_calibration import TieAccuracy, tie_accuracy

# With so few rating levels and a finer metric, tau-b cannot reach 1; tau-c can.
_COARSE = 10
#: The label that only wrong samples have; right ones are grouped with the wrong one that they are matched with.
ERROR_TYPE = "error_type"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an analysis; the same options and study give the same figures."""

    group_by: str = ""
    """The label by whose groups to resample and to compare levels; '' for none."""
    mapping: ErrorMapping = ErrorMapping.CALIBRATED
    resamples: int | None = None
    """For the bootstrap, permutation and swap tests; 0 for none, None for a number that depends on the pairs."""
    seed: int = 0
    top: int = 5
    """How many of the best, worst and most influential pairs to list."""

    def resamples_of(self, n: int) -> int:
        """The number of resamples for n pairs."""
        return affordable(n) if self.resamples is None else self.resamples


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """Statistics of one side of the pairs, in its own direction."""

    name: str
    origin: str
    higher_is_better: bool
    scale: Scale | None
    mean: float | None
    std: float | None
    """With ddof 0, as in AIM's files."""
    low: float | None
    high: float | None
    model: str = ""
    """The model that the values come from; '' if unknown."""
    simulated: bool = False
    """Whether the values were made up in place of a model's or a person's."""

    @property
    def title(self) -> str:
        """The name, with a warning where a judge is simulated."""
        return f"{self.name} (simulated judge)" if self.simulated else self.name


@dataclass(frozen=True, slots=True)
class AgreementCell:
    """One metric against one judgement."""

    metric: DescribedColumn
    judgement: DescribedColumn
    pairs: Pairs
    groups: tuple[str, ...]
    """The group of each pair, '' for none; empty without grouping."""
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
    """The results of an analysis."""

    study: Study
    options: Options
    cells: tuple[AgreementCell, ...]
    """By judgement, then by metric."""
    comparisons: tuple[metric_comparison.MetricComparison, ...]
    raters: tuple[RaterAgreement, ...]
    discriminations: tuple[Discrimination, ...]
    duels: tuple[DuelAgreement, ...]
    checked: tuple[CheckedFigure, ...]
    """All stated figures of imported files, with the recomputed values."""

    def cell(self, metric: str, judgement: str) -> AgreementCell:
        """The cell of a metric and a judgement; KeyError if there is none."""
        for cell in self.cells:
            if (cell.metric.name, cell.judgement.name) == (metric, judgement):
                return cell
        raise KeyError(f"{metric} against {judgement}")

    def sample(self, sample_id: str) -> Sample | None:
        """The sample of this id, if it is known."""
        return self.study.samples.get(sample_id)


def analyse(
    study: Study, options: Options | None = None, progress: Callable[[int, int, str], object] = lambda *_: None
) -> Analysis:
    """Compare metrics with judgements and with each other; analyse raters, discrimination and duels.

    A column is not compared with itself. `progress` is called with the number of steps done, of all, and the next one.
    """
    options = options or Options()
    columns = [
        (metric, judgement)
        for judgement in study.judgements
        for metric in study.metrics
        if not is_itself(metric, judgement)
    ]
    compared = Counter(judgement.name for _, judgement in columns)
    steps = _Steps(len(columns) + sum(comb(count, 2) for count in compared.values()), progress)
    cells = []
    for metric, judgement in columns:
        steps.begin(f"{metric.name} against {judgement.name}")
        cells.append(_cell(study, metric, judgement, options))
    raters = (rater_agreement(judgement, study.metrics) for judgement in study.judgements)
    discriminations = (discrimination(metric, study.samples, seed=options.seed) for metric in study.metrics)
    return Analysis(
        study=study,
        options=options,
        cells=_adjusted_cells(tuple(cells)),
        comparisons=_adjusted_comparisons(_comparisons(study, cells, options, steps)),
        raters=tuple(filter(None, raters)),
        discriminations=tuple(filter(None, discriminations)),
        duels=tuple(duel_agreement(metric, study.contests) for metric in study.metrics) if study.contests else (),
        checked=study.checked,
    )


class _Steps:
    """Tells how far an analysis is."""

    def __init__(self, total: int, report: Callable[[int, int, str], object]) -> None:
        self._begun, self._total, self._report = 0, total, report

    def begin(self, what: str) -> None:
        """The step before is done."""
        self._report(self._begun, self._total, what)
        self._begun += 1


def _cell(study: Study, metric: StudyColumn, judgement: StudyJudgement, options: Options) -> AgreementCell:
    pairs = join(metric, judgement)
    groups = _groups(study, pairs, options.group_by)
    coefficients = _coefficients(pairs, groups, options)
    all_residuals = residuals(pairs)
    group_levels = levels(pairs.x, pairs.y, groups, options.group_by) if groups else None
    headline = coefficients[CoefficientKind.SPEARMAN]
    sentences = [sentence(headline, pairs.n, metric.name, judgement.name)]
    if headline.value is not None:
        sentences.append(pairs_needed_sentence(headline, pairs.n))
    return AgreementCell(
        metric=_described(metric, pairs.x),
        judgement=_described(judgement, pairs.y),
        pairs=pairs,
        groups=groups,
        standing=EvidenceLevel.of(pairs.n),
        coefficients=coefficients,
        errors=error_measures(pairs, options.mapping, metric.scale, judgement.scale),
        ties=tie_accuracy(pairs.x, pairs.y, seed=options.seed),
        levels=group_levels,
        line=line(pairs.x, pairs.y),
        residuals=all_residuals,
        best=best(all_residuals, options.top),
        worst=worst(all_residuals, options.top),
        gaps=widest_gaps(all_residuals, options.top),
        influential=most_influential(all_residuals, options.top),
        sentences=tuple(sentences),
        warnings=(
            *_warnings(pairs, groups, group_levels, judgement),
            *_grouping_note(study, groups, options.group_by),
        ),
    )


def _coefficients(pairs: Pairs, groups: tuple[str, ...], options: Options) -> dict[CoefficientKind, Coefficient]:
    x, y = pairs.x, pairs.y
    reason = why_undefined(pairs)
    kinds = list(RESAMPLED)
    if not reason and len(np.unique(y)) <= _COARSE < len(np.unique(x)):
        kinds.append(CoefficientKind.KENDALL_C)
    coefficients = {kind: coefficient(kind, x, y, reason) for kind in kinds}
    count = options.resamples_of(pairs.n)
    if reason or not count:
        return coefficients
    permutations = permutation_tests(x, y, RESAMPLED, arrangements=count, seed=options.seed)
    intervals = bootstrap_intervals(x, y, RESAMPLED, groups or None, resamples=count, seed=options.seed)
    for kind in RESAMPLED:
        interval = intervals[kind]
        if coefficients[kind].perfect:
            interval = coefficients[kind].no_interval
        coefficients[kind] = replace(
            coefficients[kind],
            permutation=permutations[kind],
            bootstrap=interval if isinstance(interval, Interval) else None,
            no_bootstrap=interval if isinstance(interval, str) else "",
        )
    return coefficients


def _groups(study: Study, pairs: Pairs, by: str) -> tuple[str, ...]:
    if not by:
        return ()
    samples = (study.samples.get(name) for name in pairs.ids)
    labels = tuple(sample.labels.get(by, "") if sample else "" for sample in samples)
    if by != ERROR_TYPE:
        return labels
    types = error_types(study.samples)
    return tuple(label or types.get(name, "") for label, name in zip(labels, pairs.ids, strict=True))


def _described(side: StudyColumn | StudyJudgement, oriented: np.ndarray) -> DescribedColumn:
    values = oriented if side.higher_is_better else 0.0 - oriented
    there = bool(len(values))
    return DescribedColumn(
        name=side.name,
        origin=side.origin,
        higher_is_better=side.higher_is_better,
        scale=side.scale,
        mean=float(values.mean()) if there else None,
        std=float(values.std()) if there else None,
        low=float(values.min()) if there else None,
        high=float(values.max()) if there else None,
        model=side.model,
        simulated=side.simulated,
    )


def _warnings(
    pairs: Pairs, groups: tuple[str, ...], group_levels: Levels | None, judgement: StudyJudgement
) -> tuple[str, ...]:
    warnings = []
    if judgement.simulated:
        warnings.append(
            f"simulated judge: {judgement.name} comes from {judgement.model!r}, not from a model or a person"
        )
    for negated, name in ((pairs.negated_x, pairs.x_name), (pairs.negated_y, pairs.y_name)):
        if negated:
            warnings.append(f"{name} is negated: lower is better")
    if groups and (count := len(set(groups))) < FEW_GROUPS:
        warnings.append(f"only {count} groups: an interval over them tends to be too narrow")
    if (without := groups.count("")) and without < len(groups):
        warnings.append(f"{without} pairs without a group count as one group")
    if group_levels is not None and group_levels.warning:
        warnings.append(group_levels.warning)
    scale = judgement.scale
    values = 0.0 - pairs.y if pairs.negated_y else pairs.y
    outside = [value for value in values if scale and not scale.low <= value <= scale.high]
    if outside:
        warnings.append(f"{len(outside)} values of {judgement.name} lie outside its scale of {judgement.scale}")
    for count, name in zip(pairs.rounded, (pairs.x_name, pairs.y_name), strict=True):
        if count:
            warnings.append(f"{count} values of {name} differ from another value by rounding only and count as equal")
    if pairs.repeated:
        warnings.append(f"{len(pairs.repeated)} ids are repeated with the same value and counted once")
    return tuple(warnings)


def _grouping_note(study: Study, groups: tuple[str, ...], by: str) -> Iterator[str]:
    right = sum(sample.correct is True and not sample.labels.get(by) for sample in study.samples.values())
    if groups and by == ERROR_TYPE and right:
        yield "right samples are in the group of the wrong sample that they are matched with"


def _comparisons(
    study: Study, cells: Sequence[AgreementCell], options: Options, steps: _Steps
) -> list[metric_comparison.MetricComparison]:
    comparisons = []
    for judgement in study.judgements:
        column = [cell for cell in cells if cell.judgement.name == judgement.name]
        for a, b in combinations(column, 2):
            steps.begin(f"{a.metric.name} with {b.metric.name} against {judgement.name}")
            comparisons.append(_comparison(a.pairs, b.pairs, judgement.name, options))
    return comparisons


def _comparison(a: Pairs, b: Pairs, judgement: str, options: Options) -> metric_comparison.MetricComparison:
    """Compare metrics A and B over the samples that both have."""
    index_in_b = {name: number for number, name in enumerate(b.ids)}
    shared = [(number, index_in_b[name]) for number, name in enumerate(a.ids) if name in index_in_b]
    rows_a, rows_b = ([pair[side] for pair in shared] for side in (0, 1))
    return metric_comparison.compare_metrics(
        (a.x_name, b.x_name, judgement),
        a.x[rows_a],
        b.x[rows_b],
        a.y[rows_a],
        swaps=options.resamples_of(len(rows_a)),
        seed=options.seed,
    )


def _adjusted_cells(cells: tuple[AgreementCell, ...]) -> tuple[AgreementCell, ...]:
    """The cells with the p values of each coefficient adjusted over all cells that have one."""
    coefficients = [dict(cell.coefficients) for cell in cells]
    for kind in CoefficientKind:
        family = [by_kind for by_kind in coefficients if kind in by_kind and by_kind[kind].best_p is not None]
        adjusted = metric_comparison.adjusted([by_kind[kind].best_p or 0.0 for by_kind in family])
        for by_kind, p in zip(family, adjusted, strict=True):
            by_kind[kind] = replace(by_kind[kind], p_adjusted=p)
    return tuple(replace(cell, coefficients=by_kind) for cell, by_kind in zip(cells, coefficients, strict=True))


def _adjusted_comparisons(
    comparisons: list[metric_comparison.MetricComparison],
) -> tuple[metric_comparison.MetricComparison, ...]:
    """The comparisons with the p values of each coefficient adjusted over all of them."""
    compared = [
        comparison
        for comparison in comparisons
        if all(difference.p is not None for difference in comparison.differences) and comparison.differences
    ]
    adjusted: dict[int, list[metric_comparison.Difference]] = {id(comparison): [] for comparison in compared}
    for place, _ in enumerate(RESAMPLED):
        family = [comparison.differences[place] for comparison in compared]
        for comparison, difference, p in zip(
            compared, family, metric_comparison.adjusted([difference.p or 0.0 for difference in family]), strict=True
        ):
            adjusted[id(comparison)].append(replace(difference, p_adjusted=p))
    return tuple(
        replace(comparison, differences=tuple(adjusted.get(id(comparison), comparison.differences)))
        for comparison in comparisons
    )
