"""Where scored edits go: one output a format. Only data reaches stdout."""

from __future__ import annotations

import abc
import csv
import io
import os
import sys
from typing import TYPE_CHECKING

from aim_tui.cli.console import facts, show, table, words
from aim_tui.core.metrics.spec import Role
from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.records import csv_fields, csv_record, editclip_document, edits_document, full_record, to_json
from aim_tui.errors import UsageError
from aim_tui.exports.ordering import score_text
from aim_tui.exports.writers import cannot_write, check_writable, reader_left, write_text

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from rich.table import Table

    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.runs.edit_plan import EditPlan


def open_output(name: str, path: Path | None, asked: EditPlan) -> Output:
    """The output of a format; UsageError for an unknown one, or where the file cannot be written or is an input."""
    if name not in _OUTPUTS:
        raise UsageError(f"unknown format {name!r}{did_you_mean(name, _OUTPUTS)}")
    if path is not None:
        check_writable(path)
        inputs = {os.path.abspath(asked.file.path)}  # noqa: PTH100  # as text: any bytes
        inputs |= {image for row in asked.file.rows for image in (row.source, row.target)}
        if os.path.abspath(path) in inputs:  # noqa: PTH100
            raise UsageError(f"--output {path} is one of the files to read", "name another file")
    elif sys.stdout is None:
        raise UsageError("there is no standard output", "open it, or give --output FILE")
    return _OUTPUTS[name](path, asked)


class Output:
    """Takes rows in order as they are finished. `end` is called whatever happened in between."""

    def __init__(self, path: Path | None, asked: EditPlan) -> None:
        self.path = path
        self.asked = asked
        self.results: Results

    def begin(self, results: Results) -> None:
        """Called once, before the first row."""
        self.results = results

    def row(self, row: Row) -> None:
        """Called for each finished row; whole documents wait for the end."""

    def end(self) -> None:
        """Called once, after the last row."""


class _Streaming(Output, abc.ABC):
    """Writes each row when it is finished; the file is opened with the first row, not before."""

    _stream: TextIO | None = None

    def row(self, row: Row) -> None:
        try:
            if self._stream is None:
                self._stream = sys.stdout if self.path is None else self.path.open("w", encoding="utf-8", newline="")
            self._stream.write(self.line(row))
            self._stream.flush()
        except BrokenPipeError:
            reader_left()
        except OSError as error:
            raise cannot_write(self.path, error) from None

    @abc.abstractmethod
    def line(self, row: Row) -> str:
        """The text of a row."""

    def end(self) -> None:
        if self._stream is not None and self.path is not None:
            self._stream.close()


class _JsonLines(_Streaming):
    def line(self, row: Row) -> str:
        return to_json(full_record(row, self.results) | self.asked.provenance()) + "\n"


class _Csv(_Streaming):
    _headed = False

    def line(self, row: Row) -> str:
        text = io.StringIO()
        rows = csv.DictWriter(text, csv_fields(self.results), lineterminator="\n")
        if self._stream is not None and not self._headed:
            rows.writeheader()
            self._headed = True
        rows.writerow(csv_record(row, self.results, self.asked.provenance()))
        return text.getvalue()


class _Json(Output):
    def end(self) -> None:
        write_text(self.path, to_json(edits_document(self.results, self.asked.provenance()), indent=2) + "\n")


class _EditClip(Output):
    """editclip_results.json; without EditCLIP the similarity of the images, as the file's name for it is."""

    def __init__(self, path: Path | None, asked: EditPlan) -> None:
        super().__init__(path, asked)
        if not {"editclip", "preservation", "clip_edit"} & set(asked.families):
            raise UsageError("--format editclip needs editclip, or the similarity of images from clip_edit")

    def end(self) -> None:
        measure, role = "editclip_score", Role.EDITCLIP
        if "editclip" not in self.asked.families:
            role = Role.CLIP
            measure = "source_target_sim" if "clip_edit" in self.asked.families else "preservation_clip"
        info = self.results.models.get(str(role))
        ref = self.asked.engine.models[role]
        told = editclip_document(
            self.results,
            metric=measure,
            model=info.id if info is not None else ref.id or ref.name,
            resolution=self._resolution(role),
            notice=self.asked.profile.notice,
        )
        write_text(self.path, to_json(told, indent=2) + "\n")

    def _resolution(self, role: Role) -> str:
        """How large the model saw the images."""
        info = self.results.models.get(str(role))
        detail = info.detail if info is not None else {}
        seen = f"resize {detail.get('resize', 'unknown')}; crop {detail.get('crop', 'unknown')}"
        side = self.asked.engine.edit_resize if role is Role.EDITCLIP else None
        return f"{side}x{side} (Pillow bicubic) before the model's processor: {seen}" if side else seen


class _Table(Output):
    def end(self) -> None:
        formulas = facts([(spec.id, spec.formula) for spec in self.results.specs])
        notice = words(self.asked.profile.notice)
        if self.path is None:
            try:
                show(self._rows(), self._sums(), formulas, notice)
            except BrokenPipeError:
                reader_left()
            return
        from rich.console import Console

        text = io.StringIO()
        out = Console(file=text, width=10_000, no_color=True, highlight=False)
        for part in (self._rows(), "", self._sums(), "", formulas, "", notice):
            out.print(part, soft_wrap=True)
        write_text(self.path, "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))

    def _rows(self) -> Table:
        specs = self.results.specs
        headings = [f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" for spec in specs]
        truth = any("is_correct" in row.truth for row in self.results.rows)
        right = [*headings]
        made = table("id", "instruction", *(("right",) if truth else ()), *headings, "status", right=right)
        for row in self.results.rows:
            said = [_YES_NO.get(row.truth.get("is_correct"), "")] if truth else []
            numbers = [score_text(row.outcome(spec.id), spec.decimals) for spec in specs]
            cells = [row.id, row.instruction, *said, *numbers, str(row.status)]
            made.add_row(*(words(cell) for cell in cells))
        return made

    def _sums(self) -> Table:
        made = table("number", "n", "mean", "sd", "min", "max", right=("n", "mean", "sd", "min", "max"))
        for spec in self.results.specs:
            spread = self.results.metric_summary(spec.id)
            cells = ["", "", "", ""]
            if spread is not None:
                cells = [f"{value:.{spec.decimals}f}" for value in (spread.mean, spread.std, spread.low, spread.high)]
            made.add_row(*(words(cell) for cell in (spec.id, spread.n if spread else 0, *cells)))
        return made


_YES_NO: dict[object, str] = {True: "yes", False: "no", None: ""}
_OUTPUTS: dict[str, type[Output]] = {
    "table": _Table,
    "json": _Json,
    "jsonl": _JsonLines,
    "csv": _Csv,
    "editclip": _EditClip,
}
