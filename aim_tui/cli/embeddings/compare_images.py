"""What `aim-tui compare` does: pairs and their figures, or everything against everything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.cli.embeddings.compare_tables import (
    COLUMNS,
    group_record,
    groups_table,
    head_of,
    mean_record,
    pair_record,
    pairs_table,
    reasons_records,
    say_failed,
    say_some,
)
from aim_tui.core.names import composed
from aim_tui.core.outcomes import Failed, Outcome, Present
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.cli.embeddings.embedder import Embedder
    from aim_tui.core.embeddings.all_pairs import CosineSpread
    from aim_tui.core.embeddings.gallery import ImageEmbeddings
    from aim_tui.core.scoring.events import ModelInfo
    from aim_tui.core.statistics import Mean
    from aim_tui.exports.formats.writer import Format
    from aim_tui.runs.setup import Setup

#: More distances than that are days of work, and most likely a mistake.
_MOST_DISTANCES = 100_000


@dataclass(frozen=True, slots=True)
class Paired:
    """Image and reference of each pair, and what has no partner, each with the reason."""

    pairs: tuple[tuple[str, str], ...]
    alone: tuple[tuple[str, str], ...]


def pairs_of(roots: tuple[str, str], by: str, recursive: bool) -> Paired:
    """What is held against what: two files, a folder against a file, or two folders by names."""
    from aim_tui.core.embeddings.file_pairs import pair

    folders = [os.path.isdir(root) for root in roots]  # noqa: PTH112  # any path
    match folders:
        case [False, False]:
            return Paired((roots,), ())
        case [True, True]:
            sides = [_images(root, recursive) for root in roots]
            found = pair(sides[0][0], sides[1][0], roots, by)
            if not found.pairs:
                raise UsageError(
                    f"no image of {roots[0]} has the {by} of one of {roots[1]}",
                    "sub-folders: -r; each against each: --all-pairs"
                    if by == "stem"
                    else "other endings: --pair-by stem; sub-folders: -r; each against each: --all-pairs",
                )
            return Paired(found.pairs, (*found.alone, *sides[0][1], *sides[1][1]))
        case _:
            folder, reference = roots if folders[0] else roots[::-1]
            images, problems = _images(folder, recursive)
            return Paired(tuple((image, reference) for image in images), tuple(problems))


def compare_pairs(
    setup: Setup,
    paired: Paired,
    wanted: Sequence[str],
    limit: int,
    kind: Format,
    output: Path | None,
    store: Path | None,
    *,
    no_store: bool,
) -> int:
    """Compare pairs and write what was found; returns the exit code."""
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import embedder
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import export

    outcomes: dict[str, list[Outcome]] = {}
    gallery: ImageEmbeddings | None = None
    lpips: ModelInfo | None = None
    with embedder(setup, store, no_store=no_store) as embed:
        if "clip" in wanted:
            gallery = embed.images(list(dict.fromkeys(path for pair in paired.pairs for path in pair)))
            outcomes["clip"] = _cosines(gallery, paired.pairs)
        if "lpips" in wanted:
            measured = embed.distances(paired.pairs)
            outcomes["lpips"], lpips = measured.outcomes, measured.model
    means = {name: _mean(outcomes[name]) for name in outcomes}
    alone = reasons_records(paired.alone)
    head = {
        **head_of(setup, gallery, lpips),
        "pairs": len(paired.pairs),
        **{f"mean_{COLUMNS[name]}": mean_record(found) for name, found in means.items()},
        "left_out": alone,
    }
    rows = [pair_record(pair, row, outcomes) for row, pair in enumerate(paired.pairs)]
    shown = partial(pairs_table, paired.pairs, outcomes, means, limit)
    export(Records(head, "results", rows, table=shown), kind, output)
    if kind.id == "table" and len(paired.pairs) > limit:
        say(f"and {len(paired.pairs) - limit:,} pairs more: --limit N, or -o FILE.csv for all")
    broken = say_failed(paired.pairs, outcomes)
    say_some([f"{one['path']}: {one['reason']}" for one in alone])
    without = [f"{len(alone)} left out"] if alone else []
    without += [f"{broken} not compared"] if broken else []
    say("; ".join([f"{len(paired.pairs):,} pairs", *without]), "bold")
    return 1 if alone or broken else 0


def compare_all(
    setup: Setup,
    roots: tuple[str, str],
    wanted: Sequence[str],
    recursive: bool,
    kind: Format,
    output: Path | None,
    store: Path | None,
    *,
    no_store: bool,
) -> int:
    """Compare each image of one folder with each of the other, by category where both have sub-folders."""
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import embedder
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import export

    for root in roots:
        if not os.path.isdir(root):  # noqa: PTH112  # any path
            raise UsageError(f"{root} is no folder: --all-pairs compares two folders")
    groups, alone = _groups(roots, recursive)
    if "lpips" in wanted and (count := sum(len(a) * len(b) for a, b in groups.values())) > _MOST_DISTANCES:
        raise UsageError(f"{count:,} LPIPS distances are more than {_MOST_DISTANCES:,}", "leave it out: --metrics clip")
    found: dict[str, dict[str, CosineSpread | None]] = {name: {} for name in groups}
    gallery: ImageEmbeddings | None = None
    lpips: ModelInfo | None = None
    everything: dict[str, CosineSpread | None] = {}
    failures: dict[str, str] = {}
    broken_pairs: dict[str, str] = {}
    with embedder(setup, store, no_store=no_store) as embed:
        if "clip" in wanted:
            gallery = embed.images(
                list(dict.fromkeys(path for sides in groups.values() for side in sides for path in side))
            )
            failures |= gallery.failures
            groups = {name: _readable(sides, failures) for name, sides in groups.items()}
            for name, sides in groups.items():
                found[name]["clip"] = _spread_of_cosines(gallery, sides)
        if "lpips" in wanted:
            lpips, broken_pairs = _measure(embed, groups, found)
            failures |= broken_pairs
    for metric in wanted:
        everything[metric] = _pooled([figures[metric] for figures in found.values()])
    left_out = reasons_records([*alone, *failures.items()])
    means = {metric: _macro([figures[metric] for figures in found.values()]) for metric in wanted}
    head = {
        **head_of(setup, gallery, lpips),
        "overall": {
            COLUMNS[metric]: {
                "all_pairs": spread.record() if spread else None,
                "mean_of_categories": means[metric],
            }
            for metric, spread in everything.items()
        },
        "left_out": left_out,
    }
    rows = [group_record(name, groups[name], found[name], wanted) for name in groups]
    shown = partial(groups_table, rows, wanted, everything, means)
    export(Records(head, "categories", rows, table=shown), kind, output)
    say_some([f"{one['path']}: {one['reason']}" for one in left_out])
    pairs = max((spread.n for spread in everything.values() if spread is not None), default=0)
    if twice := sum(len(a) * len(b) for a, b in groups.values()) - pairs - len(broken_pairs):
        say(f"{twice:,} pairs of a file with itself are not counted", "yellow")
    say(f"{pairs:,} pairs{f'; {len(left_out)} images or folders left out' if left_out else ''}", "bold")
    return 1 if left_out else 0


# -- what is compared -------------------------------------------------------------------------------------------------


def _images(root: str, recursive: bool) -> tuple[list[str], list[tuple[str, str]]]:
    from aim_tui.cli.console import say
    from aim_tui.inputs.listing import expand

    found = expand([root], recursive)
    problems = [(problem.path, problem.reason) for problem in found.problems]
    if not found.images:
        raise UsageError(f"no images: {'; '.join(f'{path}: {reason}' for path, reason in problems)}")
    for line in found.left_out.lines():
        say(f"{root}: left out: {line}", "yellow")
    return found.images, problems


def _groups(
    roots: tuple[str, str], recursive: bool
) -> tuple[dict[str, tuple[list[str], list[str]]], list[tuple[str, str]]]:
    """The images of both sides by category, an empty name where there are none; and what belongs to none."""
    from aim_tui.inputs.listing import expand, list_folder

    listings = [list_folder(Path(root)) for root in roots]
    if not all(listing.folders for listing in listings) or recursive:
        sides = [_images(root, recursive) for root in roots]
        return {"": (sides[0][0], sides[1][0])}, [*sides[0][1], *sides[1][1]]
    # By the name in Unicode NFC, the name as it is on disk.
    names = [{composed(folder.name): folder.name for folder in listing.folders} for listing in listings]
    alone = [
        (os.path.join(root, mine[name]), f"has no partner in {other}")  # noqa: PTH118  # as text
        for root, other, mine, theirs in (
            (roots[0], roots[1], names[0], names[1]),
            (roots[1], roots[0], names[1], names[0]),
        )
        for name in mine
        if name not in theirs
    ]
    alone += [(path, "is in no category's folder") for listing in listings for path in listing.images]
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for name in (name for name in names[0] if name in names[1]):
        found = [
            expand([os.path.join(root, side[name])])  # noqa: PTH118  # as text
            for root, side in zip(roots, names, strict=True)
        ]
        alone += [(problem.path, problem.reason) for side in found for problem in side.problems]
        groups[name] = (found[0].images, found[1].images)
    if not groups:
        raise UsageError(f"no sub-folder of {roots[0]} has the name of one of {roots[1]}", "all images at once: -r")
    return groups, alone


# -- figures ----------------------------------------------------------------------------------------------------------


def _cosines(gallery: ImageEmbeddings, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
    place = {path: number for number, path in enumerate(gallery.paths)}
    outcomes: list[Outcome] = []
    for pair in pairs:
        image, reference = pair
        if image not in place:
            outcomes.append(Failed(gallery.failures[image]))
            continue
        if reference not in place:
            outcomes.append(Failed(f"reference {reference}: {gallery.failures[reference]}"))
            continue
        one, other = (gallery.vectors[place[path]] for path in pair)
        outcomes.append(Present(min(1.0, max(-1.0, float(one @ other)))))
    return outcomes


def _readable(sides: tuple[list[str], list[str]], failures: Mapping[str, str]) -> tuple[list[str], list[str]]:
    left, right = ([path for path in side if path not in failures] for side in sides)
    return left, right


def _spread_of_cosines(gallery: ImageEmbeddings, sides: tuple[list[str], list[str]]) -> CosineSpread | None:
    from aim_tui.core.embeddings.all_pairs import all_pairs

    if not all(sides):
        return None
    place = {path: number for number, path in enumerate(gallery.paths)}
    vectors = [gallery.vectors[[place[path] for path in side]] for side in sides]
    real = [[os.path.realpath(path) for path in side] for side in sides]
    return all_pairs(vectors[0], vectors[1], real[0], real[1])


def _measure(
    embed: Embedder, groups: Mapping[str, tuple[list[str], list[str]]], found: dict[str, dict[str, CosineSpread | None]]
) -> tuple[ModelInfo | None, dict[str, str]]:
    from aim_tui.core.embeddings.all_pairs import spread_of

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
        found[name]["lpips"] = spread_of(values[name])
    return measured.model, broken


def _pooled(spreads: Sequence[CosineSpread | None]) -> CosineSpread | None:
    """Over all pairs of all groups, from the figures of each."""
    from aim_tui.core.embeddings.all_pairs import CosineSpread

    there = [one for one in spreads if one is not None]
    count = sum(one.n for one in there)
    if not there:
        return None
    mean = sum(one.n * one.mean for one in there) / count
    squares = sum((one.n - 1) * (one.std or 0.0) ** 2 + one.n * (one.mean - mean) ** 2 for one in there)
    std = (squares / (count - 1)) ** 0.5 if count > 1 else None
    return CosineSpread(count, mean, std, min(one.low for one in there), max(one.high for one in there))


def _macro(spreads: Sequence[CosineSpread | None]) -> float | None:
    there = [one.mean for one in spreads if one is not None]
    return sum(there) / len(there) if there else None


def _mean(outcomes: Sequence[Outcome]) -> Mean | None:
    from aim_tui.core.statistics import mean

    values = [outcome.value for outcome in outcomes if isinstance(outcome, Present)]
    return mean(values) if values else None
