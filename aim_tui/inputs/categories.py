"""Categories as sub-folders of images, with a prompt for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aim_tui.core.names import composed, natural_key
from aim_tui.core.text import printable
from aim_tui.documents import parse_json, read_text
from aim_tui.errors import UsageError
from aim_tui.inputs.listing import LeftOut, Problem, expand, list_folder
from aim_tui.inputs.tables import read_table
from aim_tui.inputs.text_lines import read_lines

#: The placeholder for the category's name in a template.
PLACE = "{category}"
#: How categories are sorted to match the lines of a text file.
ORDERS = ("natural", "plain")


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of one category."""

    name: str
    images: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The categories of a folder in natural order, and the images that are in none of them."""

    root: str
    folders: tuple[Folder, ...]
    strays: tuple[str, ...]
    left_out: LeftOut = field(default_factory=LeftOut)
    """What stands among the images and is not listed."""

    @property
    def names(self) -> list[str]:
        """The names of the categories."""
        return [folder.name for folder in self.folders]


def read_tree(root: str, *, recursive: bool = False) -> Tree:
    """The folders of `root`, each a category; UsageError if there are none."""
    listing = list_folder(Path(root))
    if listing.problem:
        raise UsageError(f"{root}: {listing.problem}")
    if not listing.folders:
        raise UsageError(f"{root} has no sub-folders", "each category is a sub-folder with its images")
    folders = []
    left_out = LeftOut()
    left_out.add(listing.left_out)
    for folder in listing.folders:
        listed = expand([str(folder)], recursive)
        left_out.add(listed.left_out)
        folders.append(Folder(folder.name, tuple(listed.images), tuple(listed.problems)))
    return Tree(root, tuple(folders), tuple(listing.images), left_out)


def from_template(template: str, names: Sequence[str]) -> dict[str, str]:
    """The template filled in for each name, underscores as spaces; UsageError unless it has one placeholder."""
    if template.count(PLACE) != 1:
        raise UsageError(
            f"--prompt-template {template!r} has {template.count(PLACE)} placeholders, not one",
            f"for example 'a photo of a {PLACE}'",
        )
    return {name: template.replace(PLACE, name.replace("_", " ")) for name in names}


def read_prompts(path: Path, names: Sequence[str], order: str | None = None) -> tuple[dict[str, str], list[str]]:
    """The prompt of each category, and the names in the file that are not categories.

    A mapping (JSON object, or CSV and JSON Lines with `category` and `prompt`) must name every category. A text file
    has one line per category in the order of the sorted folders; `order` decides if natural and plain sorting differ.
    """
    if path.suffix.lower() in (".json", ".csv", ".tsv", ".jsonl", ".ndjson"):
        mapping = _mapping(path)
        by_name = {composed(name): name for name in mapping}
        missing = [name for name in names if composed(name) not in by_name]
        if missing:
            raise UsageError(
                f"{path} has no prompt for {len(missing)} of {len(names)} categories: {_some(missing)}",
                f"it has: {_some(list(mapping))}",
            )
        known = {composed(name) for name in names}
        prompts = {name: mapping[by_name[composed(name)]] for name in names}
        return prompts, [name for name in mapping if composed(name) not in known]
    lines = read_lines(path)
    if len(lines) != len(names):
        raise UsageError(
            f"{path} has {len(lines)} lines for {len(names)} categories",
            f"write one line per category, sorted: {_some(_ordered(names, order or 'natural', path))}",
        )
    return dict(zip(_ordered(names, order, path), lines, strict=True)), []


def _ordered(names: Sequence[str], order: str | None, path: Path) -> list[str]:
    natural, plain = sorted(names, key=natural_key), sorted(names)
    if order is None and natural != plain:
        first, second = next(pair for pair in zip(natural, plain, strict=True) if pair[0] != pair[1])
        raise UsageError(
            f"the order of the lines of {path} is ambiguous: natural sorting puts {printable(first)!r} where "
            f"plain sorting puts {printable(second)!r}",
            "add --order natural or --order plain, or name the categories in a JSON or CSV file",
        )
    return plain if order == "plain" else natural


def _mapping(path: Path) -> Mapping[str, str]:
    if path.suffix.lower() == ".json" and (plain := _object(path)) is not None:
        return plain
    prompts: dict[str, str] = {}
    for row, name in read_table(path).column("category"):
        prompt = row.values.get("prompt")
        if not isinstance(name, str) or not isinstance(prompt, str) or not name.strip() or not prompt.strip():
            raise UsageError(f"{path}, {row.where}: needs a category and a prompt, both texts")
        if prompts.setdefault(name.strip(), prompt.strip()) != prompt.strip():
            raise UsageError(f"{path}, {row.where}: {name!r} already has a different prompt")
    return prompts


def _object(path: Path) -> dict[str, str] | None:
    """The prompts of a JSON object of texts; None if it is anything else, such as a table."""
    data = parse_json(path, read_text(path))
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return None
    if empty := next((name for name, value in data.items() if not value.strip()), None):
        raise UsageError(f"{path}: the prompt of {empty!r} is empty")
    return {name: value.strip() for name, value in data.items()}


def _some(names: Sequence[str], most: int = 8) -> str:
    listed = ", ".join(printable(name) for name in names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed
