"""The rows as a file, by the name that the user gives it."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.report import FIELDS, document, record
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from typing import Any

    from aim_tui.core.profiles import Profile
    from aim_tui.core.results import Results, Row

FORMATS = (".csv", ".json")


def export_path(text: str) -> Path:
    """The path that a user's text means."""
    return Path(text).expanduser()


def path_problem(text: str) -> str:
    """Why nothing can be written to this path, or an empty text."""
    if not text:
        return "a file name is needed"
    path = export_path(text)
    if path.suffix.lower() not in FORMATS:
        return f"the name must end in {' or '.join(FORMATS)}"
    if path.is_dir():
        return f"{path} is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not os.access(path.parent, os.W_OK):
        return f"no permission to write in {path.parent}"
    return ""


def export(path: Path, results: Results, profile: Profile, settings: dict[str, Any], not_asked: dict[str, str]) -> None:
    """Write all rows as CSV or JSON; the file appears whole or not at all. AimError where it cannot be written."""
    if path.suffix.lower() == ".json":
        whole = document(results, profile, settings, not_asked)
        text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        text = _as_csv(results)
    try:
        _replace(path, text)
    except OSError as error:
        raise AimError(f"{path} cannot be written: {error.strerror or error}", "choose another file") from error


def row_as_tsv(row: Row, results: Results) -> str:
    """One row with its values between tabs, in the order of FIELDS."""
    values = record(row, results)
    return "\t".join("" if (value := values[name]) is None else _flat(str(value)) for name in FIELDS)


def _flat(text: str) -> str:
    return " ".join(text.split()) if any(char in text for char in "\t\r\n") else text


def _as_csv(results: Results) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, FIELDS)
    writer.writeheader()
    for row in results.rows:
        writer.writerow(record(row, results))
    return stream.getvalue()


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        # mkstemp makes a file for its owner alone; an export is an ordinary file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
