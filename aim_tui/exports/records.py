"""Records of a command as JSON, JSON Lines or CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.records import spreadsheet_cell, to_json
from aim_tui.errors import UsageError
from aim_tui.exports.deliver import deliver
from aim_tui.exports.writers import check_writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


FORMATS = ("table", "json", "jsonl", "csv")


def deliver_records(
    head: Mapping[str, Any], name: str, rows: Sequence[Mapping[str, Any]], kind: str, output: Path | None
) -> None:
    """To the file or stdout: a JSON object of `head` with the rows under `name`, or a line for each row.

    A line of JSON has the head in it, so that it can stand alone; CSV, which a table in a file is too, has the rows.
    """
    match kind:
        case "json":
            text = to_json({**head, name: list(rows)}, indent=2) + "\n"
        case "jsonl":
            alone = {key: value for key, value in head.items() if key != "left_out"}
            text = "".join(to_json({**row, **alone}) + "\n" for row in rows)
        case _:
            fields = list(dict.fromkeys(field for row in rows for field in row))
            text = csv_text(fields, ([row.get(field) for field in fields] for row in rows))
    deliver(text, output)


def chosen_format(name: str | None, output: Path | None, known: Sequence[str] = FORMATS) -> str:
    """The format that is asked for, that the file's name ends with, or a table; UsageError where there is none such.

    A file that cannot be written is told now, before anything is computed.
    """
    if name is None:
        name = output.suffix.lower().removeprefix(".") if output is not None else "table"
        if name not in known:
            raise UsageError(f"{output} does not say its format", f"end it with .{', .'.join(known[1:])}")
    if name not in known:
        raise UsageError(f"unknown format {name!r}{did_you_mean(name, known)}", f"known: {', '.join(known)}")
    if output is not None:
        if name == "table":
            raise UsageError("a table is for the terminal", f"for a file: --format {', '.join(known[1:])}")
        check_writable(output)
    return name


def csv_text(headings: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV (RFC 4180, lines ended by a line feed); texts that a spreadsheet would take for a formula stay texts."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(spreadsheet_cell, headings))
    writer.writerows(map(spreadsheet_cell, row) for row in rows)
    return stream.getvalue()
