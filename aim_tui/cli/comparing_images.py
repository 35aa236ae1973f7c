"""What `aim-tui compare` does: pairs and their figures, or everything against everything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.outcomes import Failed, Outcome, Present, reason_of, value_of
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.cli.gallery import Embedder
    from aim_tui.cli.setup import Setup
    from aim_tui.core.events import ModelInfo
    from aim_tui.core.gallery import Gallery
    from aim_tui.core.likeness import Spread
    from aim_tui.core.statistics import Mean

#: More distances than that are days of work, and most likely a mistake.
_MOST_DISTANCES = 100_000
_COLUMNS = {"clip": "clip_cosine", "lpips": "lpips"}
_HEADINGS = {"clip": "CLIP ↑", "lpips": "LPIPS ↓"}


@dataclass(frozen=True, slots=True)
class Paired:
    """Image and reference of each pair, and what has no partner, each with the reason."""

    pairs: tuple[tuple[str, str], ...]
    alone: tuple[tuple[str, str], ...]


def pairs_of(roots: tuple[str, str], by: str, recursive: bool) -> Paired:
    """What is held against what: two files, a folder against a file, or two folders by names."""
    from aim_tui.core.pairing import pair

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
                    "other endings: --pair-by stem; sub-folders: -r; each against each: --all-pairs",
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
    kind: str,
    output: Path | None,
    store: Path | None,
    *,
    no_store: bool,
) -> int:
    """Compare pairs and write what was found; returns the exit code."""
    from aim_tui.cli.display import say
    from aim_tui.cli.gallery import embedder
    from aim_tui.cli.records import deliver_records

    outcomes: dict[str, list[Outcome]] = {}
    gallery: Gallery | None = None
    lpips: ModelInfo | None = None
    with embedder(setup, store, no_store=no_store) as embed:
        if "clip" in wanted:
            gallery = embed.images(list(dict.fromkeys(path for pair in paired.pairs for path in pair)))
            outcomes["clip"] = _cosines(gallery, paired.pairs)
        if "lpips" in wanted:
            measured = embed.distances(paired.pairs)
            outcomes["lpips"], lpips = measured.outcomes, measured.model
    means = {name: _mean(outcomes[name]) for name in outcomes}
    alone = _records_of(paired.alone)
    head = {
        **_head(setup, gallery, lpips),
        "pairs": len(paired.pairs),
        **{f"mean_{_COLUMNS[name]}": _mean_record(found) for name, found in means.items()},
        "left_out": alone,
    }
    if kind == "table":
        _table(paired.pairs, outcomes, means, limit)
    else:
        rows = [_record(pair, row, outcomes) for row, pair in enumerate(paired.pairs)]
        deliver_records(head, "results", rows, kind, output)
    broken = _say_failed(paired.pairs, outcomes)
    _say_some([f"{one['path']}: {one['reason']}" for one in alone])
    without = [f"{len(alone)} left out"] if alone else []
    without += [f"{broken} not compared"] if broken else []
    say("; ".join([f"{len(paired.pairs):,} pairs", *without]), "bold")
    return 1 if alone or broken else 0


def compare_all(
    setup: Setup,
    roots: tuple[str, str],
    wanted: Sequence[str],
    recursive: bool,
    kind: str,
    output: Path | None,
    store: Path | None,
    *,
    no_store: bool,
) -> int:
    """Compare each image of one folder with each of the other, by category where both have sub-folders."""
    from aim_tui.cli.display import say
    from aim_tui.cli.gallery import embedder
    from aim_tui.cli.records import deliver_records

    for root in roots:
        if not os.path.isdir(root):  # noqa: PTH112  # any path
            raise UsageError(f"{root} is no folder: --all-pairs compares two folders")
    groups, alone = _groups(roots, recursive)
    if "lpips" in wanted and (count := sum(len(a) * len(b) for a, b in groups.values())) > _MOST_DISTANCES:
        raise UsageError(f"{count:,} LPIPS distances are more than {_MOST_DISTANCES:,}", "leave it out: --metrics clip")
    found: dict[str, dict[str, Spread | None]] = {name: {} for name in groups}
    gallery: Gallery | None = None
    lpips: ModelInfo | None = None
    everything: dict[str, Spread | None] = {}
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
    left_out = _records_of([*alone, *failures.items()])
    means = {metric: _macro([figures[metric] for figures in found.values()]) for metric in wanted}
    head = {
        **_head(setup, gallery, lpips),
        "overall": {
            _COLUMNS[metric]: {
                "all_pairs": spread.record() if spread else None,
                "mean_of_categories": means[metric],
            }
            for metric, spread in everything.items()
        },
        "left_out": left_out,
    }
    rows = [_group_record(name, groups[name], found[name], wanted) for name in groups]
    if kind == "table":
        _table_of_groups(rows, wanted, everything, means)
    else:
        deliver_records(head, "categories", rows, kind, output)
    _say_some([f"{one['path']}: {one['reason']}" for one in left_out])
    pairs = max((spread.n for spread in everything.values() if spread is not None), default=0)
    if twice := sum(len(a) * len(b) for a, b in groups.values()) - pairs - len(broken_pairs):
        say(f"{twice:,} pairs of a file with itself are not counted", "yellow")
    say(f"{pairs:,} pairs{f'; {len(left_out)} images or folders left out' if left_out else ''}", "bold")
    return 1 if left_out else 0


# -- what is compared -------------------------------------------------------------------------------------------------


def _images(root: str, recursive: bool) -> tuple[list[str], list[tuple[str, str]]]:
    from aim_tui.inputs.listing import expand

    found = expand([root], recursive)
    problems = [(problem.path, problem.reason) for problem in found.problems]
    if not found.images:
        raise UsageError(f"no images: {'; '.join(f'{path}: {reason}' for path, reason in problems)}")
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
    names = [[folder.name for folder in listing.folders] for listing in listings]
    alone = [
        (os.path.join(root, name), f"has no partner in {other}")  # noqa: PTH118  # as text
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
        found = [expand([os.path.join(root, name)]) for root in roots]  # noqa: PTH118  # as text
        alone += [(problem.path, problem.reason) for side in found for problem in side.problems]
        groups[name] = (found[0].images, found[1].images)
    if not groups:
        raise UsageError(f"no sub-folder of {roots[0]} has the name of one of {roots[1]}", "all images at once: -r")
    return groups, alone


# -- figures ----------------------------------------------------------------------------------------------------------


def _cosines(gallery: Gallery, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
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


def _spread_of_cosines(gallery: Gallery, sides: tuple[list[str], list[str]]) -> Spread | None:
    from aim_tui.core.likeness import all_pairs

    if not all(sides):
        return None
    place = {path: number for number, path in enumerate(gallery.paths)}
    vectors = [gallery.vectors[[place[path] for path in side]] for side in sides]
    real = [[os.path.realpath(path) for path in side] for side in sides]
    return all_pairs(vectors[0], vectors[1], real[0], real[1])


def _measure(
    embed: Embedder, groups: Mapping[str, tuple[list[str], list[str]]], found: dict[str, dict[str, Spread | None]]
) -> tuple[ModelInfo | None, dict[str, str]]:
    from aim_tui.core.likeness import spread_of

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


def _pooled(spreads: Sequence[Spread | None]) -> Spread | None:
    """Over all pairs of all groups, from the figures of each."""
    from aim_tui.core.likeness import Spread

    there = [one for one in spreads if one is not None]
    count = sum(one.n for one in there)
    if not there:
        return None
    mean = sum(one.n * one.mean for one in there) / count
    squares = sum((one.n - 1) * (one.std or 0.0) ** 2 + one.n * (one.mean - mean) ** 2 for one in there)
    std = (squares / (count - 1)) ** 0.5 if count > 1 else None
    return Spread(count, mean, std, min(one.low for one in there), max(one.high for one in there))


def _macro(spreads: Sequence[Spread | None]) -> float | None:
    there = [one.mean for one in spreads if one is not None]
    return sum(there) / len(there) if there else None


def _mean(outcomes: Sequence[Outcome]) -> Mean | None:
    from aim_tui.core.statistics import mean

    values = [outcome.value for outcome in outcomes if isinstance(outcome, Present)]
    return mean(values) if values else None


# -- what is written --------------------------------------------------------------------------------------------------


def _head(setup: Setup, gallery: Gallery | None, lpips: ModelInfo | None) -> dict[str, Any]:
    from aim_tui.cli.gallery import about

    reading = setup.engine.reading
    head: dict[str, Any] = {"profile": setup.profile.name, "exif": reading.exif, "background": reading.background}
    if gallery is not None:
        head = about(setup, gallery)
    if lpips is not None:
        head["lpips_model"] = {
            "model": lpips.id,
            "revision": lpips.revision,
            "dtype": lpips.dtype,
            "device": lpips.device,
            **lpips.detail,
        }
    return head


def _record(pair: tuple[str, str], row: int, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    from aim_tui.cli.gallery import path_fields
    from aim_tui.core.text import portable_path

    record: dict[str, Any] = path_fields(pair[0])
    record |= {name.replace("path", "reference"): text for name, text in path_fields(pair[1]).items()}
    record |= {_COLUMNS[name]: value_of(column[row]) for name, column in outcomes.items()}
    reasons = [f"{name}: {reason}" for name, column in outcomes.items() if (reason := reason_of(column[row]))]
    return record | {"reason": portable_path("; ".join(reasons)) or None}


def _mean_record(found: Mean | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"n": found.n, "mean": found.mean, "std": found.std, "low": found.low, "high": found.high}


def _group_record(
    name: str, sides: tuple[list[str], list[str]], figures: Mapping[str, Spread | None], wanted: Sequence[str]
) -> dict[str, Any]:
    from aim_tui.core.text import portable_path

    record: dict[str, Any] = {"category": portable_path(name), "images_a": len(sides[0]), "images_b": len(sides[1])}
    for metric in wanted:
        spread = figures[metric]
        for key in ("pairs", "mean", "std", "min", "max"):
            record[f"{_COLUMNS[metric]}_{key}"] = spread.record()[key] if spread is not None else None
    return record


def _records_of(reasons: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    from aim_tui.cli.gallery import path_fields
    from aim_tui.core.text import portable_path

    return [{**path_fields(path), "reason": portable_path(reason)} for path, reason in reasons]


def _table(
    pairs: Sequence[tuple[str, str]],
    outcomes: Mapping[str, Sequence[Outcome]],
    means: Mapping[str, Mean | None],
    limit: int,
) -> None:
    from aim_tui.cli.display import say, show, table, words

    headings = [_HEADINGS[name] for name in outcomes]
    made = table("A", "B", *headings, right=headings)
    for row, (image, reference) in enumerate(pairs[:limit]):
        values = [value_of(column[row]) for column in outcomes.values()]
        made.add_row(*map(words, (image, reference, *("!" if value is None else f"{value:.4f}" for value in values))))
    if len(pairs) > 1:
        made.add_row()
        for label, key in (("mean", "mean"), ("standard deviation (n - 1)", "std"), ("n", "n")):
            cells = [_cell(getattr(found, key)) if found is not None else "-" for found in means.values()]
            made.add_row(*(words(text, "bold") for text in (label, "", *cells)))
        intervals = [
            f"{found.low:.4f} to {found.high:.4f}" if found is not None and found.low is not None else "-"
            for found in means.values()
        ]
        made.add_row(*(words(text, "bold") for text in ("95% interval of the mean (bootstrap)", "", *intervals)))
    show(made)
    if len(pairs) > limit:
        say(f"and {len(pairs) - limit:,} pairs more: --limit N, or -o FILE.csv for all")


def _table_of_groups(
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[str],
    everything: Mapping[str, Spread | None],
    means: Mapping[str, float | None],
) -> None:
    from aim_tui.cli.display import show, table, words

    numbers = [f"{_HEADINGS[metric]} {what}" for metric in wanted for what in ("mean", "std", "min", "max")]
    made = table("category", "images A", "images B", *numbers, right=("images A", "images B", *numbers))
    for row in rows:
        figures = [
            _cell(row[f"{_COLUMNS[metric]}_{key}"]) for metric in wanted for key in ("mean", "std", "min", "max")
        ]
        made.add_row(*map(words, (row["category"] or "all", row["images_a"], row["images_b"], *figures)))
    if len(rows) > 1:
        made.add_row()
        cells: list[str] = []
        for metric in wanted:
            spread = everything[metric]
            record = spread.record() if spread is not None else {}
            cells += [_cell(record.get(key)) for key in ("mean", "std", "min", "max")]
        made.add_row(*(words(text, "bold") for text in ("all pairs alike", "", "", *cells)))
        cells = [text for metric in wanted for text in (_cell(means[metric]), "", "", "")]
        made.add_row(*(words(text, "bold") for text in ("categories alike", "", "", *cells)))
    show(made, words("std: divisor n - 1. Pairs share images, so that they have no simple interval.", "dim"))


def _cell(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def _say_failed(pairs: Sequence[tuple[str, str]], outcomes: Mapping[str, Sequence[Outcome]]) -> int:
    """Name pairs without a value; returns how many there are."""
    lines = []
    for row, (image, reference) in enumerate(pairs):
        reasons = {reason for column in outcomes.values() if (reason := reason_of(column[row]))}
        if reasons:
            lines.append(f"{image} against {reference}: {'; '.join(sorted(reasons))}")
    _say_some(lines, "red")
    return len(lines)


def _say_some(lines: Sequence[str], style: str = "yellow", limit: int = 20) -> None:
    from aim_tui.cli.display import say

    for line in lines[:limit]:
        say(line, style)
    if len(lines) > limit:
        say(f"and {len(lines) - limit:,} more like the last")
