"""`aim-tui duplicates`: images that are copies of each other, or nearly the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aim_tui.cli import options
from aim_tui.core.embeddings.duplicates import THRESHOLD, DuplicateGroup, DuplicateGroups
from aim_tui.core.embeddings.gallery import ImageEmbeddings

if TYPE_CHECKING:
    from rich.table import Table


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
    from aim_tui.cli.console import say
    from aim_tui.cli.embeddings.embedder import about, embedder, images_of, left_out, say_failures
    from aim_tui.exports.content import Records
    from aim_tui.exports.formats import choose, export

    kind = choose(destination.format, destination.output, Records)
    setup = common.setup(metrics="clip")
    found = images_of(paths, recursive=recursive)
    with embedder(setup, common.store, no_store=common.no_store) as embed:
        gallery = embed.images(found.images)
    groups = _search(gallery, threshold)
    lacking = left_out(gallery, found.problems)
    head = {
        "threshold": threshold,
        **about(setup, gallery),
        "images": len(gallery.paths),
        "left_out": lacking,
        "nearest_apart": groups.nearest_apart,
    }
    records = _groups(gallery, groups)
    export(Records(head, "groups", records, _members, lambda: _table(gallery, groups)), kind, destination.output)
    say_failures(gallery)
    for line in _sums(gallery, groups, threshold, len(lacking)):
        say(line, "bold")
    raise typer.Exit(1 if lacking else 0)


def _search(gallery: ImageEmbeddings, threshold: float) -> DuplicateGroups:
    from aim_tui.cli.progress import display
    from aim_tui.core.embeddings.duplicates import find_groups
    from aim_tui.runs.interrupt import INTERRUPTED, Interrupt

    shown = display()
    with Interrupt(shown) as interrupt, shown:

        def compared(done: int, total: int) -> None:
            shown.progress("comparing", done, total)
            if interrupt.is_set():
                raise SystemExit(INTERRUPTED)

        return find_groups(gallery.vectors, gallery.sha256s, threshold, compared)


def _groups(gallery: ImageEmbeddings, groups: DuplicateGroups) -> list[dict[str, Any]]:
    from aim_tui.cli.embeddings.embedder import path_fields

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
            "relation": "representative" if place == 0 else "near" if copy is None else "copy",
            "copy_of": None if copy is None else copy["path"],
            "sha256": member["sha256"],
        }


def _relation(group: DuplicateGroup, place: int) -> str:
    if place == 0:
        return "representative"
    return "near" if group.members[place].copy_of is None else "copy"


def _table(gallery: ImageEmbeddings, groups: DuplicateGroups) -> list[Table]:
    from aim_tui.cli.console import table, words

    if not groups.groups:
        return []
    made = table("group", "cosine", "relation", "path", right=("group", "cosine"))
    for number, group in enumerate(groups.groups, start=1):
        for place, member in enumerate(group.members):
            relation = _relation(group, place)
            if member.copy_of is not None and member.copy_of != group.representative:
                relation = f"copy of {gallery.paths[member.copy_of]}"
            cells = (number if place == 0 else "", f"{member.cosine:.4f}" if place else "", relation)
            made.add_row(*map(words, (*cells, gallery.paths[member.index])))
    return [made]


def _sums(gallery: ImageEmbeddings, groups: DuplicateGroups, threshold: float, lacking: int) -> list[str]:
    members = [member for group in groups.groups for member in group.members]
    copies = sum(member.copy_of is not None for member in members)
    near = len(members) - len(groups.groups) - copies
    total = f"{len(gallery.paths):,} images"
    counted = f"groups: {len(groups.groups)}, copies: {copies}, near duplicates: {near}, of {total}"
    without = f"; {lacking} left out" if lacking else ""
    lines = [f"{counted} (cosine of at least {threshold:g}){without}"]
    if groups.nearest_apart is not None:
        lines.append(f"the nearest pair of what is told apart has a cosine of {groups.nearest_apart:.4f}")
    return lines
