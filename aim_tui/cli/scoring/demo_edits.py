"""`aim-tui demo --edits`: score the sample edits, and measure how well metrics tell right from wrong instructions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from aim_tui.cli.console import show, table, words
from aim_tui.cli.progress import display
from aim_tui.core.agreement.analysis import Analysis, Options, analyse
from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.discrimination import Discrimination, MatchedPair, Separation
from aim_tui.core.agreement.report_tables import between, number
from aim_tui.core.agreement.study import Study
from aim_tui.core.metrics.edits import EDITCLIP
from aim_tui.inputs.edits import read_edits
from aim_tui.runs.edit_plan import EditWish, plan
from aim_tui.runs.recording import Record
from aim_tui.runs.runner import edit_work, run
from aim_tui.runs.setup import resolve
from aim_tui.settings import paths
from aim_tui.store.evidence import TRUTH, metrics_of, source_of_edits, truth_judgement

# The width of a terminal over SSH, which would fold wider lines.
_WIDTH = 80
_CLOSEST = 3


def demo_edits() -> int:
    """Score, analyse and report; the exit code of scoring. Nothing is stored, and no network is touched."""
    data = paths.sample_data() / "edits" / "adversarial_dataset.json"
    setup = resolve(profile="sample")
    edit_plan = plan(setup.profile, setup.engine, read_edits(data), EditWish(str(data)))
    record = Record(edit_plan, edit_plan.items())
    code = run(edit_work(edit_plan), None, record, display())
    source = source_of_edits(record.results, str(data))
    truth = truth_judgement(source)
    assert truth is not None  # the file is ours
    found = analyse(Study(metrics_of(source), (truth,), source.samples), Options(resamples=0))
    report(found)
    return code


def report(found: Analysis) -> None:
    """Print what was found, in 80 columns."""
    by_metric = {one.metric: one for one in found.discriminations}
    best = by_metric[EDITCLIP.id]
    wins = best.overall.wins
    parts: list[Text | Table | str] = [
        words("Does a metric see whether an instruction was followed?", "bold"),
        _paragraph(
            f"{best.overall.right + best.overall.wrong} instructions for {best.originals} drawn edits: each edit has a "
            f"right one and a wrong one. EditCLIP-sample was trained on other scenes than these."
        ),
        words("Each number against the known truth (1 right, 0 wrong)", "bold"),
        _metrics(found, by_metric),
        _paragraph("won, tied: of the matched pairs, how often the right instruction scores higher, or the same."),
        words(f"{EDITCLIP.id} by type of error", "bold"),
        _types(best),
        words("Matched pairs with the smallest gap", "bold"),
        _lines(_closest(found, best)),
        words("What this says", "bold"),
    ]
    if wins is not None:
        rate = f"{wins.rate:.1%} of {wins.pairs} matched pairs ({between(wins.interval, '.1%')})"
        parts.append(_paragraph(f"EditCLIP-sample puts the right instruction above the wrong one in {rate}."))
    cell = found.cell(EDITCLIP.id, TRUTH)
    parts += [_paragraph(sentence) for sentence in cell.sentences[:1]]
    parts += [
        words("What it does not say", "bold"),
        _paragraph(
            "These are drawings by one painter, and a small model trained on such drawings; a published EditCLIP on "
            "photographs is another matter. Two instructions of one edit are not two independent edits. A number "
            "that ties on every pair looks at the images alone: it cannot see an instruction, and is not made to."
        ),
        words("Next", "bold"),
        _lines(
            [
                "aim-tui edit sample_data/edits/adversarial_dataset.json --profile sample",
                "aim-tui correlate last --against is_correct --group-by error_type",
            ]
        ),
    ]
    show(*parts)


def _metrics(found: Analysis, by_metric: dict[str, Discrimination]) -> Table:
    """The metrics by descending AUC, each in its own direction."""
    headings = ("number", "rho", "95 % interval", "AUC", "won", "tied", "95 % interval ")
    made = table(*headings, right=headings[1:])
    cells = sorted(found.cells, key=lambda cell: -(by_metric[cell.metric.name].overall.auc or 0.0))
    for cell in cells:
        rho, overall = cell.coefficients[CoefficientKind.SPEARMAN], by_metric[cell.metric.name].overall
        arrow = "↑" if cell.metric.higher_is_better else "↓"
        figures = (number(rho.value, "+.2f"), between(rho.best_interval, "+.2f"), number(overall.auc, ".3f"))
        made.add_row(*map(words, (f"{cell.metric.name} {arrow}", *figures, *_wins(overall))))
    return made


def _wins(one: Separation) -> tuple[str, str, str]:
    if one.wins is None:
        return "-", "-", "-"
    return str(one.wins.wins), str(one.wins.ties), between(one.wins.interval, ".1%")


def _types(found: Discrimination) -> Table:
    headings = ("type of error", "pairs", "won", "tied", "95 % interval", "AUC", "mean gap")
    made = table(*headings, right=headings[1:])
    for one in (*found.by_error_type, found.overall):
        pairs = str(one.wins.pairs if one.wins else 0)
        gap = number(one.gap.mean if one.gap else None)
        made.add_row(*map(words, (one.error_type, pairs, *_wins(one), number(one.auc, ".3f"), gap)))
    return made


def _closest(found: Analysis, of_metric: Discrimination) -> Iterator[str]:
    """The pairs with the smallest gap, a line per instruction."""
    for pair in of_metric.pairs[:_CLOSEST]:
        yield f"gap {pair.gap:+.3f}, {pair.error_type}"
        for side, name, value in _sides(pair):
            sample = found.sample(name)
            line = f"  {side} {value:+.3f}  {sample.instruction if sample else name}"
            yield line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _sides(pair: MatchedPair) -> tuple[tuple[str, str, float], tuple[str, str, float]]:
    return ("right", pair.right, pair.right_value), ("wrong", pair.wrong, pair.wrong_value)


def _paragraph(text: str) -> Text:
    return _lines(textwrap.wrap(text, _WIDTH))


def _lines(texts: Iterable[str]) -> Text:
    return Text("\n").join(words(text) for text in texts)
