"""Edits from files: data.json, adversarial_dataset.json, JSON Lines and CSV with named columns."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, Item
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.inputs.existing_path import existing_path
from aim_tui.inputs.tables import TableRow, read_table

#: Column names for the parts of an edit; the first one that a row has counts.
SOURCE = (
    *("source_image", "source_img", "src_img", "source", "source_path", "input_image", "input_img", "original_image"),
    *("original_img", "before"),
)
TARGET = (
    *("target_image", "target_img", "edited_image", "edited_img", "target", "target_path", "output_image"),
    *("output_img", "after"),
)
INSTRUCTION = ("instruction", "edit_instruction", "edit_prompt", "editing_prompt", "edit")
SOURCE_CAPTION = ("source_caption", "input_caption", "source_prompt")
TARGET_CAPTION = ("target_caption", "output_caption", "edited_caption", "target_prompt")
ID = ("id", "sample_id", "edit_id", "img_id", "image_id")
#: Further columns of adversarial data sets.
TRUTH = ("original_id", "is_correct", "error_type", "original_instruction")

_LONGEST_TEXT = 10_000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class EditColumns:
    """What the user calls the columns; '' for the usual names."""

    source: str = ""
    target: str = ""
    instruction: str = ""
    id: str = ""

    def named(self) -> dict[str, str]:
        """The given names by option."""
        options = {"--source-key": self.source, "--target-key": self.target}
        options |= {"--instruction-key": self.instruction, "--id-key": self.id}
        return {option: name for option, name in options.items() if name}


@dataclass(frozen=True, slots=True)
class EditRow:
    """One edit of a file; paths are absolute, ids unique in the file."""

    id: str
    source: str
    target: str
    instruction: str
    source_caption: str = ""
    target_caption: str = ""
    where: str = ""
    """The position in the file: 'line 7', 'samples[3]'."""
    source_name: str = ""
    target_name: str = ""
    """The paths as written in the file."""
    truth: Mapping[str, Any] = field(default_factory=dict)
    """The columns of TRUTH that the row has."""

    def item(self, number: int) -> Item:
        """The row as an item for the engine."""
        edit = Context(
            source=self.source,
            instruction=self.instruction,
            source_caption=self.source_caption,
            target_caption=self.target_caption,
        )
        return Item(number, self.target, edit, DataRow(self.id, self.source_name, self.target_name, dict(self.truth)))


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a row, and its position in the file."""

    where: str
    problem: str


@dataclass(frozen=True, slots=True)
class EditFile:
    """The edits of a file, and what is wrong with its other rows."""

    path: str
    rows: tuple[EditRow, ...]
    flaws: tuple[Flaw, ...]
    listed: int
    """The number of rows, broken ones included."""
    besides: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def parse_edits(path: str | Path, columns: EditColumns | None = None) -> EditFile:
    """Every edit and every flaw of a file; UsageError if it cannot be read as rows, or has no such columns, at all."""
    table, columns = read_table(path), columns or EditColumns()
    known = table.columns()
    for option, name in columns.named().items():
        if name not in known:
            raise UsageError(f"{option}: {path} has no column {name!r}{did_you_mean(name, known)}")
    folder = os.path.dirname(os.path.abspath(path))  # as text: any bytes
    rows: list[EditRow] = []
    flaws: list[Flaw] = []
    ids: list[tuple[str, str]] = []
    for number, line in enumerate(table.lines):
        problems: list[str] = []
        name = _id(line, number, problems, (columns.id,) if columns.id else ID)
        if not problems:
            ids.append((name, line.where))
        row = _row(line, name, folder, problems, columns)
        flaws += [Flaw(line.where, problem) for problem in problems]
        if row is not None and not problems:
            rows.append(row)
    flaws += _repeated_ids(ids)
    return EditFile(str(path), tuple(rows), tuple(flaws), len(table.lines), table.besides, known)


