"""An analysis as titled tables of texts, which every output shows in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.agreement.coefficients import RESAMPLED, Coefficient, CoefficientKind, Interval
from aim_tui.core.agreement.interpretation import significant, strength
from aim_tui.core.agreement.residuals import Residual
from aim_tui.core.names import ShortNames

if TYPE_CHECKING:
    from aim_tui.core.agreement.analysis import AgreementCell, Analysis
    from aim_tui.core.agreement.discrimination import Discrimination, Separation
    from aim_tui.core.agreement.duel_agreement import DuelAgreement
    from aim_tui.core.agreement.rater_agreement import RaterAgreement

NONE = "-"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, lines of text, and a table; lines or table may be empty."""

    title: str
    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: int = 1
    """How many columns, from the left, hold texts; the others hold numbers."""
    level: int = 2


def sections(analysis: Analysis) -> Iterator[Section]:
    """All results, the widest view first."""
    if len(analysis.cells) > 1:
        yield _matrix(analysis)
    for cell in analysis.cells:
        yield from _cell(analysis, cell)
    if analysis.comparisons:
        yield from _comparisons(analysis)
    for agreement in analysis.raters:
        yield _raters(agreement)
    for found in analysis.discriminations:
        yield from _discrimination(found)
    if analysis.duels:
        yield _duels(analysis.duels)
    if analysis.checked:
        yield _checked(analysis)


def number(value: float | None, form: str = "+.3f") -> str:
    """A figure, or a dash where there is none."""
    return NONE if value is None else f"{value:{form}}"


def p_value(p: float | None) -> str:
    """A p value in four decimals, or one digit if it is smaller."""
    if p is None:
        return NONE
    return f"{p:.4f}" if p >= 0.00005 else f"{p:.0e}"


def between(interval: Interval | None, form: str = "+.3f") -> str:
    """An interval, or a dash where there is none."""
    return NONE if interval is None else f"{interval.low:{form}} to {interval.high:{form}}"


def plain_number(value: float) -> str:
    """A figure of unknown size, in six digits at most; nothing has no sign."""
    return f"{value + 0.0:.6g}"


def _matrix(analysis: Analysis) -> Section:
    judgements = analysis.study.judgements
    cells = {(cell.metric.name, cell.judgement.name): cell for cell in analysis.cells}
    rows = []
    for metric in analysis.study.metrics:
        of_metric = [cells.get((metric.name, judgement.name)) for judgement in judgements]
        rows.append((metric.name, *map(_short, of_metric)))
    line = "Spearman rho, its 95 % interval, and the number of pairs"
    titles = [f"{one.name} (simulated judge)" if one.simulated else one.name for one in judgements]
    return Section("Metrics against judgements", (line,), ("", *titles), tuple(rows))


def _short(cell: AgreementCell | None) -> str:
    if cell is None:
        return NONE
    found = cell.coefficients[CoefficientKind.SPEARMAN]
    if found.value is None:
        return f"{found.reason}, n = {cell.pairs.n}"
    return f"{found.value:+.2f} ({between(found.best_interval, '+.2f')}), n = {cell.pairs.n}"


def _cell(analysis: Analysis, cell: AgreementCell) -> Iterator[Section]:
    lines = [cell.pairs.describe(), *cell.warnings]
    if cell.groups:
        lines.append(f"{len(set(cell.groups))} groups by {analysis.options.group_by}")
    lines += _models(analysis, cell)
    headings = (
        "",
        "value",
        "n",
        "strength",
        "95 % interval",
        "bootstrap",
        "p",
        "p < .05",
        "permutation p",
        "adjusted p",
    )
    rows = tuple(_coefficient(coefficient, cell.pairs.n) for coefficient in cell.coefficients.values())
    yield Section(f"{cell.metric.name} against {cell.judgement.title}", tuple(lines), headings, rows)
    yield Section("", (*_notes(cell), *_errors(cell), *_ties(cell), *cell.sentences))
    if cell.levels is not None:
        yield _levels(cell)
    if cell.residuals:
        yield from _extremes(cell)


def _models(analysis: Analysis, cell: AgreementCell) -> Iterator[str]:
    """What is known of the models behind the two columns."""
    known = {
        cell.metric.name: cell.metric.model,
        cell.judgement.name: cell.judgement.model,
        "device": str(analysis.study.metadata.get("device") or ""),
    }
    if any(known.values()):
        yield "; ".join(f"{name}: {model}" for name, model in known.items() if model)


