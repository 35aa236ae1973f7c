"""The rows as a file, by the name that the user gives it."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.scoring.records import (
    csv_fields,
    csv_record,
    document,
    engine_settings,
    fields,
    full_record,
    provenance,
    record,
    to_json,
)
from aim_tui.exports.atomic_write import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.core.ratings.records import Judged
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.core.scoring.results import Results, Row

FORMATS = (".csv", ".json", ".jsonl")


def export_path(text: str) -> Path:
    """The path that a user's text means."""
    return Path(text).expanduser()


def path_problem(text: str, formats: Sequence[str] = FORMATS) -> str:
    """Why nothing of these formats can be written to this path, or an empty text."""
    if not text:
        return "a file name is needed"
    path = export_path(text)
    if path.suffix.lower() not in formats:
        return f"the name must end in {', '.join(formats[:-1])} or {formats[-1]}"
    if path.is_dir():
        return f"{path} is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not os.access(path.parent, os.W_OK):
        return f"no permission to write in {path.parent}"
    return ""


def export(
    path: Path,
    results: Results,
    profile: Profile,
    engine: EngineSettings,
    not_asked: dict[str, str],
    judged: Judged | None = None,
) -> None:
    """Write all rows, with what people say of the images; the file appears whole or not at all.

    ExportError where it cannot be written.
    """
    settled = results.settled()
    said = provenance(settled, profile, not_asked)
    match path.suffix.lower():
        case ".json":
            text = to_json(document(settled, profile, engine_settings(engine), not_asked, judged), indent=2) + "\n"
        case ".jsonl":
            text = "".join(to_json(full_record(row, settled, judged) | said) + "\n" for row in settled.rows)
        case _:
            stream = io.StringIO(newline="")
            rows = csv.DictWriter(stream, csv_fields(settled, judged), lineterminator="\n")
            rows.writeheader()
            rows.writerows(csv_record(row, settled, said, judged) for row in settled.rows)
            text = stream.getvalue()
    write_whole(path, text)


def row_as_tsv(row: Row, results: Results) -> str:
    """One row with its values between tabs, in the order of `fields`."""
    values = record(results.settled_row(row), results)
    return "\t".join("" if (value := values[name]) is None else _flat(str(value)) for name in fields(results.plan))


def _flat(text: str) -> str:
    return " ".join(text.split()) if any(char in text for char in "\t\r\n") else text
