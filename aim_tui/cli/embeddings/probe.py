"""`aim-tui probe`: train a linear probe on labelled images, and classify others with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import finish, print_json, say, show
from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures, say_hidden
from aim_tui.core.embeddings.classification import percent
from aim_tui.core.embeddings.duplicates import find_groups
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.embeddings.linear_probe import Training, mean, spread
from aim_tui.core.embeddings.linear_probe import train as train_probe
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import path_fields, printable
from aim_tui.errors import UsageError
from aim_tui.exports.content import Records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.probes import SavedProbe, read_probe, write_probe
from aim_tui.exports.sink import check_writable
from aim_tui.exports.tables import facts, table, words
from aim_tui.inputs.dataset_inspection import pixel_digests
from aim_tui.inputs.labels import read_label_file

app = typer.Typer(no_args_is_help=True)

# A probe gives the same probabilities only where these are as they were in training.
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
    if strength is not None and not 0 < strength < float("inf"):
        raise UsageError(f"--c is {strength:g}; it must be above zero")
    check_writable(output)
    if os.path.exists(output) and not overwrite:
        raise UsageError(f"{output} exists already", "name another file, or give --overwrite")
    file = read_label_file(labels)
    setup = common.setup(metrics="clip")
    by_path = _by_path(file.paths(), file.rows)
    with embedder(setup, common.store_path) as embed:
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
    description = {
        **about(setup, gallery),
        "n": len(gallery.paths),
        "classes": found.counts,
        "c": found.strength,
        "c_chosen": found.chosen,
        "seed": found.seed,
        "cross_validation": found.validation.record(),
    }
    write_probe(output, found.probe, description)
    missing = left_out(gallery)
    if as_json:
        print_json({**description, "left_out": missing})
    else:
        _show_training(found, gallery.model.id)
    finish(f"wrote {output}: {len(gallery.paths):,} images", len(missing))


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
    kind = choose(destination.format, destination.output, Records)
    saved = read_probe(probe)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store_path) as embed:
        _check_model(probe, saved, embed.fingerprint, setup.profile.name)
        gallery = embed.images(found.images)
    provenance = about(setup, gallery)
    for name in _SAME:
        if provenance[name] != saved.about.get(name, provenance[name]):
            say(f"the probe was trained with {name} {saved.about[name]}; now it is {provenance[name]}", "yellow")
    missing = left_out(gallery, found.problems)
    rows = _rows(saved, gallery)
    head = {"probe": dict(saved.about), **provenance, "images": len(gallery.paths), "left_out": missing}
    export(
        Records(head, "results", rows, _line, lambda: _table(saved, gallery, rows[:limit])), kind, destination.output
    )
    say_hidden(kind, len(rows), limit)
    say_failures(gallery)
    finish(f"{len(gallery.paths):,} images", len(missing))


def _by_path(paths: Mapping[str, str], rows: Mapping[str, str]) -> dict[str, str]:
    """The label of each file; UsageError where two names of one file have different ones."""
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
    """The identity of each picture: a digest of its pixels if another image may have the same, else of the file.

    UsageError if one picture has two labels; a warning about near copies, which do not have the same pixels.
    """
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
            labels = f"{by_path[path]!r} and {by_path[other]!r}"
            raise UsageError(f"{path} and {other} are the same picture, labelled {labels}")
    if copies := len(pictures) - len(first):
        say(f"{copies} images are copies of others (the same pixels): copies stay in one fold of the cross-validation")
    distinct = [len({pictures[row] for row in rows}) for rows in near]
    if any(count > 1 for count in distinct):
        say(
            f"{sum(count for count in distinct if count > 1)} images are near copies of each other: in different folds "
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


def _show_training(found: Training, model: str) -> None:
    checked = found.validation
    classes = ", ".join(f"{name} {count}" for name, count in found.counts.items())
    how = "chosen by cross-validation within each fold" if found.chosen else "as given"
    area = "AUC" if len(found.counts) == 2 else "AUC, mean of each class against the rest"
    show(
        facts(
            [
                ("classes", classes),
                ("model", model),
                ("C", f"{found.strength:g}, {how}"),
                ("accuracy", _figures(mean(checked.accuracies), spread(checked.accuracies), checked.folds)),
                (area, _figures(mean(checked.aucs), spread(checked.aucs), checked.folds)),
                ("majority class", f"{checked.majority:.4f} accuracy"),
            ]
        )
    )


def _figures(average: float, deviation: float, folds: int) -> str:
    return f"{average:.4f}, standard deviation {deviation:.4f} over {folds} folds"


def _rows(saved: SavedProbe, gallery: ImageEmbeddings) -> list[dict[str, Any]]:
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
    classes = saved.probe.classes if len(saved.probe.classes) <= 8 else ()
    headings = [printable(name) for name in classes]
    made = table("image", "label", "", *headings, right=("", *headings))
    for path, row in zip(gallery.paths, rows, strict=False):
        cells = [percent(row["probabilities"][name]) for name in classes]
        made.add_row(*map(words, (path, row["label"], percent(row["probability"]), *cells)))
    return [made] if rows else []
