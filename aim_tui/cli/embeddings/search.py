"""`aim-tui search`: the images that are nearest to a text or to another image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.table import Table

    from aim_tui.cli.embeddings.embedder import Embedder
    from aim_tui.core.embeddings.gallery import Hit, ImageEmbeddings


@options.takes_groups
def search(
    what: Annotated[
        list[str], typer.Argument(metavar="[TEXT] PATH...", help="The query text, then images, folders and patterns.")
    ],
    image: Annotated[
        str | None,
        typer.Option("--image", "-i", metavar="FILE", help="Search for images similar to this one instead of a text."),
    ] = None,
    most: Annotated[int, typer.Option("--top", "-k", min=1, metavar="N", help="How many to show.")] = 20,
    least: Annotated[
        float | None, typer.Option("--min", min=-1.0, max=1.0, metavar="COSINE", help="Hide results below this cosine.")
    ] = None,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Rank images by CLIP similarity to a text or an image. Images are embedded once, then found in the store.

    Exit: 0 all images searched, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, path_fields, say_failures
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import choose, export

    kind = choose(destination.format, destination.output, Records)
    text, paths = _asked(what, image)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        # What is looked for first: a mistake in it is told before many images are embedded.
        query = _text_query(embed, text) if image is None else _image_query(embed, image)
        gallery = embed.images(found.images)
    hits = [hit for hit in gallery.nearest(query, most) if least is None or hit.cosine >= least]
    lacking = left_out(gallery, found.problems)
    asked: dict[str, Any] = {"text": text} if image is None else {"image": path_fields(image)}
    head = {
        "query": asked,
        **about(setup, gallery),
        "images": len(gallery.paths),
        "left_out": lacking,
    }
    rows = [
        {
            "rank": rank,
            **path_fields(gallery.paths[hit.index]),
            "cosine": hit.cosine,
            "sha256": gallery.sha256s[hit.index],
        }
        for rank, hit in enumerate(hits, start=1)
    ]
    export(Records(head, "results", rows, table=lambda: _table(gallery, hits)), kind, destination.output)
    say_failures(gallery)
    _say_count(gallery, hits, len(lacking), least)
    raise typer.Exit(1 if lacking else 0)


def _asked(what: list[str], image: str | None) -> tuple[str, list[str]]:
    """The text, empty where there is an image, and the paths."""
    if image is not None:
        return "", what
    text, *paths = what
    if not paths:
        raise UsageError(f"where to look for {text!r} is not said", "aim-tui search 'TEXT' PATH, or --image FILE PATH")
    if not text.strip():
        raise UsageError("the text to look for is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the text to look for holds bytes that are not UTF-8", "type it again") from None
    return text, paths


def _text_query(embed: Embedder, text: str) -> npt.NDArray[np.float32]:
    query: npt.NDArray[np.float32] = embed.texts([text])[0]
    return query


def _image_query(embed: Embedder, image: str) -> npt.NDArray[np.float32]:
    alone = embed.images([image])
    if not alone.paths:
        raise UsageError(f"--image {image}: {alone.failures[image]}")
    query: npt.NDArray[np.float32] = alone.vectors[0]
    return query


def _table(gallery: ImageEmbeddings, hits: list[Hit]) -> list[Table]:
    from aim_tui.cli.console import table, words

    made = table("#", "cosine", "path", right=("#", "cosine"))
    for rank, hit in enumerate(hits, start=1):
        made.add_row(*map(words, (rank, f"{hit.cosine:.4f}", gallery.paths[hit.index])))
    return [made] if hits else []


def _say_count(gallery: ImageEmbeddings, hits: list[Hit], lacking: int, least: float | None) -> None:
    from aim_tui.cli.console import say

    enough = "" if least is None else f" with a cosine of at least {least:g}"
    without = f"; {lacking} left out" if lacking else ""
    say(f"{len(hits)} of {len(gallery.paths):,} images{enough}{without}", "bold")
