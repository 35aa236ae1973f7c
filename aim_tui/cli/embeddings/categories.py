"""`aim-tui categories`: score the folder of each category with the prompt of that category."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.cli.console import finish, say, say_first
from aim_tui.cli.embeddings.embedder import Embedder, about, embedder
from aim_tui.cli.embeddings.open_in_tui import open_findings
from aim_tui.core.embeddings.categories import (
    ORDERS,
    Categories,
    Category,
    ScoredImage,
    category_record,
    extent,
    summary_record,
)
from aim_tui.core.embeddings.gallery import ImageEmbeddings, cosines_with
from aim_tui.core.names import did_you_mean
from aim_tui.core.statistics import Mean
from aim_tui.core.text import path_fields, portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.content import Records, left_out_records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.tables import Part, table, words
from aim_tui.inputs.categories import ORDERS as FOLDER_ORDERS
from aim_tui.inputs.categories import Tree, from_template, read_prompts, read_tree

_BAR = 20


@options.takes_groups
def categories(
    root: Annotated[str, typer.Argument(metavar="ROOT", help="A folder with a folder of images for each category.")],
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FILE",
            help="Text: one line per category, sorted. JSON or CSV: category and prompt.",
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--prompt-template", metavar="TEXT", help="For example 'a photo of a {category}'."),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="natural|plain", help="How folders are sorted to match lines: 2 10, or 10 2."),
    ] = None,
    sort: Annotated[str, typer.Option("--sort", metavar="|".join(ORDERS), help="The order of the output.")] = "mean",
    per_image: Annotated[
        bool, typer.Option("--per-image", help="In CSV and JSON Lines: one row per image instead of per category.")
    ] = False,
    tui: options.OpenInTui = False,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Score the images of each category with its prompt by CLIP: mean, spread, bootstrap interval, macro and micro.

    Exit: 0 all images scored, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(destination.format, destination.output, Records)
    for option, value, known in (("--sort", sort, ORDERS), ("--order", order, FOLDER_ORDERS)):
        if value is not None and value not in known:
            raise UsageError(f"{option}: unknown {value!r}{did_you_mean(value, known)}")
    setup = common.setup(metrics="clip")
    tree = read_tree(root, recursive=recursive)
    for line in tree.left_out.lines():
        say(f"left out: {line}", "yellow")
    by_name, unused = _prompts(tree, prompts, template, order)
    if tui:
        raise typer.Exit(open_findings(setup, root, common.store_path, destination.format, destination.output))
    with embedder(setup, common.store_path) as embed:
        scored, gallery = _score(embed, tree, by_name)
    left_out = _left_out(tree, scored)
    rows = scored.sorted(sort)
    head = {**about(setup, gallery), "root": path_fields(os.path.abspath(root)), **_overall(scored)}
    head["left_out"] = left_out
    by_category = [{**category_record(row), "category": portable_path(row.name)} for row in rows]
    by_image = [record for row in rows for record in _image_records(row)]
    records = Records(head, "images", by_image) if per_image else Records(head, "categories", by_category)
    document = {**head, "categories": by_category, "images": by_image}
    export(replace(records, whole=document, table=lambda: _table(scored, rows)), kind, destination.output)
    say_first([f"{each['path']}: {each['reason']}" for each in left_out], "red")
    if unused:
        say(f"prompts of no category: {', '.join(unused[:20])}{' …' if len(unused) > 20 else ''}", "yellow")
    images = sum(len(category.images) for category in scored.categories)
    finish(f"{images:,} images of {len(scored.categories)} categories", len(left_out))


def _prompts(
    tree: Tree, prompts: Path | None, template: str | None, order: str | None
) -> tuple[dict[str, str], list[str]]:
    if (prompts is None) == (template is None):
        raise UsageError(
            "the categories need prompts, from a file or from a template",
            "give --prompts FILE or --prompt-template 'a photo of a {category}'",
        )
    if template is not None:
        return from_template(template, tree.names), []
    assert prompts is not None
    return read_prompts(prompts, tree.names, order)


def _score(embed: Embedder, tree: Tree, prompts: Mapping[str, str]) -> tuple[Categories, ImageEmbeddings]:
    texts = dict(zip(tree.names, embed.texts([prompts[name] for name in tree.names]), strict=True))
    paths = [image for folder in tree.folders for image in folder.images]
    if not paths:
        raise UsageError(f"no images in the folders of {tree.root}", "include sub-folders with -r")
    gallery = embed.images(paths)
    place = {path: number for number, path in enumerate(gallery.paths)}
    categories = []
    for folder in tree.folders:
        embedded = [path for path in folder.images if path in place]
        rows = gallery.vectors[[place[path] for path in embedded]]
        cosines = cosines_with(rows, texts[folder.name]).tolist() if embedded else []
        scored = tuple(map(ScoredImage, embedded, cosines))
        failed = tuple((path, gallery.failures[path]) for path in folder.images if path not in place)
        categories.append(Category(folder.name, prompts[folder.name], scored, failed))
    return Categories(tuple(categories)), gallery


def _left_out(tree: Tree, scored: Categories) -> list[dict[str, str]]:
    reasons = [(path, "is in no category's folder") for path in tree.strays]
    reasons += [(problem.path, problem.reason) for folder in tree.folders for problem in folder.problems]
    reasons += [failure for category in scored.categories for failure in category.failures]
    return left_out_records(reasons)


def _overall(scored: Categories) -> dict[str, Any]:
    return {
        "metric": "clip_score",
        "std_divisor": "n - 1",
        "interval": "95 % percentile bootstrap of the mean, seed 0",
        "micro": summary_record(scored.micro),
        "macro": {**summary_record(scored.macro, "categories"), "without_a_score": scored.without},
    }


def _image_records(category: Category) -> list[dict[str, Any]]:
    named = {"category": portable_path(category.name)}
    scored = [{**named, **path_fields(image.path), "clip_score": image.score} for image in category.images]
    failed = [
        {**named, **path_fields(path), "clip_score": None, "reason": portable_path(reason)}
        for path, reason in category.failures
    ]
    return [*scored, *failed]


def _table(scored: Categories, rows: list[Category]) -> list[Part]:
    made = table(
        "category", "", "mean", "std", "95% interval", "n", "failed", "prompt", right=("mean", "std", "n", "failed")
    )
    low, high = extent(rows)
    for row in rows:
        failed = len(row.failures) or ""
        made.add_row(*map(words, (row.name, _bar(row.summary, low, high), *_figures(row.summary), failed, row.prompt)))
    made.add_row()
    for name, mean in (
        ("macro: mean of categories", scored.macro),
        ("micro: mean of images", scored.micro),
    ):
        failed = scored.failed or "" if mean is scored.micro else ""
        made.add_row(*(words(text, "bold") for text in (name, _bar(mean, low, high), *_figures(mean), failed)))
    note = "std: divisor n - 1, for macro over the categories' means; interval: bootstrap of the mean, from 3 images on"
    if scored.without:
        note += f"; without a score, and not in the macro mean: {', '.join(scored.without)}"
    return [made, words(note, "dim")]


def _figures(mean: Mean | None) -> tuple[str, str, str, str]:
    if mean is None:
        return "-", "-", "-", "0"
    std = "-" if mean.std is None else f"{mean.std:.4f}"
    interval = "-" if mean.low is None or mean.high is None else f"{mean.low:.4f} to {mean.high:.4f}"
    return f"{mean.mean:.4f}", std, interval, str(mean.n)


def _bar(mean: Mean | None, low: float, high: float) -> str:
    if mean is None or high <= low:
        return ""
    return "█" * round(max(0.0, mean.mean - low) / (high - low) * _BAR)
