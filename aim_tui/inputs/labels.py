"""Labels that the user gives: those to choose from, the templates around them, and which image has which."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.agreement.match_ids import match
from aim_tui.core.embeddings.zero_shot import DEFAULT_TEMPLATE, check_labels, check_templates
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import read_table
from aim_tui.inputs.text_lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: The 80 prompts that OpenAI's CLIP was evaluated on ImageNet with (Radford et al. 2021, Learning Transferable Visual
#: Models From Natural Language Supervision, section 3.1.4; github.com/openai/CLIP, notebooks/
#: Prompt_Engineering_for_ImageNet.ipynb, MIT licence), as they are, with their slips of grammar.
IMAGENET_TEMPLATES = Path(__file__).with_name("imagenet_templates.txt")

_IMAGE_COLUMNS = ("image", "path", "file", "filename", "image_path", "file_path", "id")
_LABEL_COLUMNS = ("label", "class", "category", "truth")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Which image has which label, and what of the file belongs to no image."""

    labels: Mapping[str, str]
    """By the path of the image, as it was asked for."""
    unmatched: tuple[str, ...]
    """Images that the file names and nobody asked for."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The rows of a file of labels: each image's name as it is written there, and its label."""

    path: str
    rows: Mapping[str, str]

    def paths(self) -> dict[str, str]:
        """The path of each image, by the name it has in the file: beside the file, else in the working folder."""
        return {name: _found(name, Path(self.path).parent) for name in self.rows}

    def match(self, images: Sequence[str]) -> Labelled:
        """The label of each image: by path where a name is one, else by file name where that is the only one."""
        real = {os.path.realpath(image): image for image in images}
        labels: dict[str, str] = {}
        rest = []
        for name, path in self.paths().items():
            image = real.get(os.path.realpath(path))
            if image is None:
                rest.append(name)
            else:
                labels[image] = self.rows[name]
        matched = match([image for image in images if image not in labels], rest)
        labels |= {image: self.rows[name] for name, image in matched.to_left.items()}
        return Labelled(labels, matched.only_right)


def read_choices(option: str) -> list[str]:
    """The labels of `--labels`: a file with one a line, or labels apart by commas; at least two, each once."""
    labels = read_lines(option) if os.path.isfile(option) else _parts(option)  # noqa: PTH113  # any text
    if not labels:
        raise UsageError("--labels names no label", "such as --labels cat,dog")
    if len(labels) == 1 and labels[0].endswith((".txt", ".csv")):
        raise UsageError(f"--labels: there is no file {labels[0]}")
    check_labels(labels)
    return labels


def read_templates(option: str | None) -> list[str]:
    """The templates of `--templates`: 'imagenet', a file with one a line, a template itself, or the default one."""
    if option is None:
        return [DEFAULT_TEMPLATE]
    if option == "imagenet":
        return read_lines(IMAGENET_TEMPLATES)
    if "{}" not in option and not os.path.exists(option):  # noqa: PTH110  # any text
        raise UsageError(f"--templates: there is no file {option}", "a template has {} where the label goes")
    templates = [option] if "{}" in option and not os.path.isfile(option) else read_lines(option)  # noqa: PTH113
    check_templates(templates)
    return templates


def read_label_file(path: Path) -> LabelFile:
    """The images and labels of a CSV, TSV, JSON or JSON Lines file; UsageError names the line that is wrong."""
    table = read_table(path)
    image_column = _column(table.columns(), _IMAGE_COLUMNS, path, "images")
    label_column = _column(table.columns(), _LABEL_COLUMNS, path, "labels")
    rows: dict[str, str] = {}
    for line, image in table.column(image_column):
        label = line.values.get(label_column)
        for value, what in ((image, image_column), (label, label_column)):
            if isinstance(value, (dict, list)) or value is None or not str(value).strip():
                raise UsageError(f"{path}, {line.where}: has no {what}")
        name, said = str(image).strip(), str(label).strip()
        if rows.setdefault(name, said) != said:
            raise UsageError(f"{path}, {line.where}: {name} is {said!r} here and {rows[name]!r} before")
    if not rows:
        raise UsageError(f"{path} has no rows")
    return LabelFile(str(path), rows)


def _column(columns: Sequence[str], known: Sequence[str], path: Path, what: str) -> str:
    by_name = {name.lower(): name for name in columns}
    found = next((by_name[name] for name in known if name in by_name), None)
    if found is None:
        raise UsageError(
            f"{path} has no column for the {what} (found {', '.join(columns)})", f"name one {' or '.join(known[:2])}"
        )
    return found


def _parts(option: str) -> list[str]:
    return [part.strip() for part in option.split(",") if part.strip()]


def _found(name: str, folder: Path) -> str:
    for candidate in _candidates(name, folder):
        if os.path.lexists(candidate):
            return candidate
    return name


def _candidates(name: str, folder: Path) -> Iterable[str]:
    yield os.path.join(folder, name)  # noqa: PTH118  # an absolute name stays what it is
    yield name
