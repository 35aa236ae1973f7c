"""`aim-tui search`: find the images most similar to a text or to another image."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import finish
from aim_tui.cli.embeddings.embedder import Embedder, about, embedder, images_of, left_out, say_failures
from aim_tui.core.embeddings.gallery import Hit, ImageEmbeddings
from aim_tui.core.text import path_fields
from aim_tui.errors import UsageError
from aim_tui.exports.content import Records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.tables import table, words


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
    kind = choose(destination.format, destination.output, Records)
    text, paths = _query_and_paths(what, image)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store_path) as embed:
        # The query first: a mistake in it is reported before many images are embedded.
        query = embed.texts([text])[0] if image is None else _image_query(embed, image)
        gallery = embed.images(found.images)
    hits = [hit for hit in gallery.nearest(query, most) if least is None or hit.cosine >= least]
    missing = left_out(gallery, found.problems)
    query_record: dict[str, Any] = {"text": text} if image is None else {"image": path_fields(image)}
    counts = {"images": len(gallery.paths), "left_out": missing}
    head = {"query": query_record, **about(setup, gallery), **counts}
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
    threshold = "" if least is None else f" with a cosine of at least {least:g}"
    finish(f"{len(hits)} of {len(gallery.paths):,} images{threshold}", len(missing))


def _query_and_paths(what: list[str], image: str | None) -> tuple[str, list[str]]:
    """The text, empty if an image is given, and the paths."""
    if image is not None:
        return "", what
    text, *paths = what
    if not paths:
        raise UsageError(f"no path to search for {text!r}", "aim-tui search 'TEXT' PATH, or --image FILE PATH")
    if not text.strip():
        raise UsageError("the query text is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the query text has bytes that are not UTF-8", "type it again") from None
    return text, paths


def _image_query(embed: Embedder, image: str) -> npt.NDArray[np.float32]:
    embedded = embed.images([image])
    if not embedded.paths:
        raise UsageError(f"--image {image}: {embedded.failures[image]}")
    query: npt.NDArray[np.float32] = embedded.vectors[0]
    return query


def _table(gallery: ImageEmbeddings, hits: list[Hit]) -> list[Table]:
    made = table("#", "cosine", "path", right=("#", "cosine"))
    for rank, hit in enumerate(hits, start=1):
        made.add_row(*map(words, (rank, f"{hit.cosine:.4f}", gallery.paths[hit.index])))
    return [made] if hits else []