def _coefficient(coefficient: Coefficient, n: int) -> tuple[str, ...]:
    value = coefficient.reason if coefficient.value is None else number(coefficient.value)
    permutation = coefficient.permutation
    p = p_value(permutation.p if permutation else None) + (" exact" if permutation and permutation.exact else "")
    below = {None: NONE, True: "yes", False: "no"}[significant(coefficient.p)]
    return (
        coefficient.kind.label,
        value,
        str(n),
        strength(coefficient.value) or NONE,
        between(coefficient.interval),
        between(coefficient.bootstrap),
        p_value(coefficient.p),
        below,
        p,
        p_value(coefficient.p_adjusted),
    )


def _notes(cell: AgreementCell) -> Iterator[str]:
    """How the intervals were made, or why there is none; each once."""
    formulas: dict[str, None] = {}
    drawn: dict[str, None] = {}
    for found in cell.coefficients.values():
        if found.value is None:
            continue
        if found.interval:
            formulas[f"{found.kind.label}: {found.interval.method}"] = None
        elif found.perfect:
            formulas[found.no_interval] = None
        if found.bootstrap:
            interval = found.bootstrap
            words = f"{interval.method} ({interval.units}), {interval.resamples:,} resamples"
            dropped = f", {interval.degenerate:.1%} more had a constant side" if interval.degenerate else ""
            drawn[f"{words}{dropped}"] = None
        elif found.no_bootstrap and not found.perfect:
            drawn[found.no_bootstrap] = None
    if formulas or drawn:
        yield f"intervals: {'; '.join([*formulas, *drawn])}"


def _errors(cell: AgreementCell) -> Iterator[str]:
    errors = cell.errors
    title = f"error, {errors.mapping} ({errors.words})"
    if errors.mae is None or errors.rmse is None:
        yield f"{title}: none, {errors.reason}"
    else:
        yield f"{title}: MAE {plain_number(errors.mae)}, RMSE {plain_number(errors.rmse)}"


def _ties(cell: AgreementCell) -> Iterator[str]:
    ties = cell.ties
    if ties is None:
        return
    drawn = f"{ties.pairs:,} {'drawn ' if ties.drawn else ''}pairs of samples"
    yield (
        f"pairwise accuracy over {drawn}: {ties.plain:.3f} with eps 0, {ties.calibrated:.3f} with eps* = "
        f"{plain_number(ties.eps)}, which ties {ties.tied:.1%} of the pairs; calling all ties: {ties.all_ties:.3f}"
    )


def _levels(cell: AgreementCell) -> Section:
    assert cell.levels is not None
    rows = []
    for level in cell.levels.all:
        reasons = ", ".join(f"{count} {reason}" for reason, count in level.reasons.items()) if level.dropped else ""
        why = reasons or ", ".join(level.reasons)
        values = (number(level.values[kind]) for kind in RESAMPLED)
        rows.append((level.name, f"{level.used} {level.unit}", why, *values))
    headings = ("level", "of", "left out", *(kind.label for kind in RESAMPLED))
    return Section(f"Levels by {cell.levels.by}", (), headings, tuple(rows), texts=3, level=3)


def _extremes(cell: AgreementCell) -> Iterator[Section]:
    x, y = cell.metric.name, cell.judgement.name
    headings = ("sample", x, y, f"expected {y}", "residual", "rank gap", "influence on r")
    for title, found in (
        ("Best agreement", cell.best),
        ("Worst agreement", cell.worst),
        ("Ranked most differently", cell.gaps),
        ("Most influential", cell.influential),
    ):
        if found:
            names = ShortNames(one.id for one in found)
            rows = tuple(_residual(cell, one, names[one.id]) for one in found)
            yield Section(title, (), headings, rows, level=3)


def _residual(cell: AgreementCell, one: Residual, name: str) -> tuple[str, ...]:
    """In the values' own directions, as the user knows them."""
    sign_x, sign_y = (-1 if negated else 1 for negated in (cell.pairs.negated_x, cell.pairs.negated_y))
    expected = None if one.expected is None else sign_y * one.expected
    return (
        name,
        plain_number(sign_x * one.x),
        plain_number(sign_y * one.y),
        number(expected, ".4g"),
        number(one.residual, "+.3g"),
        number(one.rank_gap, "+.2f"),
        number(one.influence),
    )


def _comparisons(analysis: Analysis) -> Iterator[Section]:
    rows, lines = [], []
    for one in analysis.comparisons:
        name = f"{one.a} - {one.b}"
        if one.reason:
            lines.append(f"{name} against {one.judgement}: {one.reason}")
        for found in one.differences:
            difference = (number(found.a), number(found.b), number(found.difference))
            exact = " exact" if found.exact else ""
            p = (p_value(found.p) + exact, p_value(found.p_adjusted))
            rows.append((name, one.judgement, found.kind.label, str(one.n), *difference, *p))
        if one.williams is not None:
            lines.append(
                f"{name} against {one.judgement}, Pearson: Williams t({one.williams.df}) = {one.williams.t:.3f}, "
                f"p = {p_value(one.williams.p)}; difference {between(one.zou)} (Zou)"
            )
        elif one.note:
            lines.append(f"{name} against {one.judgement}: {one.note}")
    headings = ("A - B", "against", "coefficient", "n", "A", "B", "difference", "p (swaps)", "adjusted p")
    yield Section("Metrics compared on the same samples", (), headings, tuple(rows), texts=3)
    if lines:
        yield Section("", tuple(lines))


