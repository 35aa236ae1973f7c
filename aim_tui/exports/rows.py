"""CSV, JSON and JSON Lines, with the fields that `aim-tui score` writes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from aim_tui.core.scoring.records import csv_fields, csv_record, full_record, provenance, to_json

if TYPE_CHECKING:
    from aim_tui.store.records import Run


def csv_table(run: Run) -> str:
    """One line an image, in the order of the run, each with the weights and rules that made its score."""
    said = provenance(run.results, run.request.profile, dict(run.request.not_asked))
    stream = io.StringIO(newline="")
    rows = csv.DictWriter(stream, csv_fields(run.results, run.judged), lineterminator="\n")
    rows.writeheader()
    rows.writerows(csv_record(row, run.results, said, run.judged) for row in run.results.rows)
    return stream.getvalue()


def json_document(run: Run) -> str:
    """The whole run as one object."""
    return to_json(run.document(), indent=2) + "\n"


def json_lines(run: Run) -> str:
    """One object a line for each image, each with its provenance."""
    said = provenance(run.results, run.request.profile, dict(run.request.not_asked)) | {"run": run.info.id}
    return "".join(to_json(full_record(row, run.results, run.judged) | said) + "\n" for row in run.results.rows)
