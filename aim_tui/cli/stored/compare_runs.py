"""`aim-tui runs compare`: which images rose or fell from one run to another, and by how much on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from aim_tui.core.names import ShortNames
    from aim_tui.core.scoring.run_comparison import Comparison, Pair
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
    from rich.text import Text

    from aim_tui.cli import console
    from aim_tui.cli.console import words
    from aim_tui.core.scoring.run_comparison import compare
    from aim_tui.runs import storage

    before, after = storage.load(store, a), storage.load(store, b)
    compared = compare(before.results, after.results, seed=seed)
    if as_json:
        console.print_json(_as_data(before, after, compared, seed))
        return
    lines = [words(line) for line in (*_counts(compared), *_warnings(before, after))]
    console.show(_sides(before, after), Text("\n").join(lines))
    if compared.measures:
        console.show("")
        console.show(_measures(compared))
        console.show(*map(words, _conclusions(compared, seed)))
    names = (before.results.names, after.results.names)
    for title, pairs in (("rose most", compared.rose()), ("fell most", compared.fell())):
        if pairs and top:
            console.show(f"\n{title}")
            console.show(_pairs(pairs[:top], names))


def _sides(a: Run, b: Run) -> Table:
    """What each was asked, beside each other; lines that differ are marked."""
    from aim_tui.cli.console import table, words

    made = table("", "A", "B", "")
    for name, (one, other) in _told(a, b).items():
        if one or other:
            differs = name not in ("run", "begun") and one != other
            made.add_row(words(name, "dim"), words(one), words(other), words("differs" if differs else ""))
    return made


def _told(a: Run, b: Run) -> dict[str, tuple[str, str]]:
    sides = []
    for run in (a, b):
        info, context, plan = run.info, run.request.context, run.request.plan
        told = {
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
        told |= {f"{model.role} model": f"{model.id} {model.dtype}" for model in run.results.models.values()}
        sides.append(told)
    names = dict.fromkeys([*sides[0], *sides[1]])
    return {name: (sides[0].get(name, ""), sides[1].get(name, "")) for name in names}


def _counts(compared: Comparison) -> Iterator[str]:
    rose, fell = len(compared.rose()), len(compared.fell())
    n = len(compared.pairs)
    how = ", ".join(f"{count} by {by}" for by, count in compared.matched().items())
    yield f"{n} images are compared{f' ({how})' if how else ''}: {rose} rose, {fell} fell, {n - rose - fell} stayed"
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
        yield f"{compared.replaced()} of them have one path or name and different content: other pictures"


def _warnings(a: Run, b: Run) -> Iterator[str]:
    """Why a difference of final scores may not be one of the images or prompts."""
    one, other = a.request.plan, b.request.plan
    if one.shares != other.shares or one.rules.rules != other.rules.rules:
        yield "the final scores are not on one scale: metrics, weights or rules differ; compare the raw values"
    prints, others = a.request.fingerprints, b.request.fingerprints
    changed = [role for role in prints if role in others and prints[role] != others[role]]
    if changed:
        yield f"other models: {', '.join(changed)}; values of different models are not on one scale"


def _measures(compared: Comparison) -> Table:
    from aim_tui.cli.console import table, words
    from aim_tui.core.metrics.registry import get_metric
    from aim_tui.core.scoring.run_comparison import FINAL

    numbers = ("pairs", "mean A", "mean B", "difference", "95 % interval")
    made = table("", *numbers, right=numbers)
    for measure in compared.measures:
        spec = None if measure.name == FINAL else get_metric(measure.name)
        decimals = 2 if spec is None else spec.decimals
        title = f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" if spec else "final ↑"
        change = measure.change
        interval = "-" if change.low is None else f"{change.low:+.{decimals}f} to {change.high:+.{decimals}f}"
        means = (f"{measure.mean_a:.{decimals}f}", f"{measure.mean_b:.{decimals}f}")
        made.add_row(*map(words, (title, change.n, *means, f"{change.mean:+.{decimals}f}", interval)))
    return made


def _conclusions(compared: Comparison, seed: int) -> Iterator[str]:
    from aim_tui.core.scoring.run_comparison import FINAL
    from aim_tui.core.statistics import FEWEST

    final = next((measure.change for measure in compared.measures if measure.name == FINAL), None)
    if final is None:
        return
    if final.low is None or final.high is None:
        yield f"fewer than {FEWEST} pairs: no interval"
        return
    zero = "not among them" if final.decided else "among them"
    yield (
        f"final score: compatible with any mean difference from {final.low:+.2f} to {final.high:+.2f}, zero {zero}; "
        f"paired percentile bootstrap, {final.resamples:,} resamples, seed {seed}"
    )


def _pairs(pairs: Sequence[Pair], names: tuple[ShortNames, ShortNames]) -> Table:
    from aim_tui.cli.console import table, words

    made = table("image", "A", "B", "difference", right=("A", "B", "difference"))
    for pair in pairs:
        one, other = names[0][pair.a.path], names[1][pair.b.path]
        name = one if one == other else f"{one} -> {other}"
        made.add_row(*map(words, (name, f"{pair.a.final:.2f}", f"{pair.b.final:.2f}", f"{pair.difference:+.2f}")))
    return made


def _as_data(a: Run, b: Run, compared: Comparison, seed: int) -> dict[str, Any]:
    from aim_tui.core.text import portable_path

    return {
        "a": a.info.id,
        "b": b.info.id,
        "asked": {
            name: [portable_path(one) or None, portable_path(other) or None]
            for name, (one, other) in _told(a, b).items()
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
