"""The rows as a file, by the name that the user gives it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.records import engine_settings, record
from aim_tui.core.scoring.results import Results, Row
from aim_tui.exports.content import Content
from aim_tui.exports.formats import export, file_endings, find_by_ending, format_of
from aim_tui.exports.images import ImageRecords, Provenance


def export_path(text: str) -> Path:
    """The path that a user's text means."""
    return Path(os.path.expanduser(text))


def listed_endings(*kinds: type[Content]) -> str:
    """The endings of the formats in which these kinds of things can be written, as '.csv, .json or .jsonl'."""
    *others, last = file_endings(*kinds)
    return f"{', '.join(others)} or {last}" if others else last


def path_problem(text: str, *kinds: type[Content]) -> str:
    """Why nothing of these kinds, or no rows of images, can be written to this path, or an empty text."""
    if not text:
        return "a file name is needed"
    path, kinds = export_path(text), kinds or (ImageRecords,)
    if find_by_ending(path, *kinds) is None:
        return f"the name must end in {listed_endings(*kinds)}"
    if os.path.isdir(path):
        return f"{path} is a folder"
    if not os.path.isdir(path.parent):
        return f"there is no folder {path.parent}"
    if not os.access(path.parent, os.W_OK):
        return f"no permission to write in {path.parent}"
    return ""


def write(content: Content, path: Path) -> None:
    """Write a content in the format of the file's ending; the file appears whole or not at all.

    ExportError where it cannot be written.
    """
    export(content, format_of(path, type(content)), path)


def provenance(profile: Profile, engine: EngineSettings, not_asked: Mapping[str, str]) -> Provenance:
    """What the rows say about where their numbers come from."""
    return Provenance(profile, engine_settings(engine), not_asked)


def write_rows(path: Path, results: Results, source: Provenance, opinions: OpinionsByPath | None = None) -> None:
    """Write rows of images, with what people say of them; ExportError where that cannot be."""
    write(ImageRecords(results.settled(), source, opinions), path)


def row_as_tsv(row: Row, results: Results) -> str:
    """One row with its values between tabs, in the order of its `record`."""
    values = record(results.settled_row(row), results).values()
    return "\t".join("" if value is None else _flat(str(value)) for value in values)


def _flat(text: str) -> str:
    return " ".join(text.split()) if any(char in text for char in "\t\r\n") else text
