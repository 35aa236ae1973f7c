"""Where rows go: one writer a format. Only data reaches stdout."""

from __future__ import annotations

import csv
import io
import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.records import (
    csv_fields,
    csv_record,
    document,
    engine_settings,
    full_record,
    own_fields,
    provenance,
    to_json,
)
from aim_tui.core.text import printable
from aim_tui.errors import AimError, UsageError
from aim_tui.exports.atomic_write import write_whole
from aim_tui.exports.ordering import ranked, score_text
from aim_tui.inputs.images import SUFFIXES

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.runs.setup import Setup


def open_writer(name: str, output: Path | None) -> Writer:
    """The writer for a format; UsageError for an unknown one, or where the output file cannot be written."""
    if name not in _WRITERS:
        raise UsageError(f"unknown format {name!r}{did_you_mean(name, _WRITERS)}")
    if output is not None:
        check_writable(output)
    elif sys.stdout is None:
        raise UsageError("there is no standard output", "open it, or give --output FILE")
    return _WRITERS[name](output)


class Writer(ABC):
    """Takes rows in order as they are finished. `end` is called whatever happened in between."""

    def __init__(self, output: Path | None) -> None:
        self._output = output
        self._results: Results
        self._setup: Setup

    def begin(self, results: Results, setup: Setup) -> None:
        """Called once, before the first row."""
        self._results, self._setup = results, setup

    def row(self, row: Row) -> None:  # noqa: B027  # writers of whole documents wait for the end
        """Called for each finished row."""

    @abstractmethod
    def end(self) -> None:
        """Called once, after the last row."""


class _Streaming(Writer):
    """Writes each row when it is finished; the file is opened with the first row, not before."""

    def __init__(self, output: Path | None) -> None:
        super().__init__(output)
        self._stream: TextIO | None = None if output else sys.stdout

    def row(self, row: Row) -> None:
        """Write one row and flush it, so that a reader of the pipe sees it now."""
        try:
            if self._stream is None:
                assert self._output is not None
                self._stream = self._output.open("w", encoding="utf-8", newline="")
            self.write(row, self._stream)
            self._stream.flush()
        except BrokenPipeError:
            reader_left()
        except OSError as error:
            raise cannot_write(self._output, error) from None

    @abstractmethod
    def write(self, row: Row, stream: TextIO) -> None:
        """Write one row."""

    def end(self) -> None:
        """Close the file."""
        if self._stream is not None and self._output is not None:
            self._stream.close()


class _JsonLines(_Streaming):
    def write(self, row: Row, stream: TextIO) -> None:
        said = provenance(self._results, self._setup.profile, self._setup.not_asked)
        stream.write(to_json(full_record(row, self._results) | said) + "\n")


class _Csv(_Streaming):
    _rows: Any = None

    def write(self, row: Row, stream: TextIO) -> None:
        if self._rows is None:
            self._rows = csv.DictWriter(stream, csv_fields(self._results), lineterminator="\n")
            self._rows.writeheader()
        said = provenance(self._results, self._setup.profile, self._setup.not_asked)
        self._rows.writerow(csv_record(row, self._results, said))


class _Json(Writer):
    def end(self) -> None:
        settings = engine_settings(self._setup.engine)
        whole = document(self._results, self._setup.profile, settings, self._setup.not_asked)
        write_text(self._output, to_json(whole, indent=2) + "\n")


class _Table(Writer):
    def end(self) -> None:
        from rich.console import Console

        to_terminal = self._output is None and sys.stdout.isatty()
        # A table that no terminal bounds is as wide as it needs to be; what is cut off cannot be read from a file.
        text_file = io.StringIO()
        if to_terminal:
            console = Console(file=text_file, force_terminal=True, width=Console().width, highlight=False)
        else:
            console = Console(file=text_file, width=10_000, no_color=True, highlight=False)
        _print_table(console, self._results, self._setup)
        text = text_file.getvalue()
        if not to_terminal:
            text = "".join(line.rstrip() + "\n" for line in text.splitlines())
        write_text(self._output, text)


_WRITERS: dict[str, type[Writer]] = {"table": _Table, "json": _Json, "jsonl": _JsonLines, "csv": _Csv}


def _print_table(console: Any, results: Results, setup: Setup) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    table.add_column("#", justify="right")
    table.add_column("image", overflow="fold")
    own = own_fields(results)
    for name in own:
        table.add_column(name, overflow="fold")
    for metric in results.plan.metrics:
        spec = get_metric(metric)
        table.add_column(f"{spec.raw_field} {'↑' if spec.higher_is_better else '↓'}", justify="right")
        if metric in results.plan.shares:
            table.add_column("norm", justify="right")
    table.add_column("final ↑", justify="right")
    table.add_column("status")
    captioned = any(get_metric(metric).captions for metric in results.plan.metrics)
    if captioned:
        table.add_column("caption", overflow="fold")
    for rank, row in ranked(results):
        cells = [str(rank or ""), printable(Path(row.path).name)]
        cells += [printable(getattr(row.own, name, "")) for name in own]
        for metric in results.plan.metrics:
            norm = row.scores.norms.get(metric) if row.scores else None
            cells.append(score_text(row.outcome(metric), get_metric(metric).decimals))
            cells += [score_text(norm, 3)] if metric in results.plan.shares else []
        cells += [score_text(row.scores.final if row.scores else None, 2), str(row.status)]
        if captioned:
            cells.append(printable(row.caption or ""))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    said = [results.plan.formula(), setup.profile.rules_note()]
    said += [f"{metric} is not asked for: {reason}" for metric, reason in setup.not_asked.items()]
    if setup.profile.notice:
        said.append(setup.profile.notice)
    for line in said:
        console.print(Text(printable(line)), soft_wrap=True)


def check_writable(output: Path) -> None:
    """Before hours of work: can the result be written at all?"""
    if output.suffix.lower() in SUFFIXES:
        raise UsageError(f"cannot write {output}: that is the name of an image")
    check_folder(output)


def check_folder(output: Path) -> None:
    """The same of a file that may be an image."""
    if output.is_dir():
        raise UsageError(f"cannot write {output}: it is a folder")
    if not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {output.parent}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise UsageError(f"cannot write {output}: no permission")


def write_text(output: Path | None, text: str) -> None:
    """A whole document, to its file or to stdout."""
    if output is not None:
        write_whole(output, text)
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        reader_left()
    except OSError as error:
        raise cannot_write(None, error) from None


def cannot_write(output: Path | None, error: OSError) -> AimError:
    """The error that says so, to be raised."""
    return AimError(f"cannot write {output or 'the standard output'}: {error.strerror or error}")


def reader_left() -> None:
    """The reader of a pipe went away (`| head`): nobody is left to be told, so end as other programs do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(141)
