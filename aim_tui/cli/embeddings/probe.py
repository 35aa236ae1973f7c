"""`aim-tui probe`: a classifier of the user's own notion, trained on embeddings and used on others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

    from aim_tui.core.embeddings.gallery import ImageEmbeddings
    from aim_tui.core.embeddings.linear_probe import Training
    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.exports.probes import SavedProbe

app = typer.Typer(no_args_is_help=True)

#: What of a probe's description must be as it was for its numbers to be the same.
_SAME = ("dtype", "device", "exif", "background")


@app.command()
@options.takes_groups
def train(
    labels: Annotated[
        Path, typer.Option("--labels", "-l", metavar="FILE", help="CSV or JSON with the columns image and label.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.safetensors", help="The probe.")],
    folds: Annotated[int, typer.Option("--folds", min=2, max=50, metavar="N", help="Folds of cross-validation.")] = 5,
    strength: Annotated[
        float | None,
        typer.Option("--c", metavar="C", help="Inverse strength of the penalty. Default: chosen by cross-validation."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Random seed of the folds.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite an existing probe.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    *,
    common: options.ReadOptions,
) -> None:
    """Train a linear probe on labelled images, and cross-validate it.

    Image paths are relative to the file of labels, else to the working folder.

    Exit: 0 all images used, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import about, embedder, left_out, say_failures
    from aim_tui.core.embeddings.linear_probe import train as train_probe
    from aim_tui.exports.probes import write_probe
    from aim_tui.exports.sink import check_writable
    from aim_tui.inputs.labels import read_label_file

    if strength is not None and not 0 < strength < float("inf"):
        raise UsageError(f"--c is {strength:g}; it is above zero")
    check_writable(output)
    if output.exists() and not overwrite:
        raise UsageError(f"{output} is there already", "name another file, or give --overwrite")
    file = read_label_file(labels)
    setup = common.setup(metrics="clip")
    by_path = _by_path(file.paths(), file.rows)
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        gallery = embed.images(list(by_path))
    say_failures(gallery)
    pictures = _pictures(gallery, by_path, setup.engine.reading)
    if not gallery.paths:
        raise UsageError(f"no image of {labels} could be read")
    found = train_probe(
        gallery.vectors,
        [by_path[path] for path in gallery.paths],
        pictures,
        folds=folds,
        strength=strength,
        seed=seed,
    )
    said = {
        **about(setup, gallery),
        "n": len(gallery.paths),
        "classes": found.counts,
        "c": found.strength,
        "c_chosen": found.chosen,
        "seed": found.seed,
        "cross_validation": found.validation.record(),
    }
    write_probe(output, found.probe, said)
    lacking = left_out(gallery)
    _show_training(found, {**said, "left_out": lacking}, as_json)
    say(f"wrote {output}: {len(gallery.paths):,} images{_without(len(lacking))}", "bold")
    raise typer.Exit(1 if lacking else 0)


