"""`aim-tui matrix`: the CLIP cosine of every image with every text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.text import Text

from aim_tui.cli import options
from aim_tui.cli.console import finish
from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures, say_hidden
from aim_tui.cli.embeddings.open_in_tui import open_findings
from aim_tui.core.cividis import colour, is_light
from aim_tui.core.text import printable
from aim_tui.exports.formats import choose, export
from aim_tui.exports.matrix import Matrix
from aim_tui.exports.tables import Part, console, facts, table, words
from aim_tui.inputs.text_lines import read_lines

# As "*-0.1234 ", with the mark of the best.
_CELL = 9


@options.takes_groups
def matrix(
    paths: options.Images,
    texts: Annotated[Path, typer.Option("--texts", "-T", metavar="FILE", help="The texts, one per line, UTF-8.")],
    limit: options.Limit = 50,
    tui: options.OpenInTui = False,
    recursive: options.Recursive = False,
    output_format: Annotated[str | None, options.format_option(Matrix)] = None,
    output: options.Output = None,
    *,
    common: options.ReadOptions,
) -> None:
    """Compute the CLIP similarity of every image-text pair: a row per image, a column per text.

    Exit: 0 all images compared, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(output_format, output, Matrix)
    setup = common.setup(metrics="clip")
    lines = read_lines(texts)
    found = images_of(paths, recursive=recursive)
    if tui:
        # A pattern cannot be opened; the folder of its first image can.
        place = paths[0] if os.path.exists(paths[0]) else found.images[0]
        raise typer.Exit(open_findings(setup, place, common.store_path, output_format, output))
    with embedder(setup, common.store_path) as embed:
        queries = embed.texts(lines)
        gallery = embed.images(found.images)
    cosines = gallery.cosines(queries)
    missing = left_out(gallery, found.problems)
    head = {**about(setup, gallery), "texts": lines, "left_out": missing}
    export(Matrix(gallery, lines, cosines, head, lambda: _table(gallery.paths[:limit], lines, cosines)), kind, output)
    say_hidden(kind, len(gallery.paths), limit)
    say_failures(gallery)
    finish(f"{len(gallery.paths):,} images, {len(lines):,} texts", len(missing))


def _table(paths: Sequence[str], texts: Sequence[str], cosines: npt.NDArray[np.float32]) -> list[Part]:
    """As many texts side by side as fit, by number, under a list of the texts."""
    if not paths:
        return []
    least, most = float(cosines.min(initial=1)), float(cosines.max(initial=-1))
    parts: list[Part] = [facts((f"T{number}", text) for number, text in enumerate(texts, start=1))]
    out = console()
    longest = max((len(printable(path)) for path in paths), default=0)
    room = out.width - min(longest, out.width // 2) - 2
    at_once = max(1, room // (_CELL + 2))
    best = cosines.argmax(axis=1) if cosines.size else []
    for start in range(0, len(texts), at_once):
        columns = range(start, min(start + at_once, len(texts)))
        headings = [f"T{column + 1}" for column in columns]
        made = table("image", *headings, right=headings)
        for row, path in enumerate(paths):
            cells = [_cell(float(cosines[row, column]), least, most, best[row] == column) for column in columns]
            made.add_row(words(path), *cells)
        parts.append(made)
    if len(texts) > 1:
        parts.append(words("* the text with the highest cosine of an image", "dim"))
    return parts


def _cell(cosine: float, least: float, most: float, best: bool) -> Text:
    """The number on its colour; the best of a row is also marked, because colour is never the only signal."""
    share = (cosine - least) / (most - least) if most > least else 0.5
    red, green, blue = colour(share)
    ink = "#000000" if is_light((red, green, blue)) else "#ffffff"
    text = f"{'*' if best else ' '}{cosine:7.4f} "
    return Text(text, style=f"{ink} on #{red:02x}{green:02x}{blue:02x}")
