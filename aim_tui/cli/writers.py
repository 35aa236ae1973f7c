"""Where rows go: one writer a format. Only data reaches stdout."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from aim_tui.core.metrics import METRICS
from aim_tui.core.names import did_you_mean
from aim_tui.core.outcomes import Failed, Present
from aim_tui.core.report import FIELDS, document, full_record, provenance, record
from aim_tui.core.text import printable
from aim_tui.errors import AimError, UsageError

if TYPE_CHECKING:
    from aim_tui.cli.options import Setup
    from aim_tui.core.outcomes import Outcome
    from aim_tui.core.results import Results, Row


def open_writer(name: str, output: Path | None) -> Writer:
    """The writer for a format; UsageError for an unknown one, or where the output file cannot be written."""
    if name not in _WRITERS:
        raise UsageError(f"unknown format {name!r}{did_you_mean(name, _WRITERS)}")
    if output is not None:
        _check_writable(output)
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
            _reader_left()
        except OSError as error:
            raise _cannot_write(self._output, error) from None

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
        stream.write(_json(full_record(row, self._results) | said) + "\n")


class _Csv(_Streaming):
    _rows: Any = None

    def write(self, row: Row, stream: TextIO) -> None:
        if self._rows is None:
            self._rows = csv.DictWriter(stream, [*FIELDS, "weights", "rules", "notice"], lineterminator="\n")
            self._rows.writeheader()
        said = provenance(self._results, self._setup.profile, self._setup.not_asked)
        weights = " ".join(f"{metric}={weight:g}" for metric, weight in said["weights"].items())
        cells = record(row, self._results) | {"weights": weights, "rules": said["rules"], "notice": said.get("notice")}
        self._rows.writerow({name: _csv_cell(value) for name, value in cells.items()})


class _Json(Writer):
    def end(self) -> None:
        engine = self._setup.engine
        settings = {
            "device": engine.device,
            "precision": engine.precision,
            "batch_size": engine.batch_size,
            "exif": engine.reading.exif,
            "background": engine.reading.background,
        }
        whole = document(self._results, self._setup.profile, settings, self._setup.not_asked)
        _write_whole(self._output, _json(whole, indent=2) + "\n")


class _Table(Writer):
    def end(self) -> None:
        from rich.console import Console

        to_terminal = self._output is None and sys.stdout.isatty()
        # A table that no terminal bounds is as wide as it needs to be; what is cut off cannot be read from a file.
        console = Console(highlight=False) if to_terminal else Console(width=10_000, no_color=True, highlight=False)
        with console.capture() as captured:
            _print_table(console, self._results, self._setup)
        text = captured.get()
        if not to_terminal:
            text = "".join(line.rstrip() + "\n" for line in text.splitlines())
        _write_whole(self._output, text)


_WRITERS: dict[str, type[Writer]] = {"table": _Table, "json": _Json, "jsonl": _JsonLines, "csv": _Csv}


def _print_table(console: Any, results: Results, setup: Setup) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    table.add_column("#", justify="right")
    table.add_column("image", overflow="fold")
    for metric in results.plan.metrics:
        spec = METRICS[metric]
        table.add_column(f"{spec.raw_field} {'↑' if spec.higher_is_better else '↓'}", justify="right")
        table.add_column("norm", justify="right")
    table.add_column("final ↑", justify="right")
    table.add_column("status")
    if "blip2" in results.plan.metrics:
        table.add_column("caption", overflow="fold")
    rows = sorted(results.rows, key=lambda row: (row.final is None, -(row.final or 0.0), row.item))
    for rank, row in enumerate(rows, start=1):
        cells = [str(rank) if row.final is not None else "", printable(Path(row.path).name)]
        for metric in results.plan.metrics:
            norm = row.scores.norms.get(metric) if row.scores else None
            cells += [_cell(row.outcome(metric), METRICS[metric].decimals), _cell(norm, 3)]
        cells += [_cell(row.scores.final if row.scores else None, 2), str(row.status)]
        if "blip2" in results.plan.metrics:
            cells.append(printable(row.caption or ""))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    said = [results.plan.formula(), setup.profile.rules_note()]
    said += [f"{metric} is not asked for: {reason}" for metric, reason in setup.not_asked.items()]
    if setup.profile.notice:
        said.append(setup.profile.notice)
    for line in said:
        console.print(Text(printable(line)), soft_wrap=True)


def _cell(outcome: Outcome | None, decimals: int) -> str:
    """Missing shows as '-' and failed as '!': neither is a number, and they are not the same."""
    match outcome:
        case Present(value):
            return f"{value:.{decimals}f}"
        case Failed():
            return "!"
        case _:
            return "-"


def _csv_cell(value: Any) -> Any:
    """A spreadsheet takes a text that begins with one of these for a formula; an apostrophe keeps it a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _json(data: Any, indent: int | None = None) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)


def _check_writable(output: Path) -> None:
    """Before hours of work: can the result be written at all?"""
    if output.is_dir():
        raise UsageError(f"cannot write {output}: it is a folder")
    if not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {output.parent}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise UsageError(f"cannot write {output}: no permission")


def _write_whole(output: Path | None, text: str) -> None:
    """To stdout, or beside the file and then renamed, so that an old result is never half overwritten."""
    try:
        if output is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        if output.exists() and not output.is_file():  # a pipe or a device such as /dev/null
            output.write_text(text, encoding="utf-8")
            return
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123  # the handle is already open
                stream.write(text)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        _reader_left()
    except OSError as error:
        raise _cannot_write(output, error) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _cannot_write(output: Path | None, error: OSError) -> AimError:
    return AimError(f"cannot write {output or 'the standard output'}: {error.strerror or error}")


def _reader_left() -> None:
    """The reader of a pipe went away (`| head`): nobody is left to be told, so end as other programs do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(141)