def read_edits(path: str | Path, columns: EditColumns | None = None) -> EditFile:
    """The edits of a file without flaws; UsageError lists the first flaws and where they are."""
    edits = parse_edits(path, columns)
    if edits.flaws and not edits.rows and all(flaw.problem.startswith("has no ") for flaw in edits.flaws):
        missing = ", ".join(dict.fromkeys(flaw.problem.removeprefix("has no ") for flaw in edits.flaws))
        known = ", ".join(map(printable, edits.columns))
        raise UsageError(
            f"{path} has no column for: {missing} (its columns: {known})",
            "name them with --source-key, --target-key and --instruction-key",
        )
    if edits.flaws:
        first = "; ".join(f"{flaw.where}: {flaw.problem}" for flaw in edits.flaws[:_SHOWN])
        more = f"; and {len(edits.flaws) - _SHOWN} more" if len(edits.flaws) > _SHOWN else ""
        raise UsageError(f"{path}: {first}{more}", f"list everything that is wrong: aim-tui inspect {path}")
    if not edits.rows:
        raise UsageError(f"{path} has no edits", f"an edit has {SOURCE[0]}, {TARGET[0]} and {INSTRUCTION[0]}")
    return edits


def _row(line: TableRow, name: str, folder: str, problems: list[str], columns: EditColumns) -> EditRow | None:
    source = _text(line, (columns.source,) if columns.source else SOURCE, problems)
    target = _text(line, (columns.target,) if columns.target else TARGET, problems)
    instruction = _text(line, (columns.instruction,) if columns.instruction else INSTRUCTION, problems)
    captions = [_text(line, names, problems, needed=False) for names in (SOURCE_CAPTION, TARGET_CAPTION)]
    for value, what in ((source, "source"), (target, "target")):
        if "\0" in value:
            problems.append(f"the path of the {what} contains a zero byte")
    if problems:
        return None
    truth = {key: line.values[key] for key in TRUTH if line.values.get(key) not in (None, "")}
    return EditRow(
        id=name,
        source=existing_path(os.path.normpath(os.path.join(folder, source))),
        target=existing_path(os.path.normpath(os.path.join(folder, target))),
        instruction=instruction,
        source_caption=captions[0],
        target_caption=captions[1],
        where=line.where,
        source_name=source,
        target_name=target,
        truth=_truth(truth, problems),
    )


def _text(line: TableRow, names: Sequence[str], problems: list[str], *, needed: bool = True) -> str:
    """The first of these columns that the row has, as stripped text."""
    name = next((name for name in names if line.values.get(name) is not None), None)
    if name is None:
        if needed:
            problems.append(f"has no {names[0]}")
        return ""
    value = line.values[name]
    if not isinstance(value, str):
        problems.append(f"{name} is {_kind(value)}, not a text")
        return ""
    text: str = value.strip()
    if needed and not text:
        problems.append(f"{name} is empty")
    if len(text) > _LONGEST_TEXT:
        problems.append(f"{name} has {len(text):,} characters; the limit is {_LONGEST_TEXT:,}")
    if any("\ud800" <= char <= "\udfff" for char in text):
        problems.append(f"{name} contains an unpaired surrogate")
    return text


def _id(line: TableRow, number: int, problems: list[str], names: Sequence[str]) -> str:
    """The row's id as text; its number in the file if the id is missing or blank."""
    values = (line.values.get(name) for name in names)
    ids = (value for value in values if value is not None and not (isinstance(value, str) and not value.strip()))
    value = next(ids, number)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            return str(int(value))
        problems.append(f"id is {_kind(value)}, not a text or whole number")
        return ""
    return str(value).strip()


def _truth(truth: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The truth with `is_correct` as a bool, which CSV holds as a word."""
    correct = truth.get("is_correct")
    if correct is not None and not isinstance(correct, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if (word := str(correct).strip().lower()) not in words:
            problems.append(f"is_correct is {printable(str(correct))[:40]!r}, neither true nor false")
        else:
            truth["is_correct"] = words[word]
    return truth


def _repeated_ids(ids: Sequence[tuple[str, str]]) -> list[Flaw]:
    """A flaw for every repeated id; `ids` are the id and the position of each row, broken rows included."""
    first: dict[str, str] = {}
    return [
        Flaw(where, f"id {printable(name)[:80]!r} is already used in {before}")
        for name, where in ids
        if (before := first.setdefault(name, where)) != where
    ]


def _kind(value: Any) -> str:
    return {"bool": "a truth value", "list": "a list", "dict": "an object"}.get(type(value).__name__, "a number")
