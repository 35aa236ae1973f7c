"""`aim-tui duplicates`: group exact copies and near duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import finish, say
from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures
from aim_tui.cli.progress import display
from aim_tui.core.embeddings.duplicates import THRESHOLD, DuplicateGroups, find_groups
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.text import path_fields
from aim_tui.exports.content import Records
from aim_tui.exports.formats import choose, export
from aim_tui.exports.tables import table, words
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt


@options.takes_groups
def duplicates(
    paths: options.Images,
    threshold: Annotated[
        float,
        typer.Option("--threshold", min=-1.0, max=1.0, metavar="COSINE", help="Minimum cosine of a near duplicate."),
    ] = THRESHOLD,
    recursive: options.Recursive = False,
    *,
    destination: options.OutputOptions,
    common: options.ReadOptions,
) -> None:
    """Group exact copies (the same bytes) and near duplicates (by CLIP cosine).

    A group is a chain: each image is near some other image of it, not always all of them. Which cosine means "nearly
    the same" depends on the model: look at a few groups, and at the nearest pair of different groups, before you
    delete.

    Exit: 0 all images compared, 1 some left out, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    kind = choose(destination.format, destination.output, Records)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store_path) as embed:
        gallery = embed.images(found.images)
    groups = _search(gallery, threshold)
    missing = left_out(gallery, found.problems)
    head = {
        "threshold": threshold,
        **about(setup, gallery),
        "images": len(gallery.paths),
        "left_out": missing,
        "nearest_apart": groups.nearest_apart,
    }
    records = _groups(gallery, groups)
    export(Records(head, "groups", records, _members, lambda: _table(gallery, groups)), kind, destination.output)
    say_failures(gallery)
    if groups.nearest_apart is not None:
        say(f"the highest cosine below the threshold is {groups.nearest_apart:.4f}", "bold")
    members = [member for group in groups.groups for member in group.members]
    copies = sum(member.copy_of is not None for member in members)
    near = len(members) - len(groups.groups) - copies
    counted = f"groups: {len(groups.groups)}, copies: {copies}, near duplicates: {near}"
    finish(f"{counted}, of {len(gallery.paths):,} images (cosine of at least {threshold:g})", len(missing))


def _search(gallery: ImageEmbeddings, threshold: float) -> DuplicateGroups:
    shown = display()
    with Interrupt(shown) as interrupt, shown:

        def compared(done: int, total: int) -> None:
            shown.progress("comparing", done, total)
            if interrupt.is_set():
                raise SystemExit(INTERRUPTED)

        return find_groups(gallery.vectors, gallery.sha256s, threshold, compared)


def _groups(gallery: ImageEmbeddings, groups: DuplicateGroups) -> list[dict[str, Any]]:
    return [
        {
            "group": number,
            "exact": group.exact,
            "representative": path_fields(gallery.paths[group.representative]),
            "members": [
                {
                    **path_fields(gallery.paths[member.index]),
                    "sha256": gallery.sha256s[member.index],
                    "cosine": member.cosine,
                    "copy_of": None if member.copy_of is None else path_fields(gallery.paths[member.copy_of]),
                }
                for member in group.members
            ],
        }
        for number, group in enumerate(groups.groups, start=1)
    ]


def _members(group: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A group as lines of a table, one a member."""
    for place, member in enumerate(group["members"]):
        copy = member["copy_of"]
        yield {
            "group": group["group"],
            "path": member["path"],
            "cosine": member["cosine"],
            "relation": _relation(place, copy),
            "copy_of": None if copy is None else copy["path"],
            "sha256": member["sha256"],
        }


def _relation(place: int, copy_of: object) -> str:
    return "representative" if place == 0 else "near" if copy_of is None else "copy"


def _table(gallery: ImageEmbeddings, groups: DuplicateGroups) -> list[Table]:
    if not groups.groups:
        return []
    made = table("group", "cosine", "relation", "path", right=("group", "cosine"))
    for number, group in enumerate(groups.groups, start=1):
        for place, member in enumerate(group.members):
            relation = _relation(place, member.copy_of)
            if member.copy_of not in (None, group.representative):
                relation = f"copy of {gallery.paths[member.copy_of]}"
            cells = (number if place == 0 else "", f"{member.cosine:.4f}" if place else "", relation)
            made.add_row(*map(words, (*cells, gallery.paths[member.index])))
    return [made]
