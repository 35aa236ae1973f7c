"""`aim-tui compare`: compare images with images, in pairs or each with each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import finish, say, say_first
from aim_tui.cli.embeddings.embedder import Embedder, about, embedder, say_hidden
from aim_tui.core.embeddings.all_pairs import CosineSpread, all_pairs, spread_of
from aim_tui.core.embeddings.categories import summary_record
from aim_tui.core.embeddings.file_pairs import WAYS, Pairing, pair
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.names import comma_separated, composed, did_you_mean
from aim_tui.core.outcomes import Failed, Outcome, Present, reason_of, value_of
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.statistics import Mean, mean
from aim_tui.core.text import path_fields, portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.content import Records, left_out_records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.formats.writer import Format
from aim_tui.exports.tables import Part, table, words
from aim_tui.inputs.listing import expand, list_folder
from aim_tui.runs.setup import Setup

METRICS = ("clip", "lpips")
#: The names of the metrics in JSON and CSV.
_COLUMNS = {"clip": "clip_cosine", "lpips": "lpips"}
_HEADINGS = {"clip": "CLIP ↑", "lpips": "LPIPS ↓"}
_STATISTICS = ("mean", "std", "min", "max")
#: More distances than that are days of work, and most likely a mistake.
_MOST_DISTANCES = 100_000


@options.takes_groups
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="An image or a folder.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The image or folder to compare it with.")],
    pair_by: Annotated[
        str, typer.Option("--pair-by", metavar="|".join(WAYS), help="What must be equal in the file names of a pair.")
    ] = "name",
    all_pairs: Annotated[
        bool,
        typer.Option("--all-pairs", help="Compare each image of A with each of B, per sub-folder if both have them."),
    ] = False,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="clip,lpips", help="Default: both; with --all-pairs clip."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many pairs the table shows; files have all.")
    ] = 50,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Compare images with images: CLIP cosine (1 means alike) and LPIPS distance (0 means alike).

    Two images; a folder with one image; two folders, paired by name; or with --all-pairs every image with every other.

    Exit: 0 all images compared, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(destination.format, destination.output, Records)
    if pair_by not in WAYS:
        raise UsageError(f"--pair-by: unknown {pair_by!r}{did_you_mean(pair_by, WAYS)}")
    for path in (first, second):
        if not os.path.lexists(path):
            raise UsageError(f"no such file or folder: {path}")
    wanted = _wanted(metrics, ("clip",) if all_pairs else METRICS)
    setup = common.setup(metrics=",".join(wanted))
    if all_pairs:
        _compare_all(setup, (first, second), wanted, recursive, kind, destination.output, common.store_path)
    else:
        paired = _pairs_of((first, second), pair_by, recursive)
        _compare_pairs(setup, paired, wanted, limit, kind, destination.output, common.store_path)


def _wanted(option: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if option is None:
        return default
    named = comma_separated(option)
    unknown = next((name for name in named if name not in METRICS), None)
    if unknown is not None:
        raise UsageError(f"--metrics: unknown {unknown!r}{did_you_mean(unknown, METRICS)}")
    if not named:
        raise UsageError("--metrics names no metric", "clip, lpips or both")
    return tuple(name for name in METRICS if name in named)


def _pairs_of(roots: tuple[str, str], by: str, recursive: bool) -> Pairing:
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


def _compare_pairs(
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
        **_head_of(setup, gallery, lpips),
        "pairs": len(pairs),
        **{f"mean_{_COLUMNS[name]}": summary_record(mean) if mean else None for name, mean in means.items()},
        "left_out": unpaired,
    }
    rows = [_pair_record(pair, row, outcomes) for row, pair in enumerate(pairs)]
    export(Records(head, "results", rows, table=partial(_pairs_table, pairs, outcomes, means, limit)), kind, output)
    say_hidden(kind, len(pairs), limit, "pairs")
    failed = _say_failed(pairs, outcomes)
    say_first([f"{each['path']}: {each['reason']}" for each in unpaired], what=" like the last")
    parts = [f"{len(pairs):,} pair{'' if len(pairs) == 1 else 's'}"]
    parts += [f"{len(unpaired)} left out"] if unpaired else []
    finish("; ".join([*parts, *([f"{failed} not compared"] if failed else [])]), 0, failed=bool(unpaired or failed))


def _compare_all(
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
        **_head_of(setup, gallery, lpips),
        "overall": {
            _COLUMNS[metric]: {
                "all_pairs": spread.record() if spread else None,
                "mean_of_categories": means[metric],
            }
            for metric, spread in overall.items()
        },
        "left_out": left_out,
    }
    rows = [_group_record(name, groups[name], spreads[name], wanted) for name in groups]
    export(Records(head, "categories", rows, table=partial(_groups_table, rows, wanted, overall, means)), kind, output)
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
    for line in found.left_out.lines():
        say(f"{root}: left out: {line}", "yellow")
    return found.images, problems


def _groups(
    roots: tuple[str, str], recursive: bool
) -> tuple[dict[str, tuple[list[str], list[str]]], list[tuple[str, str]]]:
    """The images of both sides by category, or under an empty name; and the paths of no category."""
    listings = [list_folder(Path(root)) for root in roots]
    if not all(listing.folders for listing in listings) or recursive:
        sides = [_images(root, recursive) for root in roots]
        return {"": (sides[0][0], sides[1][0])}, [*sides[0][1], *sides[1][1]]
    # By the name in Unicode NFC, the name as it is on disk.
    names = [{composed(folder.name): folder.name for folder in listing.folders} for listing in listings]
    unpaired = [
        (os.path.join(root, mine[name]), f"has no match in {other}")
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
        found = [expand([os.path.join(root, side[name])]) for root, side in zip(roots, names, strict=True)]
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


def _head_of(setup: Setup, gallery: ImageEmbeddings | None, lpips: ModelInfo | None) -> dict[str, Any]:
    """What every output says about the models behind the figures."""
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


def _pair_record(pair: tuple[str, str], row: int, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """One pair for JSON and CSV; without a value, the reason."""
    record: dict[str, Any] = path_fields(pair[0])
    record |= {name.replace("path", "reference"): text for name, text in path_fields(pair[1]).items()}
    record |= {_COLUMNS[name]: value_of(column[row]) for name, column in outcomes.items()}
    reasons = [f"{name}: {reason}" for name, column in outcomes.items() if (reason := reason_of(column[row]))]
    return record | {"reason": portable_path("; ".join(reasons)) or None}


def _group_record(
    name: str, sides: tuple[list[str], list[str]], figures: Mapping[str, CosineSpread | None], wanted: Sequence[str]
) -> dict[str, Any]:
    """All pairs of one category, for JSON and CSV."""
    record: dict[str, Any] = {"category": portable_path(name), "images_a": len(sides[0]), "images_b": len(sides[1])}
    for metric in wanted:
        spread = figures[metric]
        for key in ("pairs", *_STATISTICS):
            record[f"{_COLUMNS[metric]}_{key}"] = spread.record()[key] if spread is not None else None
    return record


def _pairs_table(
    pairs: Sequence[tuple[str, str]],
    outcomes: Mapping[str, Sequence[Outcome]],
    means: Mapping[str, Mean | None],
    limit: int,
) -> list[Table]:
    """Pairs, and the means over them."""
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
    return [made]


def _groups_table(
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[str],
    everything: Mapping[str, CosineSpread | None],
    means: Mapping[str, float | None],
) -> list[Part]:
    """Categories, and the means over them."""
    numbers = [f"{_HEADINGS[metric]} {what}" for metric in wanted for what in _STATISTICS]
    made = table("category", "images A", "images B", *numbers, right=("images A", "images B", *numbers))
    for row in rows:
        figures = [_cell(row[f"{_COLUMNS[metric]}_{key}"]) for metric in wanted for key in _STATISTICS]
        made.add_row(*map(words, (row["category"] or "all", row["images_a"], row["images_b"], *figures)))
    if len(rows) > 1:
        made.add_row()
        cells: list[str] = []
        for metric in wanted:
            spread = everything[metric]
            record = spread.record() if spread is not None else {}
            cells += [_cell(record.get(key)) for key in _STATISTICS]
        made.add_row(*(words(text, "bold") for text in ("all pairs", "", "", *cells)))
        cells = [text for metric in wanted for text in (_cell(means[metric]), "", "", "")]
        made.add_row(*(words(text, "bold") for text in ("mean of categories", "", "", *cells)))
    return [made, words("std: divisor n - 1. No interval: the pairs share images.", "dim")]


def _cell(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def _say_failed(pairs: Sequence[tuple[str, str]], outcomes: Mapping[str, Sequence[Outcome]]) -> int:
    """Print the pairs without a value on stderr; returns how many there are."""
    lines = []
    for row, (image, reference) in enumerate(pairs):
        reasons = {reason for column in outcomes.values() if (reason := reason_of(column[row]))}
        if reasons:
            lines.append(f"{image} against {reference}: {'; '.join(sorted(reasons))}")
    say_first(lines, "red", what=" like the last")
    return len(lines)