def _raters(found: RaterAgreement) -> Section:
    alpha = ", ".join(f"{kind} {number(value)}" for kind, value in found.alpha.items())
    lines = [
        f"{len(found.raters)} raters, {found.samples} samples with two or more",
        f"Krippendorff's alpha: {found.reason or alpha}",
        "each rater against the mean of the others, and the metrics in the rater's place (Spearman, averaged):",
    ]
    rows = [(f"rater {name}", number(value)) for name, value in found.ceiling.by_rater.items()]
    rows.append(("human ceiling (mean of raters)", number(found.ceiling.human)))
    rows += [(name, number(value)) for name, value in found.ceiling.metrics.items()]
    return Section(f"Raters of {found.judgement}", tuple(lines), ("", "Spearman rho"), tuple(rows))


def _discrimination(found: Discrimination) -> Iterator[Section]:
    overall, pairs = found.overall, len(found.pairs)
    matched = f"{pairs} matched pairs" + (f" from {found.originals} right rows" if pairs else "")
    lines = [f"{overall.right} right and {overall.wrong} wrong rows, {matched}"]
    if overall.unpaired_gap is not None:
        lines.append(f"mean of all right rows minus mean of all wrong rows: {overall.unpaired_gap:+.6f}")
    if found.not_scored:
        lines.append(f"{found.not_scored} rows known to be right or wrong have no value")
    headings = (
        "error type",
        "right",
        "wrong",
        "win rate",
        "95 % interval",
        "AUC",
        "Wilcoxon p",
        "unpaired gap",
        "paired gap",
        "paired gap interval",
    )
    rows = tuple(_separation(one) for one in (found.overall, *found.by_error_type))
    yield Section(f"{found.metric}: right against wrong", tuple(lines), headings, rows)
    missed = [pair for pair in found.pairs if pair.gap <= 0][:5]
    if missed:
        shown = ("wrong sample", "right sample", "error type", "gap")
        names = ShortNames(name for pair in missed for name in (pair.wrong, pair.right))
        cells = tuple((names[pair.wrong], names[pair.right], pair.error_type, f"{pair.gap:+.4g}") for pair in missed)
        yield Section("Wrong sample scored at least as high as the right one", (), shown, cells, texts=3, level=3)


def _separation(one: Separation) -> tuple[str, ...]:
    wins, gap = one.wins, one.gap
    ties = f", {wins.ties} ties" if wins and wins.ties else ""
    rate = f"{wins.rate:.1%} of {wins.pairs}{ties}" if wins else NONE
    interval = f"{gap.low:+.4g} to {gap.high:+.4g}" if gap and gap.low is not None and gap.high is not None else NONE
    return (
        one.error_type,
        str(one.right),
        str(one.wrong),
        rate,
        between(wins.interval if wins else None, ".1%"),
        number(one.auc, ".3f"),
        p_value(one.wilcoxon_p),
        number(one.unpaired_gap, "+.6g"),
        number(gap.mean if gap else None, "+.4g"),
        interval,
    )


def _duels(duels: Sequence[DuelAgreement]) -> Section:
    rows = []
    for one in duels:
        wins = one.wins
        rate = (f"{wins.rate:.1%} of {wins.pairs}", between(wins.interval, ".1%")) if wins else (NONE, NONE)
        rows.append((one.metric, *rate, str(one.undecided), str(one.not_scored)))
    headings = ("metric", "prefers the winner", "95 % interval", "ties", "not scored")
    return Section(f"{duels[0].contests} duels", (), headings, tuple(rows))


def _checked(analysis: Analysis) -> Section:
    wrong = [one for one in analysis.checked if one.differs]
    unknown = [one for one in analysis.checked if one.recomputed is None]
    lines = [f"{len(analysis.checked)} stated, {len(wrong)} differ from the rows, {len(unknown)} cannot be recomputed"]
    lines += [f"{one.name}: {one.reason}" for one in unknown]
    names = ShortNames(one.origin for one in wrong)
    rows = tuple(
        (names[one.origin], one.name, plain_number(one.stated), plain_number(one.recomputed))
        for one in wrong
        if one.recomputed is not None
    )
    headings = ("file", "figure", "stated", "recomputed") if rows else ()
    return Section("Summary figures in the files, checked against their rows", tuple(lines), headings, rows, texts=2)
