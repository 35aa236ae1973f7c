"""`aim-tui classify`: classify images by labels, without training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.cli.console import finish, say, say_first
from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures, say_hidden
from aim_tui.cli.embeddings.open_in_tui import open_findings
from aim_tui.core.embeddings import zero_shot
from aim_tui.core.embeddings.classification import Classification, percent
from aim_tui.core.embeddings.confusion import LabelAgreement
from aim_tui.core.text import path_fields, portable_path, printable
from aim_tui.exports.content import Records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.tables import Part, table, words
from aim_tui.inputs.labels import read_choices, read_label_file, read_templates
from aim_tui.runs.setup import Setup


@options.takes_groups
def classify(
    paths: options.Images,
    labels: Annotated[
        str, typer.Option("--labels", "-l", metavar="A,B,...|FILE", help="The labels, or a file with one per line.")
    ],
    templates: Annotated[
        str | None,
        typer.Option(
            "--templates",
            metavar="imagenet|FILE|TEXT",
            help="Texts with {} for the label, one per line; imagenet: the 80 of the CLIP paper. "
            "Default: 'a photo of a {}.'",
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE", help="True labels: CSV or JSON with the columns image and label."),
    ] = None,
    most: Annotated[int, typer.Option("--top", "-k", min=1, metavar="K", help="How many labels per image.")] = 3,
    limit: options.Limit = 50,
    tui: options.OpenInTui = False,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Classify images with CLIP, without training: a softmax over the labels, each the mean of its texts.

    With --truth also accuracy, precision, recall, F1 and the confusion matrix.

    Exit: 0 all images classified, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(destination.format, destination.output, Records)
    choices, around = read_choices(labels), read_templates(templates)
    file = read_label_file(truth) if truth is not None else None
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    if tui:
        raise typer.Exit(open_findings(setup, paths[0], common.store_path, destination.format, destination.output))
    # Before many images are embedded: are any of them in the label file?
    known = file.match(found.images) if file is not None else None
    with embedder(setup, common.store_path) as embed:
        vectors = zero_shot.ensemble(embed.texts(zero_shot.filled(around, choices)), len(choices))
        logits = embed.logits()
        gallery = embed.images(found.images)
    result = Classification.of(gallery, choices, around, vectors, logits, known)
    missing = left_out(gallery, found.problems)
    head = _head(setup, result, missing)
    records = [_record(result, row, most) for row in range(len(result.paths))]
    export(Records(head, "results", records, _line, lambda: _table(result, most, limit)), kind, destination.output)
    say_hidden(kind, len(result.paths), limit)
    say_failures(gallery)
    _say_uncounted(result)
    finish(f"{len(result.paths):,} images, {len(result.labels)} labels", len(missing), failed=result.truth_left_out)


def _head(setup: Setup, made: Classification, missing: list[dict[str, str]]) -> dict[str, Any]:
    head: dict[str, Any] = {
        **about(setup, made.gallery),
        "labels": list(made.labels),
        "templates": list(made.templates),
        "logit_scale": made.logits.scale,
        "probabilities": made.logits.describe(),
        "images": len(made.paths),
        "left_out": missing,
    }
    if made.truth is not None:
        head["truth"] = {
            "report": made.agreement.record() if made.agreement is not None else None,
            "images_without_label": [path_fields(path) for path in made.unlabelled],
            "labels_that_are_no_choice": [
                {**path_fields(path), "label": label} for path, label in made.unknown.items()
            ],
            "rows_without_image": list(map(portable_path, made.truth.unmatched)),
        }
    return head


def _record(made: Classification, row: int, most: int) -> dict[str, Any]:
    guesses = made.guesses(row, most)
    record: dict[str, Any] = {
        **path_fields(made.paths[row]),
        "sha256": made.gallery.sha256s[row],
        "label": guesses[0].label,
        "probability": guesses[0].probability,
        "top": [{"label": guess.label, "probability": guess.probability} for guess in guesses],
    }
    if made.truth is not None:
        true = made.truth.labels.get(made.paths[row])
        record |= {"truth": true, "right": guesses[0].label == true if true in made.labels else None}
    return record


def _line(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A record as a line of a table, with numbered columns for the labels after the first."""
    line: dict[str, Any] = {}
    for name, value in record.items():
        if name != "top":
            line[name] = value
            continue
        for number, guess in enumerate(value[1:], start=2):
            line |= {f"{part}_{number}": of for part, of in guess.items()}
    yield line


def _table(made: Classification, most: int, limit: int) -> list[Part]:
    most = min(most, len(made.labels))
    headings = [f"#{number}" for number in range(1, most + 1)]
    truth = ["truth", ""] if made.truth is not None else []
    images = table("image", *headings, *truth)
    for row in range(min(limit, len(made.paths))):
        cells = [f"{guess.label} {percent(guess.probability)}" for guess in made.guesses(row, most)]
        if made.truth is not None:
            true = made.truth.labels.get(made.paths[row])
            cells += [true or "-", _mark(made, row, true)]
        images.add_row(*map(words, (made.paths[row], *cells)))
    parts: list[Part] = [images] if made.paths else []
    if made.agreement is not None:
        parts += _report(made.agreement)
    texts = f"{len(made.templates)} texts per label" if len(made.templates) > 1 else repr(made.templates[0])
    parts.append(words(f"probability: {made.logits.describe()}; {texts}", "dim"))
    return parts


def _mark(made: Classification, row: int, true: str | None) -> str:
    if true is None:
        return ""
    if true not in made.labels:
        return "not among the labels"
    return "right" if made.guesses(row, 1)[0].label == true else "wrong"


def _report(found: LabelAgreement) -> list[Part]:
    numbers = ("precision", "recall", "F1", "support", "predicted")
    scores = table("label", *numbers, right=numbers)
    for each in found.by_label:
        values = [_number(value) for value in (each.precision, each.recall, each.f1)]
        scores.add_row(*map(words, (each.label, *values, each.support, each.predicted)))
    for name, average in (("macro mean", found.macro), ("weighted mean", found.weighted)):
        values = [_number(value) for value in (average.precision, average.recall, average.f1)]
        scores.add_row(*(words(text, "dim") for text in (name, *values, found.n, found.n)))
    headings = [printable(label) for label in found.labels]
    matrix = table("true \\ predicted", *headings, right=headings)
    for row, (label, counts) in enumerate(zip(found.labels, found.matrix, strict=True)):
        cells = [words(n, "bold" if column == row else "" if n else "dim") for column, n in enumerate(counts)]
        matrix.add_row(words(label), *cells)
    parts: list[Part] = [
        words(f"accuracy {found.accuracy:.4f} ({found.right} of {found.n} images)", "bold"),
        scores,
    ]
    if found.undefined:
        note = "undefined, counted as 0 in the means as in scikit-learn (never predicted, or never true)"
        parts.append(words(f"{note}: {', '.join(found.undefined)}", "dim"))
    return [*parts, matrix]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _say_uncounted(made: Classification) -> None:
    """Print on stderr which images and true labels the agreement does not count."""
    if made.truth is None:
        return
    for path, label in list(made.unknown.items())[:20]:
        say(f"{path}: its true label {label!r} is not in --labels; not counted", "yellow")
    for guess in made.truth.guesses:
        say(f"--truth: {guess}", "yellow")
    say_first([f"{path}: no true label; not counted" for path in made.unlabelled], what=" like the last")
    say_first(
        [f"{name}: in --truth, but not one of the images" for name in made.truth.unmatched], what=" like the last"
    )
    if made.agreement is None:
        say("no image has a true label that is in --labels: no agreement can be computed", "red")
