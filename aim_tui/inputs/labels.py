"""The user's labels: candidate labels, prompt templates, and files with the true label of each image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aim_tui.core.agreement.match_ids import match
from aim_tui.core.embeddings.zero_shot import DEFAULT_TEMPLATE, check_labels, check_templates
from aim_tui.core.names import composed
from aim_tui.errors import UsageError
from aim_tui.inputs.existing_path import existing_path
from aim_tui.inputs.tables import read_table
from aim_tui.inputs.text_lines import read_lines

#: The 80 prompts with which OpenAI's CLIP was evaluated on ImageNet (Radford et al. 2021, Learning Transferable Visual
#: Models From Natural Language Supervision, section 3.1.4; github.com/openai/CLIP, notebooks/
#: Prompt_Engineering_for_ImageNet.ipynb, MIT licence), unchanged, grammar mistakes included.
IMAGENET_TEMPLATES = Path(__file__).with_name("imagenet_templates.txt")

_IMAGE_COLUMNS = ("image", "path", "file", "filename", "image_path", "file_path", "id")
_LABEL_COLUMNS = ("label", "class", "category", "truth")


@dataclass(frozen=True, slots=True)
class MatchedLabels:
    """The labels of images, and the rows of the label file that match no image."""

    labels: Mapping[str, str]
    """By image path."""
    unmatched: tuple[str, ...]
    """Image names in the file that match none of the images."""
    guesses: tuple[str, ...] = ()
    """The matches that rest on a guess, in words."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The rows of a label file: image name, as written there, to label."""

    path: str
    rows: Mapping[str, str]

    def paths(self) -> dict[str, str]:
        """The path of each image by its name in the file: relative to the file, or else to the working folder."""
        folder = Path(self.path).parent
        return {name: self._path(folder, name) for name in self.rows}

    @staticmethod
    def _path(folder: Path, name: str) -> str:
        candidates = (existing_path(os.path.join(folder, name)), existing_path(name))
        return next(filter(os.path.lexists, candidates), name)

    def match(self, images: Sequence[str]) -> MatchedLabels:
        """The label of each image: by the file that the path names, else by its id or file name."""
        real = {os.path.realpath(image): image for image in images}
        named = {name: real.get(os.path.realpath(path)) for name, path in self.paths().items()}
        labels: dict[str, str] = {}
        for name, image in named.items():
            if image is not None and labels.setdefault(image, self.rows[name]) != self.rows[name]:
                raise UsageError(f"{self.path}: {image} is {labels[image]!r}, and {self.rows[name]!r} as {name}")
        # Over all names: one that is left over is not matched by elimination.
        matched = match(images, self.rows)
        rest = {name: image for name, image in matched.to_left.items() if named[name] is None and image not in labels}
        labels |= {image: self.rows[name] for name, image in rest.items()}
        unmatched = tuple(name for name, image in named.items() if image is None and name not in rest)
        guesses = {
            way: kept
            for way, pairs in matched.guessed.items()
            if (kept := tuple(pair for pair in pairs if rest.get(pair[1]) == pair[0]))
        }
        return MatchedLabels(labels, unmatched, tuple(replace(matched, guessed=guesses).guesses()))


def read_choices(option: str) -> list[str]:
    """The labels of `--labels`: a file with one per line, or comma-separated labels; at least two, each once."""
    if os.path.isfile(option):  # any text
        labels = read_lines(option)
    else:
        labels = [part.strip() for part in option.split(",") if part.strip()]
    if not labels:
        raise UsageError("--labels names no label", "for example --labels cat,dog")
    if len(labels) == 1 and labels[0].endswith((".txt", ".csv")):
        raise UsageError(f"--labels: no such file: {labels[0]}")
    labels = [composed(label) for label in labels]
    check_labels(labels)
    return labels


def read_templates(option: str | None) -> list[str]:
    """The templates of `--templates`: 'imagenet', a file with one per line, a template itself, or the default."""
    if option is None:
        return [DEFAULT_TEMPLATE]
    if option == "imagenet":
        return read_lines(IMAGENET_TEMPLATES)
    if "{}" not in option and not os.path.exists(option):  # any text
        raise UsageError(f"--templates: no such file: {option}", "a template has {} where the label goes")
    templates = [option] if "{}" in option and not os.path.isfile(option) else read_lines(option)
    check_templates(templates)
    return templates


def read_label_file(path: Path) -> LabelFile:
    """The images and labels of a CSV, TSV, JSON or JSON Lines file; UsageError names the faulty line."""
    table = read_table(path)
    image_column = _column(table.columns(), _IMAGE_COLUMNS, path, "images")
    label_column = _column(table.columns(), _LABEL_COLUMNS, path, "labels")
    rows: dict[str, str] = {}
    for line, image in table.column(image_column):
        label = line.values.get(label_column)
        for value, what in ((image, image_column), (label, label_column)):
            if isinstance(value, (dict, list)) or value is None or not str(value).strip():
                raise UsageError(f"{path}, {line.where}: has no {what}")
        # A truth value of JSON as JSON writes it.
        written = str(label).lower() if isinstance(label, bool) else str(label).strip()
        name, text = str(image).strip(), composed(written)
        if rows.setdefault(name, text) != text:
            raise UsageError(f"{path}, {line.where}: {name} is {text!r} here but {rows[name]!r} above")
    if not rows:
        raise UsageError(f"{path} has no rows")
    alike: dict[str, str] = {}
    for text in rows.values():
        if (first := alike.setdefault(text.casefold(), text)) != text:
            raise UsageError(f"{path}: the labels {first!r} and {text!r} differ only in case", "write them alike")
    return LabelFile(str(path), rows)


def _column(columns: Sequence[str], known: Sequence[str], path: Path, what: str) -> str:
    by_name = {name.lower(): name for name in columns}
    column = next((by_name[name] for name in known if name in by_name), None)
    if column is None:
        raise UsageError(
            f"{path} has no column for the {what} (found {', '.join(columns)})", f"name one {' or '.join(known[:2])}"
        )
    return column