@app.command()
@options.takes_groups
def apply(
    probe: Annotated[Path, typer.Argument(metavar="PROBE", help="A file written by `probe train`.")],
    paths: options.Images,
    limit: options.Limit = 50,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Predict the class of each image with a probe, with the probability of each class.

    Exit: 0 all images classified, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import choose, export
    from aim_tui.exports.probes import read_probe

    kind = choose(destination.format, destination.output, Records)
    saved = read_probe(probe)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        _check_model(probe, saved, embed.fingerprint, setup.profile.name)
        gallery = embed.images(found.images)
    said = about(setup, gallery)
    for name in _SAME:
        if said[name] != saved.about.get(name, said[name]):
            say(f"the probe was trained with {name} {saved.about[name]}; now it is {said[name]}", "yellow")
    lacking = left_out(gallery, found.problems)
    rows = _rows(saved, gallery)
    head = {"probe": dict(saved.about), **said, "images": len(gallery.paths), "left_out": lacking}
    export(
        Records(head, "results", rows, _line, lambda: _table(saved, gallery, rows[:limit])), kind, destination.output
    )
    if kind.id == "table" and len(rows) > limit:
        say(f"and {len(rows) - limit:,} images more: --limit N, or -o FILE.csv for all")
    say_failures(gallery)
    say(f"{len(gallery.paths):,} images{_without(len(lacking))}", "bold")
    raise typer.Exit(1 if lacking else 0)


def _by_path(paths: Mapping[str, str], rows: Mapping[str, str]) -> dict[str, str]:
    """The label of each file; UsageError where two names of one file have different ones."""
    import os

    names: dict[str, str] = {}
    by_path: dict[str, str] = {}
    for name, path in paths.items():
        first = names.setdefault(os.path.realpath(path), name)
        if rows[first] != rows[name]:
            raise UsageError(f"{name} is {rows[name]!r}, and {rows[first]!r} as {first}")
        if first == name:
            by_path[path] = rows[name]
    return by_path


def _pictures(gallery: ImageEmbeddings, by_path: Mapping[str, str], reading: ReadingPolicy) -> list[str]:
    """What stands for the picture of each image: a digest of its pixels where another image may have the same.

    UsageError if one picture has two labels. Near copies, which are not the same pixels, are warned of.
    """
    from aim_tui.cli.console import say
    from aim_tui.core.embeddings.duplicates import find_groups
    from aim_tui.inputs.dataset_inspection import pixel_digests

    # Images of the same pixels have the same embedding, so that only near ones are decoded again.
    near = [
        [member.index for member in group.members] for group in find_groups(gallery.vectors, gallery.sha256s).groups
    ]
    digests = pixel_digests([gallery.paths[row] for rows in near for row in rows], reading)
    pictures = [digests.get(path, sha256) for path, sha256 in zip(gallery.paths, gallery.sha256s, strict=True)]
    first: dict[str, str] = {}
    for path, picture in zip(gallery.paths, pictures, strict=True):
        other = first.setdefault(picture, path)
        if by_path[other] != by_path[path]:
            raise UsageError(
                f"{path} and {other} are the same picture, labelled {by_path[path]!r} and {by_path[other]!r}"
            )
    if copies := len(pictures) - len(first):
        say(f"{copies} images are copies of others (the same pixels): copies stay in one part of the cross-validation")
    distinct = [len({pictures[row] for row in rows}) for rows in near]
    if any(count > 1 for count in distinct):
        say(
            f"{sum(count for count in distinct if count > 1)} images are near copies of each other: in different parts "
            "of the cross-validation they make the figures too good (see aim-tui duplicates)",
            "yellow",
        )
    return pictures


def _check_model(path: Path, saved: SavedProbe, fingerprint: str, profile: str) -> None:
    if saved.fingerprint != fingerprint:
        raise UsageError(
            f"{path} was trained on embeddings of {saved.about.get('model')} (fingerprint {saved.fingerprint[:12]}); "
            f"the profile {profile!r} has another model (fingerprint {fingerprint[:12]})",
            f"use its profile: --profile {saved.about.get('profile')}",
        )


def _show_training(found: Training, said: Mapping[str, Any], as_json: bool) -> None:
    from aim_tui.cli.console import facts, print_json, show
    from aim_tui.core.embeddings.linear_probe import mean, spread

    if as_json:
        print_json(dict(said))
        return
    checked = found.validation
    classes = ", ".join(f"{name} {count}" for name, count in found.counts.items())
    how = "chosen by cross-validation within each part" if found.chosen else "as given"
    area = "AUC" if len(found.counts) == 2 else "AUC, mean of each class against the rest"
    show(
        facts(
            [
                ("classes", classes),
                ("model", said["model"]),
                ("C", f"{found.strength:g}, {how}"),
                ("accuracy", _figures(mean(checked.accuracies), spread(checked.accuracies), checked.folds)),
                (area, _figures(mean(checked.aucs), spread(checked.aucs), checked.folds)),
                ("always the most frequent", f"{checked.majority:.4f} accuracy"),
            ]
        )
    )


def _figures(average: float, deviation: float, folds: int) -> str:
    return f"{average:.4f}, standard deviation {deviation:.4f} over {folds} parts"


def _rows(saved: SavedProbe, gallery: ImageEmbeddings) -> list[dict[str, Any]]:
    from aim_tui.cli.embeddings.embedder import path_fields

    if not gallery.paths:
        return []
    classes, shares = saved.probe.classes, saved.probe.probabilities(gallery.vectors)
    rows = []
    for path, sha256, row in zip(gallery.paths, gallery.sha256s, shares, strict=True):
        by_class = {name: float(share) for name, share in zip(classes, row, strict=True)}
        best = classes[int(row.argmax())]
        named = {**path_fields(path), "sha256": sha256, "label": best}
        rows.append({**named, "probability": by_class[best], "probabilities": by_class})
    return rows


def _line(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A record as a line of a table, with a column for each class."""
    line = {name: value for name, value in record.items() if name != "probabilities"}
    yield line | {f"probability of {name}": share for name, share in record["probabilities"].items()}


def _table(saved: SavedProbe, gallery: ImageEmbeddings, rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    from aim_tui.cli.console import table, words
    from aim_tui.core.embeddings.classification import percent
    from aim_tui.core.text import printable

    classes = saved.probe.classes if len(saved.probe.classes) <= 8 else ()
    headings = [printable(name) for name in classes]
    made = table("image", "label", "", *headings, right=("", *headings))
    for path, row in zip(gallery.paths, rows, strict=False):
        cells = [percent(row["probabilities"][name]) for name in classes]
        made.add_row(*map(words, (path, row["label"], percent(row["probability"]), *cells)))
    return [made] if rows else []


def _without(lacking: int) -> str:
    return f"; {lacking} left out" if lacking else ""
