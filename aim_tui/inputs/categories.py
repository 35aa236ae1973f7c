"""A folder for each category, and a prompt for each of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.names import natural_key
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.inputs.listing import expand, list_folder
from aim_tui.inputs.tables import read_table
from aim_tui.inputs.text_lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.inputs.listing import Problem

#: Where the name of a category goes in a template.
PLACE = "{category}"
#: How folders are put beside the lines of a text file.
ORDERS = ("natural", "plain")


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of one category."""

    name: str
    images: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The categories of a folder in natural order, and images beside them that belong to none."""

    root: str
    folders: tuple[Folder, ...]
    strays: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the categories."""
        return [folder.name for folder in self.folders]


def read_tree(root: str, *, recursive: bool = False) -> Tree:
    """The folders of `root`, each a category; UsageError where there are none."""
    listing = list_folder(Path(root))
    if listing.problem:
        raise UsageError(f"{root}: {listing.problem}")
    if not listing.folders:
        raise UsageError(f"{root} has no sub-folders", "categories are the folders in it, with their images")
    folders = []
    for folder in listing.folders:
        found = expand([str(folder)], recursive)
        folders.append(Folder(folder.name, tuple(found.images), tuple(found.problems)))
    return Tree(root, tuple(folders), tuple(listing.images))


def from_template(template: str, names: Sequence[str]) -> dict[str, str]:
    """The template with each name in its place, underscores as spaces; UsageError without a place."""
    if template.count(PLACE) != 1:
        raise UsageError(
            f"--prompt-template {template!r} has {template.count(PLACE)} places for the category",
            f"such as 'a photo of a {PLACE}'",
        )
    return {name: template.replace(PLACE, name.replace("_", " ")) for name in names}


def read_prompts(path: Path, names: Sequence[str], order: str | None = None) -> tuple[dict[str, str], list[str]]:
    """The prompt of each category, and the names in the file that are none.

    A mapping (JSON object, or CSV and JSON Lines with `category` and `prompt`) has to name every category. A text file
    has a line for each, in the order of the sorted folders; where natural and plain sorting differ, `order` says which.
    """
    if path.suffix.lower() in (".json", ".csv", ".tsv", ".jsonl", ".ndjson"):
        mapping = _mapping(path)
        lacking = [name for name in names if name not in mapping]
        if lacking:
            raise UsageError(
                f"{path} has no prompt for {len(lacking)} of {len(names)} categories: {_some(lacking)}",
                f"it has: {_some(list(mapping))}",
            )
        return {name: mapping[name] for name in names}, [name for name in mapping if name not in set(names)]
    lines = read_lines(path)
    if len(lines) != len(names):
        raise UsageError(
            f"{path} has {len(lines)} lines for {len(names)} categories",
            f"one line a category, sorted: {_some(_ordered(names, order or 'natural', path))}",
        )
    return dict(zip(_ordered(names, order, path), lines, strict=True)), []


def _ordered(names: Sequence[str], order: str | None, path: Path) -> list[str]:
    natural, plain = sorted(names, key=natural_key), sorted(names)
    if order is None and natural != plain:
        first, second = next(pair for pair in zip(natural, plain, strict=True) if pair[0] != pair[1])
        raise UsageError(
            f"which line of {path} is of which category? Sorted by number {printable(first)!r} comes where "
            f"{printable(second)!r} comes sorted by character",
            "say --order natural or --order plain, or name the categories in a JSON or CSV file",
        )
    return plain if order == "plain" else natural


def _mapping(path: Path) -> Mapping[str, str]:
    if path.suffix.lower() == ".json" and (plain := _object(path)) is not None:
        return plain
    table = read_table(path)
    found: dict[str, str] = {}
    for line, name in table.column("category"):
        prompt = line.values.get("prompt")
        if not isinstance(name, str) or not isinstance(prompt, str) or not name.strip() or not prompt.strip():
            raise UsageError(f"{path}, {line.where}: needs a category and a prompt, both texts")
        if found.setdefault(name.strip(), prompt.strip()) != prompt.strip():
            raise UsageError(f"{path}, {line.where}: {name!r} has another prompt before")
    return found


def _object(path: Path) -> dict[str, str] | None:
    """The prompts of a JSON object of texts; None where it is anything else, which tables are."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"{path}: the category {twice!r} is there more than once")
        return dict(pairs)

    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once)
    except (OSError, ValueError, RecursionError):
        return None  # The reader of tables says what is wrong with it.
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return None
    if empty := next((name for name, value in data.items() if not value.strip()), None):
        raise UsageError(f"{path}: the prompt of {empty!r} is empty")
    return {name: value.strip() for name, value in data.items()}


def _some(names: Sequence[str], most: int = 8) -> str:
    said = ", ".join(printable(name) for name in names[:most])
    return f"{said} and {len(names) - most} more" if len(names) > most else said
