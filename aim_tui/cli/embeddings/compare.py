"""`aim-tui compare`: images held against images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options
from aim_tui.core.embeddings.file_pairs import WAYS
from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    pass

METRICS = ("clip", "lpips")


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
    from aim_tui.cli.embeddings.compare_images import compare_all, compare_pairs, pairs_of
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import choose

    kind = choose(destination.format, destination.output, Records)
    if pair_by not in WAYS:
        raise UsageError(f"--pair-by: unknown {pair_by!r}{did_you_mean(pair_by, WAYS)}")
    for path in (first, second):
        if not os.path.lexists(path):
            raise UsageError(f"no such file or folder: {path}")
    wanted = _wanted(metrics, ("clip",) if all_pairs else METRICS)
    setup = common.setup(metrics=",".join(wanted))
    store, no_store = common.store, common.no_store
    if all_pairs:
        code = compare_all(
            setup, (first, second), wanted, recursive, kind, destination.output, store, no_store=no_store
        )
    else:
        paired = pairs_of((first, second), pair_by, recursive)
        code = compare_pairs(setup, paired, wanted, limit, kind, destination.output, store, no_store=no_store)
    raise typer.Exit(code)


def _wanted(option: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if option is None:
        return default
    named = tuple(dict.fromkeys(part.strip() for part in option.split(",") if part.strip()))
    unknown = next((name for name in named if name not in METRICS), None)
    if unknown is not None:
        raise UsageError(f"--metrics: unknown {unknown!r}{did_you_mean(unknown, METRICS)}")
    if not named:
        raise UsageError("--metrics names no metric", "clip, lpips or both")
    return tuple(name for name in METRICS if name in named)
