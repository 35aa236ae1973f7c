"""`aim-tui runs compare`: the images that gained or lost from one run to another, and the mean difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aim_tui.cli import options
from aim_tui.cli.console import print_json, show, table, words
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.names import ShortNames
from aim_tui.core.scoring.run_comparison import FINAL, Comparison, Pair, compare
from aim_tui.core.statistics import FEWEST
from aim_tui.core.text import portable_path
from aim_tui.runs import storage
from aim_tui.store.records import Run


def compare_runs(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier run: its id, a prefix of it, or 'last'.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later run.")],
    top: Annotated[
        int, typer.Option("--top", min=0, metavar="N", help="How many of the largest gains and losses to show.")
    ] = 10,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Random seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every pair.")] = False,
    store: options.Store = None,
) -> None:
    """Compare two runs image by image: gains, losses, mean difference with a 95 % bootstrap interval."""
    before, after = storage.load(store, a), storage.load(store, b)
    compared = compare(before.results, after.results, seed=seed)
    if as_json:
        print_json(_as_data(before, after, compared, seed))
        return
    lines = [words(line) for line in (*_counts(compared), *_warnings(before, after))]
    show(_sides(before, after), Text("\n").join(lines))
    if compared.measures:
        show("")
        show(_measures(compared))
        show(*map(words, _conclusions(compared, seed)))
    names = (before.results.names, after.results.names)
    for title, pairs in (("rose most", compared.rose()), ("fell most", compared.fell())):
        if pairs and top:
            show(f"\n{title}")
            show(_pairs(pairs[:top], names))


def _sides(a: Run, b: Run) -> Table:
    """The settings of both runs side by side; differences are marked."""
    made = table("", "A", "B", "")
    for name, (one, other) in _described(a, b).items():
        if one or other:
            differs = name not in ("run", "begun") and one != other
            made.add_row(words(name, "dim"), words(one), words(other), words("differs" if differs else ""))
    return made


def _described(a: Run, b: Run) -> dict[str, tuple[str, str]]:
    sides = []
    for run in (a, b):
        info, context, plan = run.info, run.request.context, run.request.plan
        described = {
            "run": info.id,
            "begun": info.started.astimezone().strftime("%Y-%m-%d %H:%M"),
            "state": str(info.state),
            "folder": info.folder,
            "prompt": context.prompt,
            "topic": context.topic,
            "reference": context.reference,
            "profile": info.profile,
            "final score": plan.formula().removeprefix("final_score = "),
            "rules": plan.rules.name,
        }
        described |= {f"{model.role} model": f"{model.id} {model.dtype}" for model in run.results.models.values()}
        sides.append(described)
    names = dict.fromkeys([*sides[0], *sides[1]])
    return {name: (sides[0].get(name, ""), sides[1].get(name, "")) for name in names}


def _counts(compared: Comparison) -> Iterator[str]:
    rose, fell = len(compared.rose()), len(compared.fell())
    n = len(compared.pairs)
    how = ", ".join(f"{count} by {by}" for by, count in compared.matched().items())
    yield f"{n} images compared{f' ({how})' if how else ''}: {rose} rose, {fell} fell, {n - rose - fell} stayed"
    left_out = [
        f"{count} {what}"
        for count, what in (
            (compared.only_a, "only in A"),
            (compared.only_b, "only in B"),
            (compared.without_score, "without a final score in one of them"),
        )
        if count
    ]
    yield f"left out: {', '.join(left_out) or 'none'}"
    if compared.replaced():
        yield f"{compared.replaced()} pairs have the same path or name but different content: other pictures"


def _warnings(a: Run, b: Run) -> Iterator[str]:
    """Why final scores may differ for other reasons than images or prompts."""
    one, other = a.request.plan, b.request.plan
    if one.shares != other.shares or one.rules.rules != other.rules.rules:
        yield "the final scores have different scales: metrics, weights or rules differ; compare the raw values"
    prints, others = a.request.fingerprints, b.request.fingerprints
    changed = [role for role in prints if role in others and prints[role] != others[role]]
    if changed:
        yield f"different models: {', '.join(changed)}; their values have different scales"


def _measures(compared: Comparison) -> Table:
    numbers = ("pairs", "mean A", "mean B", "difference", "95 % interval")
    made = table("", *numbers, right=numbers)
    for measure in compared.measures:
        spec = None if measure.name == FINAL else get_metric(measure.name)
        decimals = 2 if spec is None else spec.decimals
        title = spec.heading if spec else "final ↑"
        change = measure.change
        interval = "-" if change.low is None else f"{change.low:+.{decimals}f} to {change.high:+.{decimals}f}"
        means = (f"{measure.mean_a:.{decimals}f}", f"{measure.mean_b:.{decimals}f}")
        made.add_row(*map(words, (title, change.n, *means, f"{change.mean:+.{decimals}f}", interval)))
    return made


def _conclusions(compared: Comparison, seed: int) -> Iterator[str]:
    final = next((measure.change for measure in compared.measures if measure.name == FINAL), None)
    if final is None:
        return
    if final.low is None or final.high is None:
        yield f"fewer than {FEWEST} pairs: no interval"
        return
    zero = "excludes 0" if final.decided else "includes 0"
    yield (
        f"final score: 95 % interval of the mean difference {final.low:+.2f} to {final.high:+.2f}, {zero}; "
        f"paired percentile bootstrap, {final.resamples:,} resamples, seed {seed}"
    )


def _pairs(pairs: Sequence[Pair], names: tuple[ShortNames, ShortNames]) -> Table:
    made = table("image", "A", "B", "difference", right=("A", "B", "difference"))
    for pair in pairs:
        one, other = names[0][pair.a.path], names[1][pair.b.path]
        name = one if one == other else f"{one} -> {other}"
        made.add_row(*map(words, (name, f"{pair.a.final:.2f}", f"{pair.b.final:.2f}", f"{pair.difference:+.2f}")))
    return made


def _as_data(a: Run, b: Run, compared: Comparison, seed: int) -> dict[str, Any]:
    return {
        "a": a.info.id,
        "b": b.info.id,
        "asked": {
            name: [portable_path(one) or None, portable_path(other) or None]
            for name, (one, other) in _described(a, b).items()
        },
        "warnings": list(_warnings(a, b)),
        "n": len(compared.pairs),
        "n_rose": len(compared.rose()),
        "n_fell": len(compared.fell()),
        "n_only_a": compared.only_a,
        "n_only_b": compared.only_b,
        "n_without_score": compared.without_score,
        "n_other_content": compared.replaced(),
        "measures": {
            measure.name: {
                "n": measure.change.n,
                "mean_a": measure.mean_a,
                "mean_b": measure.mean_b,
                "difference": measure.change.mean,
                "low": measure.change.low,
                "high": measure.change.high,
                "confidence": measure.change.confidence,
                "method": "paired percentile bootstrap",
                "resamples": measure.change.resamples,
                "seed": seed,
            }
            for measure in compared.measures
        },
        "pairs": [
            {
                "path_a": portable_path(pair.a.path),
                "path_b": portable_path(pair.b.path),
                "matched_by": str(pair.by),
                "final_a": pair.a.final,
                "final_b": pair.b.final,
                "difference": pair.difference,
            }
            for pair in compared.pairs
        ],
    }
