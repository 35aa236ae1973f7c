"""CSV, JSON and JSON Lines, with the fields that `aim-tui score` writes."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from aim_tui.core.report import FIELDS, full_record, provenance, record

if TYPE_CHECKING:
    from aim_tui.store.records import Run

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet_cell(value: Any) -> Any:
    """A value for CSV: an apostrophe keeps a text that begins like a formula a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_table(run: Run) -> str:
    """One line an image, in the order of the run, each with the weights and rules that made its score."""
    said = provenance(run.results, run.request.profile, dict(run.request.not_asked))
    weights = " ".join(f"{metric}={weight:g}" for metric, weight in said["weights"].items())
    same = {"weights": weights, "rules": said["rules"], "notice": said.get("notice")}
    stream = io.StringIO(newline="")
    rows = csv.DictWriter(stream, [*FIELDS, *same], lineterminator="\n")
    rows.writeheader()
    for row in run.results.rows:
        cells = record(row, run.results) | same
        rows.writerow({name: spreadsheet_cell(value) for name, value in cells.items()})
    return stream.getvalue()


def json_document(run: Run) -> str:
    """The whole run as one object."""
    return json.dumps(run.document(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def json_lines(run: Run) -> str:
    """One object a line for each image, each with its provenance."""
    said = provenance(run.results, run.request.profile, dict(run.request.not_asked)) | {"run": run.info.id}
    rows = (full_record(row, run.results) | said for row in run.results.rows)
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
