"""Scored images as content to export, during or after a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rich.table import Table

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.records import csv_fields, csv_record, document, full_record, own_fields, provenance
from aim_tui.core.scoring.results import Results, Row
from aim_tui.exports.content import Recorded, Tabled
from aim_tui.exports.ordering import ranked, score_text
from aim_tui.exports.tables import Part, table, words


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers of a run come from: profile, settings, and the skipped metrics with the reasons."""

    profile: Profile
    settings: Mapping[str, Any] = field(default_factory=dict)
    not_asked: Mapping[str, str] = field(default_factory=dict)


class ImageRecords(Recorded[Row]):
    """Rows of images with the fields that `aim-tui score` writes."""

    what = "scored images"

    def __init__(
        self, results: Results, source: Provenance, opinions: OpinionsByPath | None = None, *, own: Sequence[str] = ()
    ) -> None:
        """`own` names parts of a context that later images may have, even if none of the first ones does."""
        self._own = own
        self.results = results
        self.source = source
        self.opinions = opinions

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """The provenance in every row."""
        return provenance(self.results, self.source.profile, dict(self.source.not_asked))

    def rows(self) -> Sequence[Row]:
        """One per image, in the order of the run."""
        return self.results.rows

    def record(self, row: Row) -> dict[str, Any]:
        """An image with the facts of its file, and its provenance."""
        return full_record(row, self.results, self.opinions) | self.provenance

    @cached_property
    def _columns(self) -> list[str]:
        fields = csv_fields(self.results, self.opinions)
        place = fields.index("weights")
        return [*fields[:place], *(name for name in self._own if name not in fields), *fields[place:]]

    def columns(self) -> list[str]:
        """The fields, and the weights and rules of the score."""
        return self._columns

    def lines(self, row: Row) -> list[list[Any]]:
        """One line per image."""
        cells = csv_record(row, self.results, self.provenance, self.opinions)
        return [[cells.get(name) for name in self._columns]]

    def document(self) -> dict[str, Any]:
        """The whole run."""
        source = self.source
        return document(self.results, source.profile, dict(source.settings), dict(source.not_asked), self.opinions)


class ScoredImages(ImageRecords, Tabled):
    """Images that have been scored, or are being scored."""

    piped_width = 10_000

    def parts(self) -> list[Part]:
        """The best image first, and under the table the formula and what was skipped."""
        source = self.source
        notes = [self.results.plan.formula(), source.profile.rules_note()]
        notes += [f"skipping {metric}: {reason}" for metric, reason in source.not_asked.items()]
        notes += [source.profile.notice] if source.profile.notice else []
        return [(self._table(), *map(words, notes))]

    def _table(self) -> Table:
        results, shares = self.results, self.results.plan.shares
        own, captioned = own_fields(results), any(spec.captions for spec in results.specs)
        numbers: list[str] = []
        for spec in results.specs:
            numbers += (
                [f"{spec.raw_field} {spec.arrow}", "norm"] if spec.id in shares else [f"{spec.raw_field} {spec.arrow}"]
            )
        numbers.append("final ↑")
        headings = ("#", "image", *own, *numbers, "status", *(["caption"] if captioned else []))
        made = table(*headings, right=("#", *numbers))
        for rank, row in ranked(results):
            cells: list[object] = [rank or "", results.names[row.path], *(getattr(row.own, name, "") for name in own)]
            for spec in results.specs:
                cells.append(score_text(row.outcome(spec.id), spec.decimals))
                cells += [score_text(row.norm(spec.id), 3)] if spec.id in shares else []
            cells += [score_text(row.final_outcome, 2), row.status, *([row.caption or ""] if captioned else [])]
            made.add_row(*map(words, cells))
        return made
