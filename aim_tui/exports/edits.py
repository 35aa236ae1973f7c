"""Scored edits as content to export, during or after a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from rich.table import Table

from aim_tui.core.metrics.edits import families_of
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.records import csv_fields, csv_record, editclip_document, edits_document, full_record
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import portable_path
from aim_tui.errors import UsageError
from aim_tui.exports.content import Recorded, Tabled
from aim_tui.exports.formats.editclip import EditClipScored
from aim_tui.exports.ordering import score_text
from aim_tui.exports.tables import Part, facts, table, words
from aim_tui.store.records import Run


class EditRecords(Recorded[Row]):
    """Rows of edits, each with its `provenance`."""

    what = "a run over edits"

    def __init__(self, results: Results, provenance: Mapping[str, Any], opinions: OpinionsByPath | None = None) -> None:
        self.results = results
        self.provenance = provenance
        self.opinions = opinions

    def rows(self) -> Sequence[Row]:
        """One per edit, in the order of the file."""
        return self.results.rows

    def record(self, row: Row) -> dict[str, Any]:
        """An edit, with opinions if they are given."""
        return full_record(row, self.results, self.opinions) | dict(self.provenance)

    @cached_property
    def _columns(self) -> list[str]:
        return csv_fields(self.results, self.opinions)

    def columns(self) -> list[str]:
        """The fields of an edit, and three for each rater."""
        return self._columns

    def lines(self, row: Row) -> list[list[Any]]:
        """One line per edit."""
        return [[*csv_record(row, self.results, self.provenance, self.opinions).values()]]

    def document(self) -> dict[str, Any]:
        """The whole run."""
        return edits_document(self.results, self.provenance, self.opinions)


def stored_edits(run: Run) -> EditRecords:
    """A stored run over edits, with what made its numbers."""
    request, info = run.request, run.info
    provenance = {
        "run": info.id,
        "state": str(info.state),
        "started": info.started.isoformat(),
        "command": portable_path(request.command),
        "profile": info.profile,
        "data": portable_path(request.data),
        "metrics": list(families_of(request.plan.metrics)),
        "settings": {name: value for name, value in request.settings.items() if name != "computing"},
        "fingerprints": dict(request.fingerprints),
        "versions": dict(request.versions),
        **({"notice": request.profile.notice} if request.profile.notice else {}),
    }
    return EditRecords(run.results, provenance)


class ScoredEdits(EditRecords, Tabled, EditClipScored):
    """Edits of a file that are being scored, with the families and models in use."""

    def __init__(
        self,
        results: Results,
        provenance: Mapping[str, Any],
        *,
        families: Sequence[str],
        models: Mapping[Role, ModelRef],
        pre_resize: int | None = None,
    ) -> None:
        super().__init__(results, provenance)
        self._families = families
        self._models = models
        self._pre_resize = pre_resize

    def check_editclip(self) -> None:
        """UsageError without a number that editclip_results.json can have."""
        if not {"editclip", "preservation", "clip_edit"} & set(self._families):
            raise UsageError("--format editclip needs editclip, or the similarity of images from clip_edit")

    def editclip(self) -> dict[str, Any]:
        """editclip_results.json; without EditCLIP with the similarity of the images."""
        measure, role = "editclip_score", Role.EDITCLIP
        if "editclip" not in self._families:
            role = Role.CLIP
            measure = "source_target_sim" if "clip_edit" in self._families else "preservation_clip"
        info = self.results.models.get(str(role))
        ref = self._models[role]
        return editclip_document(
            self.results,
            metric=measure,
            model=info.id if info is not None else ref.id or ref.name,
            resolution=self._resolution(role),
            notice=self.provenance.get("notice", ""),
        )

    def _resolution(self, role: Role) -> str:
        """The size at which the model saw the images."""
        info = self.results.models.get(str(role))
        detail = info.detail if info is not None else {}
        seen = f"resize {detail.get('resize', 'unknown')}; crop {detail.get('crop', 'unknown')}"
        side = self._pre_resize if role is Role.EDITCLIP else None
        return f"{side}x{side} (Pillow bicubic) before the model's processor: {seen}" if side else seen

    def parts(self) -> list[Part]:
        """The edits, statistics of each number, and the formulas."""
        formulas = facts([(spec.id, spec.formula) for spec in self.results.specs])
        return [self._table(), spreads(self.results), formulas, words(self.provenance.get("notice", ""))]

    def _table(self) -> Table:
        specs = self.results.specs
        headings = [spec.heading for spec in specs]
        truth = any("is_correct" in row.truth for row in self.results.rows)
        made = table("id", "instruction", *(("right",) if truth else ()), *headings, "status", right=headings)
        for row in self.results.rows:
            right = [_YES_NO.get(row.truth.get("is_correct"), "")] if truth else []
            numbers = [score_text(row.outcome(spec.id), spec.decimals) for spec in specs]
            cells = [row.id, row.instruction, *right, *numbers, str(row.status)]
            made.add_row(*map(words, cells))
        return made


_YES_NO: dict[object, str] = {True: "yes", False: "no"}


def spreads(results: Results, *, arrows: bool = False) -> Table:
    """Statistics of each number; with arrows also which way is better."""
    made = table("number", "n", "mean", "sd", "min", "max", right=("n", "mean", "sd", "min", "max"))
    for spec in results.specs:
        spread = results.metric_summary(spec.id)
        cells = ["", "", "", ""]
        if spread is not None:
            cells = [f"{value:.{spec.decimals}f}" for value in (spread.mean, spread.std, spread.low, spread.high)]
        name = f"{spec.id} {spec.arrow}" if arrows else spec.id
        made.add_row(*map(words, (name, spread.n if spread else 0, *cells)))
    return made
