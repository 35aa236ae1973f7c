"""`aim-tui inspect`: check a data set of edits or a folder of images, without any model."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from aim_tui.cli import options
from aim_tui.cli.console import facts, print_json, say, show, table, words
from aim_tui.core.names import ShortNames
from aim_tui.core.text import portable_path
from aim_tui.errors import UsageError
from aim_tui.inputs.dataset_inspection import Inspection, inspect_file, inspect_images
from aim_tui.inputs.listing import expand
from aim_tui.settings.settings import load_settings

_SHOWN = 10
_SIZES = 6


@options.takes_groups
def inspect(
    path: Annotated[str, typer.Argument(metavar="FILE|FOLDER", help="A file of edits, or a folder of images.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    samples: Annotated[int, typer.Option("--samples", "-n", min=0, metavar="N", help="How many edits to show.")] = 5,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Include sub-folders.")] = False,
    config: options.Config = None,
    *,
    columns: options.EditColumnOptions,
) -> None:
    """Check a data set of edits or a folder of images without loading a model.

    Exit: 0 fine, 1 something is broken, 2 usage.
    """
    policy = load_settings(config).reading
    if os.path.isdir(path):
        listed = expand([path], recursive)
        for line in listed.left_out.lines():
            say(f"left out: {line}", "yellow")
        found = inspect_images(path, listed.images, policy)
    elif os.path.lexists(path):
        found = inspect_file(path, policy, columns=columns.columns)
    else:
        raise UsageError(f"{path}: no such file or folder")
    if as_json:
        print_json(_data(found, samples))
    else:
        show(*_parts(found, samples))
    raise typer.Exit(1 if found.broken else 0)


def _data(found: Inspection, samples: int) -> dict[str, Any]:
    data: dict[str, Any] = {"path": portable_path(found.path), "kind": "images" if found.edits is None else "edits"}
    if found.edits is not None:
        data |= {
            "edits": len(found.edits.rows),
            "rows": found.edits.listed,
            "instructions": asdict(found.lengths) if found.lengths else None,
            "pairs_of_unequal_size": list(found.unequal),
            "pairs_without_a_change": list(found.unchanged),
            "same_pair_and_instruction": [list(ids) for ids in found.repeated],
            "truth": found.truth,
            "samples": [
                {
                    "id": row.id,
                    "source_image": portable_path(row.source_name),
                    "target_image": portable_path(row.target_name),
                    "instruction": row.instruction,
                }
                for row in found.edits.rows[:samples]
            ],
        }
    return data | {
        "images": len(found.images),
        "readable_images": found.readable,
        "bytes": sum(look.bytes for look in found.images),
        "sizes": found.sizes,
        "formats": found.formats,
        "duplicates": [[portable_path(path) for path in copies] for copies in found.duplicates],
        "broken": [
            {"where": portable_path(flaw.where), "problem": portable_path(flaw.problem)} for flaw in found.broken
        ],
    }


def _parts(found: Inspection, samples: int) -> list[Table | Text]:
    size = decimal(sum(look.bytes for look in found.images))
    entries: list[tuple[str, object]] = []
    if found.edits is not None:
        entries.append(("edits", f"{len(found.edits.rows)} of {found.edits.listed} rows"))
        if found.lengths is not None:
            each = found.lengths
            entries.append(
                (
                    "instructions",
                    f"{each.shortest} to {each.longest} characters (median {each.median:g}), "
                    f"{each.words_shortest} to {each.words_longest} words (median {each.words_median:g})",
                )
            )
        if found.truth:
            entries.append(("truth", ", ".join(f"{count} {name}" for name, count in found.truth.items())))
    entries.append(("images", f"{found.readable} of {len(found.images)} readable, {size}"))
    sizes = [f"{size} ({count})" for size, count in found.sizes.items()]
    more = f" and {len(sizes) - _SIZES} other sizes" if len(sizes) > _SIZES else ""
    entries.append(("sizes", ", ".join(sizes[:_SIZES]) + more))
    entries.append(("formats", ", ".join(f"{name} ({count})" for name, count in found.formats.items())))
    entries.append(("unequal sizes", _some(found.unequal, "pair")))
    entries.append(("without a change", _some(found.unchanged, "pair")))
    entries.append(("same edit twice", _some(["=".join(ids) for ids in found.repeated], "group")))
    names = ShortNames(path for group in found.duplicates for path in group)
    copies = [" = ".join(names[path] for path in group) for group in found.duplicates]
    entries.append(("same file twice", _some(copies, "group")))
    parts: list[Table | Text] = [words(found.path, "bold"), facts(entries)]
    if found.edits is not None and found.edits.rows and samples:
        shown = table("id", "source", "target", "instruction")
        for row in found.edits.rows[:samples]:
            shown.add_row(*(words(cell) for cell in (row.id, row.source_name, row.target_name, row.instruction)))
        parts.append(shown)
    if found.broken:
        lines = [f"{flaw.where}: {flaw.problem}" for flaw in found.broken[:_SHOWN]]
        if len(found.broken) > _SHOWN:
            lines.append(f"and {len(found.broken) - _SHOWN} more (--json lists all)")
        parts.append(words(f"broken: {len(found.broken)}", "bold red"))
        parts += [words(line, "red") for line in lines]
    else:
        parts.append(words("nothing is broken", "green"))
    return parts


def _some(names: list[str] | tuple[str, ...], kind: str) -> str:
    """How many there are and the first of them; empty if there are none, so that the line is left out."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    plural = "" if len(names) == 1 else "s"
    return f"{len(names)} {kind}{plural}: {', '.join(names[:_SHOWN])}{more}"
