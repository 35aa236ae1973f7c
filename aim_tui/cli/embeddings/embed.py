"""`aim-tui embed`: write the embeddings of images and texts to a file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from aim_tui.cli import options
from aim_tui.cli.console import finish
from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures
from aim_tui.errors import AimError, UsageError
from aim_tui.exports.embeddings import Embeddings
from aim_tui.exports.formats import choose, export
from aim_tui.inputs.text_lines import read_lines


@options.takes_groups
def embed(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Output file, ending in .npz, .parquet or .safetensors."),
    ],
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH...]", help="Images, folders and glob patterns.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", "-T", metavar="FILE", help="Also embed these texts, one per line, UTF-8.")
    ] = None,
    recursive: options.Recursive = False,
    *,
    common: options.ReadOptions,
) -> None:
    """Write CLIP embeddings, float32 of length one, with paths, content hashes and the fingerprint of the model.

    Exit: 0 all images embedded, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(None, output, Embeddings)
    if not paths and texts is None:
        raise UsageError("nothing to embed", "name images or a folder, or --texts FILE")
    setup = common.setup(metrics="clip")
    lines = read_lines(texts) if texts is not None else []
    found = images_of(paths, recursive=recursive) if paths else None
    with embedder(setup, common.store_path) as embed:
        vectors = embed.texts(lines) if lines else np.empty((0, 0), dtype=np.float32)
        gallery = embed.images(found.images if found else [])
    missing = left_out(gallery, found.problems if found else ())
    say_failures(gallery)
    if not gallery.paths and not lines:
        raise AimError(f"{output} was not written: none of the images could be embedded")
    provenance = {**about(setup, gallery), "left_out": missing}
    export(Embeddings(gallery.paths, gallery.sha256s, gallery.vectors, lines, vectors, provenance), kind, output)
    dim = (gallery.vectors if len(gallery.paths) else vectors).shape[1]
    counted = [f"{len(gallery.paths):,} images"] if found else []
    counted += [f"{len(lines):,} texts"] if lines else []
    finish(f"wrote {output}: {', '.join(counted)}, {dim} numbers each", len(missing))
