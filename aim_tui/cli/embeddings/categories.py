"""`aim-tui categories`: a folder for each category, scored against a prompt for each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.core.embeddings.categories import ORDERS, Categories, Category
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.statistics import Mean
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from aim_tui.cli.embeddings.embedder import Embedder
    from aim_tui.exports.tables import Part
    from aim_tui.inputs.categories import Tree

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
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import about, embedder, path_fields
    from aim_tui.core.names import did_you_mean
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import choose, export
    from aim_tui.inputs.categories import ORDERS as FOLDER_ORDERS
    from aim_tui.inputs.categories import read_tree

    kind = choose(destination.format, destination.output, Records)
    for option, value, known in (("--sort", sort, ORDERS), ("--order", order, FOLDER_ORDERS)):
        if value is not None and value not in known:
            raise UsageError(f"{option}: unknown {value!r}{did_you_mean(value, known)}")
    setup = common.setup(metrics="clip")
    tree = read_tree(root, recursive=recursive)
    for line in tree.left_out.lines():
        say(f"left out: {line}", "yellow")
    asked, strangers = _prompts(tree, prompts, template, order)
    if tui:
        from aim_tui.cli.embeddings.open_in_tui import open_findings

        raise typer.Exit(
            open_findings(setup, root, common.store, destination.format, destination.output, no_store=common.no_store)
        )
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        found, gallery = _score(embed, tree, asked)
    lacking = _left_out(tree, found)
    rows = found.sorted(sort)
    head = {**about(setup, gallery), "root": path_fields(os.path.abspath(root)), **_overall(found)}  # noqa: PTH100
    head["left_out"] = lacking
    by_category = list(map(_category_record, rows))
    by_image = [record for one in rows for record in _image_records(one)]
    records = Records(head, "images", by_image) if per_image else Records(head, "categories", by_category)
    document = {**head, "categories": by_category, "images": by_image}
    export(replace(records, whole=document, table=lambda: _table(found, rows)), kind, destination.output)
    _say_left_out(lacking, strangers)
    images = sum(len(one.images) for one in found.categories)
    without = f"; {len(lacking)} left out" if lacking else ""
    say(f"{images:,} images of {len(found.categories)} categories{without}", "bold")
    raise typer.Exit(1 if lacking else 0)


def _prompts(
    tree: Tree, prompts: Path | None, template: str | None, order: str | None
) -> tuple[dict[str, str], list[str]]:
    from aim_tui.inputs.categories import from_template, read_prompts

    if (prompts is None) == (template is None):
        raise UsageError(
            "the prompts of the categories come from a file or from a template",
            "give --prompts FILE, or --prompt-template 'a photo of a {category}'",
        )
    if template is not None:
        return from_template(template, tree.names), []
    assert prompts is not None
    return read_prompts(prompts, tree.names, order)


def _score(embed: Embedder, tree: Tree, prompts: Mapping[str, str]) -> tuple[Categories, ImageEmbeddings]:
    from aim_tui.core.embeddings.categories import Categories, Category, ScoredImage
    from aim_tui.core.embeddings.gallery import cosines_with

    texts = dict(zip(tree.names, embed.texts([prompts[name] for name in tree.names]), strict=True))
    paths = [image for folder in tree.folders for image in folder.images]
    if not paths:
        raise UsageError(f"no images in the folders of {tree.root}", "look into theirs too with -r")
    gallery = embed.images(paths)
    place = {path: number for number, path in enumerate(gallery.paths)}
    made = []
    for folder in tree.folders:
        there = [path for path in folder.images if path in place]
        rows = gallery.vectors[[place[path] for path in there]]
        cosines = cosines_with(rows, texts[folder.name]).tolist() if there else []
        scored = tuple(ScoredImage(path, cosine) for path, cosine in zip(there, cosines, strict=True))
        failed = tuple((path, gallery.failures[path]) for path in folder.images if path not in place)
        made.append(Category(folder.name, prompts[folder.name], scored, failed))
    return Categories(tuple(made)), gallery


def _left_out(tree: Tree, found: Categories) -> list[dict[str, str]]:
    from aim_tui.cli.embeddings.embedder import path_fields
    from aim_tui.core.text import portable_path

    reasons = [(path, "is in no category's folder") for path in tree.strays]
    reasons += [(problem.path, problem.reason) for folder in tree.folders for problem in folder.problems]
    reasons += [failure for category in found.categories for failure in category.failures]
    return [{**path_fields(path), "reason": portable_path(reason)} for path, reason in reasons]


def _overall(found: Categories) -> dict[str, Any]:
    from aim_tui.core.embeddings.categories import summary_record

    return {
        "metric": "clip_score",
        "std_divisor": "n - 1",
        "interval": "95 % percentile bootstrap of the mean, seed 0",
        "micro": summary_record(found.micro),
        "macro": {**summary_record(found.macro, "categories"), "without_a_score": found.without},
    }


def _category_record(category: Category) -> dict[str, Any]:
    from aim_tui.core.embeddings.categories import category_record
    from aim_tui.core.text import portable_path

    return {**category_record(category), "category": portable_path(category.name)}


def _image_records(category: Category) -> list[dict[str, Any]]:
    from aim_tui.cli.embeddings.embedder import path_fields
    from aim_tui.core.text import portable_path

    named = {"category": portable_path(category.name)}
    scored = [{**named, **path_fields(image.path), "clip_score": image.score} for image in category.images]
    failed = [
        {**named, **path_fields(path), "clip_score": None, "reason": portable_path(reason)}
        for path, reason in category.failures
    ]
    return [*scored, *failed]


def _table(found: Categories, rows: list[Category]) -> list[Part]:
    from aim_tui.cli.console import table, words
    from aim_tui.core.embeddings.categories import extent

    made = table(
        "category", "", "mean", "std", "95% interval", "n", "failed", "prompt", right=("mean", "std", "n", "failed")
    )
    low, high = extent(rows)
    for one in rows:
        failed = len(one.failures) or ""
        made.add_row(*map(words, (one.name, _bar(one.summary, low, high), *_figures(one.summary), failed, one.prompt)))
    made.add_row()
    for name, figure in (("macro: categories alike", found.macro), ("micro: images alike", found.micro)):
        failed = found.failed or "" if figure is found.micro else ""
        made.add_row(*(words(text, "bold") for text in (name, _bar(figure, low, high), *_figures(figure), failed)))
    said = (
        "std: divisor n - 1, of macro that of the categories' means; interval: bootstrap of the mean, from 3 images on"
    )
    if found.without:
        said += f"; without a score, and not in the macro mean: {', '.join(found.without)}"
    return [made, words(said, "dim")]


def _figures(found: Mean | None) -> tuple[str, str, str, str]:
    if found is None:
        return "-", "-", "-", "0"
    std = "-" if found.std is None else f"{found.std:.4f}"
    interval = "-" if found.low is None or found.high is None else f"{found.low:.4f} to {found.high:.4f}"
    return f"{found.mean:.4f}", std, interval, str(found.n)


def _bar(found: Mean | None, low: float, high: float) -> str:
    if found is None or high <= low:
        return ""
    return "█" * round(max(0.0, found.mean - low) / (high - low) * _BAR)


def _say_left_out(lacking: list[dict[str, str]], strangers: list[str], limit: int = 20) -> None:
    from aim_tui.cli.console import say

    for one in lacking[:limit]:
        say(f"{one['path']}: {one['reason']}", "red")
    if len(lacking) > limit:
        say(f"and {len(lacking) - limit} more")
    if strangers:
        say(f"prompts of no category: {', '.join(strangers[:limit])}{' …' if len(strangers) > limit else ''}", "yellow")
