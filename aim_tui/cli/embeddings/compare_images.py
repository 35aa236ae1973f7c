"""What `aim-tui compare` does: measure pairs, or each image of one folder with each of another."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import typer

from aim_tui.cli.console import finish, say, say_first
from aim_tui.cli.embeddings.compare_tables import (
    COLUMNS,
    group_record,
    groups_table,
    head_of,
    pair_record,
    pairs_table,
    say_failed,
)
from aim_tui.cli.embeddings.embedder import Embedder, embedder, say_hidden
from aim_tui.core.embeddings.all_pairs import CosineSpread, all_pairs, spread_of
from aim_tui.core.embeddings.categories import summary_record
from aim_tui.core.embeddings.file_pairs import Pairing, pair
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.outcomes import Failed, Outcome, Present
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.statistics import Mean, mean
from aim_tui.errors import UsageError
from aim_tui.exports.content import Records, left_out_records
from aim_tui.exports.formats import export
from aim_tui.exports.formats.writer import Format
from aim_tui.inputs.listing import expand, list_folder
from aim_tui.runs.setup import Setup

#: More distances than that are days of work, and most likely a mistake.
_MOST_DISTANCES = 100_000


def pairs_of(roots: tuple[str, str], by: str, recursive: bool) -> Pairing:
    """The pairs of image and reference: two files, a folder with one file, or two folders paired by names."""
    folders = [os.path.isdir(root) for root in roots]
    match folders:
        case [False, False]:
            return Pairing((roots,), ())
        case [True, True]:
            sides = [_images(root, recursive) for root in roots]
            found = pair(sides[0][0], sides[1][0], roots, by)
            if not found.pairs:
                others = "sub-folders: -r; every image with every other: --all-pairs"
                raise UsageError(
                    f"no image of {roots[0]} has the {by} of one of {roots[1]}",
                    others if by == "stem" else f"other endings: --pair-by stem; {others}",
                )
            return Pairing(found.pairs, (*found.unpaired, *sides[0][1], *sides[1][1]))
        case _:
            folder, reference = roots if folders[0] else roots[::-1]
            images, problems = _images(folder, recursive)
            return Pairing(tuple((image, reference) for image in images), tuple(problems))


def compare_pairs(
    setup: Setup,
    paired: Pairing,
    wanted: Sequence[str],
    limit: int,
    kind: Format,
    output: Path | None,
    store: Path | None,
) -> None:
    """Measure pairs, write the result and end the command."""
    pairs = paired.pairs
    outcomes: dict[str, list[Outcome]] = {}
    gallery: ImageEmbeddings | None = None
    lpips: ModelInfo | None = None
    with embedder(setup, store) as embed:
        if "clip" in wanted:
            gallery = embed.images(list(dict.fromkeys(path for pair in pairs for path in pair)))
            outcomes["clip"] = _cosines(gallery, pairs)
        if "lpips" in wanted:
            measured = embed.distances(pairs)
            outcomes["lpips"], lpips = measured.outcomes, measured.model
    means = {name: _mean(outcomes[name]) for name in outcomes}
    unpaired = left_out_records(paired.unpaired)
    head = {
        **head_of(setup, gallery, lpips),
        "pairs": len(pairs),
        **{f"mean_{COLUMNS[name]}": summary_record(mean) if mean else None for name, mean in means.items()},
        "left_out": unpaired,
    }
    rows = [pair_record(pair, row, outcomes) for row, pair in enumerate(pairs)]
    export(Records(head, "results", rows, table=partial(pairs_table, pairs, outcomes, means, limit)), kind, output)
    say_hidden(kind, len(pairs), limit, "pairs")
    failed = say_failed(pairs, outcomes)
    say_first([f"{each['path']}: {each['reason']}" for each in unpaired], what=" like the last")
    parts = [f"{len(pairs):,} pairs", *([f"{len(unpaired)} left out"] if unpaired else [])]
    finish("; ".join([*parts, *([f"{failed} not compared"] if failed else [])]), 0, failed=bool(unpaired or failed))


def compare_all(
    setup: Setup,
    roots: tuple[str, str],
    wanted: Sequence[str],
    recursive: bool,
    kind: Format,
    output: Path | None,
    store: Path | None,
) -> None:
    """Compare every image of one folder with every one of the other, per sub-folder if both have them."""
    for root in roots:
        if not os.path.isdir(root):
            raise UsageError(f"{root} is not a folder: --all-pairs compares two folders")
    groups, unpaired = _groups(roots, recursive)
    if "lpips" in wanted and (count := sum(len(a) * len(b) for a, b in groups.values())) > _MOST_DISTANCES:
        raise UsageError(f"{count:,} LPIPS distances are more than {_MOST_DISTANCES:,}", "leave it out: --metrics clip")
    spreads: dict[str, dict[str, CosineSpread | None]] = {name: {} for name in groups}
    gallery: ImageEmbeddings | None = None
    lpips: ModelInfo | None = None
    failures: dict[str, str] = {}
    failed_pairs: dict[str, str] = {}
    with embedder(setup, store) as embed:
        if "clip" in wanted:
            gallery = embed.images(
                list(dict.fromkeys(path for sides in groups.values() for side in sides for path in side))
            )
            failures |= gallery.failures
            groups = {name: _readable(sides, failures) for name, sides in groups.items()}
            for name, sides in groups.items():
                spreads[name]["clip"] = _spread_of_cosines(gallery, sides)
        if "lpips" in wanted:
            lpips, failed_pairs = _measure(embed, groups, spreads)
            failures |= failed_pairs
    overall = {metric: _pooled([each[metric] for each in spreads.values()]) for metric in wanted}
    means = {metric: _macro([each[metric] for each in spreads.values()]) for metric in wanted}
    left_out = left_out_records([*unpaired, *failures.items()])
    head = {
        **head_of(setup, gallery, lpips),
        "overall": {
            COLUMNS[metric]: {
                "all_pairs": spread.record() if spread else None,
                "mean_of_categories": means[metric],
            }
            for metric, spread in overall.items()
        },
        "left_out": left_out,
    }
    rows = [group_record(name, groups[name], spreads[name], wanted) for name in groups]
    export(Records(head, "categories", rows, table=partial(groups_table, rows, wanted, overall, means)), kind, output)
    say_first([f"{each['path']}: {each['reason']}" for each in left_out], what=" like the last")
    pairs = max((spread.n for spread in overall.values() if spread is not None), default=0)
    if same := sum(len(a) * len(b) for a, b in groups.values()) - pairs - len(failed_pairs):
        say(f"{same:,} pairs of a file with itself are not counted", "yellow")
    say(f"{pairs:,} pairs{f'; {len(left_out)} images or folders left out' if left_out else ''}", "bold")
    raise typer.Exit(1 if left_out else 0)


def _images(root: str, recursive: bool) -> tuple[list[str], list[tuple[str, str]]]:
    found = expand([root], recursive)
    problems = [(problem.path, problem.reason) for problem in found.problems]
    if not found.images:
        raise UsageError(f"no images: {'; '.join(f'{path}: {reason}' for path, reason in problems)}")
    return found.images, problems


def _groups(
    roots: tuple[str, str], recursive: bool
) -> tuple[dict[str, tuple[list[str], list[str]]], list[tuple[str, str]]]:
    """The images of both sides by category, or under an empty name; and the paths of no category."""
    listings = [list_folder(Path(root)) for root in roots]
    if not all(listing.folders for listing in listings) or recursive:
        sides = [_images(root, recursive) for root in roots]
        return {"": (sides[0][0], sides[1][0])}, [*sides[0][1], *sides[1][1]]
    names = [[folder.name for folder in listing.folders] for listing in listings]
    unpaired = [
        (os.path.join(root, name), f"has no match in {other}")
        for root, other, mine, theirs in (
            (roots[0], roots[1], names[0], names[1]),
            (roots[1], roots[0], names[1], names[0]),
        )
        for name in mine
        if name not in theirs
    ]
    unpaired += [(path, "is in no category's folder") for listing in listings for path in listing.images]
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for name in (name for name in names[0] if name in names[1]):
        found = [expand([os.path.join(root, name)]) for root in roots]
        unpaired += [(problem.path, problem.reason) for side in found for problem in side.problems]
        groups[name] = (found[0].images, found[1].images)
    if not groups:
        raise UsageError(f"no sub-folder of {roots[0]} has the name of one of {roots[1]}", "all images at once: -r")
    return groups, unpaired


def _cosines(gallery: ImageEmbeddings, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
    place = {path: number for number, path in enumerate(gallery.paths)}
    outcomes: list[Outcome] = []
    for image, reference in pairs:
        if image not in place:
            outcomes.append(Failed(gallery.failures[image]))
            continue
        if reference not in place:
            outcomes.append(Failed(f"reference {reference}: {gallery.failures[reference]}"))
            continue
        one, other = (gallery.vectors[place[path]] for path in (image, reference))
        outcomes.append(Present(min(1.0, max(-1.0, float(one @ other)))))
    return outcomes


def _readable(sides: tuple[list[str], list[str]], failures: Mapping[str, str]) -> tuple[list[str], list[str]]:
    left, right = ([path for path in side if path not in failures] for side in sides)
    return left, right


def _spread_of_cosines(gallery: ImageEmbeddings, sides: tuple[list[str], list[str]]) -> CosineSpread | None:
    if not all(sides):
        return None
    place = {path: number for number, path in enumerate(gallery.paths)}
    vectors = [gallery.vectors[[place[path] for path in side]] for side in sides]
    real = [[os.path.realpath(path) for path in side] for side in sides]
    return all_pairs(vectors[0], vectors[1], real[0], real[1])


def _measure(
    embed: Embedder,
    groups: Mapping[str, tuple[list[str], list[str]]],
    spreads: dict[str, dict[str, CosineSpread | None]],
) -> tuple[ModelInfo | None, dict[str, str]]:
    owners, pairs = [], []
    for name, (left, right) in groups.items():
        for image in left:
            for reference in right:
                if os.path.realpath(image) != os.path.realpath(reference):
                    owners.append(name)
                    pairs.append((image, reference))
    measured = embed.distances(pairs)
    values: dict[str, list[float]] = {name: [] for name in groups}
    broken: dict[str, str] = {}
    for owner, (image, reference), outcome in zip(owners, pairs, measured.outcomes, strict=True):
        if isinstance(outcome, Present):
            values[owner].append(outcome.value)
        else:
            broken[f"{image} against {reference}"] = outcome.reason
    for name in groups:
        spreads[name]["lpips"] = spread_of(values[name])
    return measured.model, broken


def _pooled(spreads: Sequence[CosineSpread | None]) -> CosineSpread | None:
    """The statistics over all pairs of all groups, from those of each group."""
    known = [spread for spread in spreads if spread is not None]
    if not known:
        return None
    count = sum(spread.n for spread in known)
    mean = sum(spread.n * spread.mean for spread in known) / count
    squares = sum((each.n - 1) * (each.std or 0.0) ** 2 + each.n * (each.mean - mean) ** 2 for each in known)
    std = (squares / (count - 1)) ** 0.5 if count > 1 else None
    return CosineSpread(count, mean, std, min(each.low for each in known), max(each.high for each in known))


def _macro(spreads: Sequence[CosineSpread | None]) -> float | None:
    means = [spread.mean for spread in spreads if spread is not None]
    return sum(means) / len(means) if means else None


def _mean(outcomes: Sequence[Outcome]) -> Mean | None:
    values = [outcome.value for outcome in outcomes if isinstance(outcome, Present)]
    return mean(values) if values else None
