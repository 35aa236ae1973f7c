"""`aim-tui matrix`: CLIP's cosine of every image with every text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from rich.text import Text

    from aim_tui.exports.tables import Part

    Cosines = npt.NDArray[np.float32]

# As "-0.1234", with a sign for the best on either side.
_CELL = 9


@options.takes_groups
def matrix(
    paths: options.Images,
    texts: Annotated[Path, typer.Option("--texts", "-T", metavar="FILE", help="The texts, one per line, UTF-8.")],
    limit: options.Limit = 50,
    tui: options.OpenInTui = False,
    recursive: options.Recursive = False,
    output_format: Annotated[
        str | None,
        options.format_option("table, json, jsonl, csv or npz. Default: by the ending of FILE, else table."),
    ] = None,
    output: options.Output = None,
    *,
    common: options.ReadOptions,
) -> None:
    """Compute the CLIP similarity of every image-text pair: a row per image, a column per text.

    Exit: 0 all images compared, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures
    from aim_tui.exports.formats import choose, export
    from aim_tui.exports.matrix import Matrix
    from aim_tui.inputs.text_lines import read_lines

    kind = choose(output_format, output, Matrix)
    setup = common.setup(metrics="clip")
    asked = read_lines(texts)
    found = images_of(paths, recursive=recursive)
    if tui:
        from aim_tui.cli.embeddings.open_in_tui import open_findings

        # A pattern is no place to open; where its first image is, is one.
        place = paths[0] if Path(paths[0]).exists() else found.images[0]
        raise typer.Exit(open_findings(setup, place, common.store, output_format, output, no_store=common.no_store))
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        queries = embed.texts(asked)
        gallery = embed.images(found.images)
    cosines = gallery.cosines(queries)
    lacking = left_out(gallery, found.problems)
    head = {**about(setup, gallery), "texts": asked, "left_out": lacking}
    export(Matrix(gallery, asked, cosines, head, lambda: _table(gallery.paths[:limit], asked, cosines)), kind, output)
    if kind.id == "table" and len(gallery.paths) > limit:
        say(f"and {len(gallery.paths) - limit:,} images more: --limit N, or -o FILE.csv for all")
    say_failures(gallery)
    without = f"; {len(lacking)} left out" if lacking else ""
    say(f"{len(gallery.paths):,} images, {len(asked):,} texts{without}", "bold")
    raise typer.Exit(1 if lacking else 0)


def _table(paths: Sequence[str], texts: Sequence[str], cosines: Cosines) -> list[Part]:
    """As many texts beside each other as fit, by number; what the numbers stand for is said above."""
    from aim_tui.cli.console import console, facts, table, words
    from aim_tui.core.text import printable

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
    """The number on its colour; the best of a row has a sign too, for colour alone tells nobody."""
    from rich.text import Text

    from aim_tui.core.cividis import colour, is_light

    share = (cosine - least) / (most - least) if most > least else 0.5
    red, green, blue = colour(share)
    ink = "#000000" if is_light((red, green, blue)) else "#ffffff"
    text = f"{'*' if best else ' '}{cosine:7.4f} "
    return Text(text, style=f"{ink} on #{red:02x}{green:02x}{blue:02x}")
