"""Scored images as something to export, whether a run is still going on or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.records import csv_fields, csv_record, document, full_record, own_fields, provenance
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import printable
from aim_tui.exports.content import Recorded, Tabled
from aim_tui.exports.ordering import ranked, score_text

if TYPE_CHECKING:
    from rich.table import Table

    from aim_tui.exports.tables import Part


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the numbers of a run: the profile with its rules, the settings, and what was left out and why."""

    profile: Profile
    settings: Mapping[str, Any] = field(default_factory=dict)
    not_asked: Mapping[str, str] = field(default_factory=dict)


class ImageRecords(Recorded[Row]):
    """Rows of images with the fields that `aim-tui score` writes."""

    what = "scored images"

    def __init__(
        self, results: Results, source: Provenance, judged: OpinionsByPath | None = None, *, own: Sequence[str] = ()
    ) -> None:
        """`own` are parts of a context that later images may bring, though none of the first has them."""
        self._own = own
        self.results = results
        self.source = source
        self.judged = judged

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What every row says about where its numbers come from."""
        return provenance(self.results, self.source.profile, dict(self.source.not_asked))

    def rows(self) -> Sequence[Row]:
        """One an image, in the order of the run."""
        return self.results.rows

    def record(self, row: Row) -> dict[str, Any]:
        """An image with what is known of its file, and its provenance."""
        return full_record(row, self.results, self.judged) | self.provenance

    @cached_property
    def _columns(self) -> list[str]:
        fields = csv_fields(self.results, self.judged)
        place = fields.index("weights")
        return [*fields[:place], *(name for name in self._own if name not in fields), *fields[place:]]

    def columns(self) -> list[str]:
        """The fields, and the weights and rules that made the score."""
        return self._columns

    def lines(self, row: Row) -> list[list[Any]]:
        """One line an image."""
        cells = csv_record(row, self.results, self.provenance, self.judged)
        return [[cells.get(name) for name in self._columns]]

    def document(self) -> dict[str, Any]:
        """The whole run."""
        source = self.source
        return document(self.results, source.profile, dict(source.settings), dict(source.not_asked), self.judged)


class ScoredImages(ImageRecords, Tabled):
    """Images that have been scored, or are being scored."""

    piped_width = 10_000

    def parts(self) -> list[Part]:
        """The best image first, and under the table the formula and what was left out."""
        from aim_tui.exports.tables import words

        source = self.source
        notes = [self.results.plan.formula(), source.profile.rules_note()]
        notes += [f"{metric} is not asked for: {reason}" for metric, reason in source.not_asked.items()]
        notes += [source.profile.notice] if source.profile.notice else []
        return [(self._table(), *map(words, notes))]

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        results = self.results
        made = Table(box=None, pad_edge=False, header_style="bold", expand=False)
        made.add_column("#", justify="right")
        made.add_column("image", overflow="fold")
        own = own_fields(results)
        for name in own:
            made.add_column(name, overflow="fold")
        for metric in results.plan.metrics:
            spec = get_metric(metric)
            made.add_column(f"{spec.raw_field} {'↑' if spec.higher_is_better else '↓'}", justify="right")
            if metric in results.plan.shares:
                made.add_column("norm", justify="right")
        made.add_column("final ↑", justify="right")
        made.add_column("status")
        captioned = any(get_metric(metric).captions for metric in results.plan.metrics)
        if captioned:
            made.add_column("caption", overflow="fold")
        for rank, row in ranked(results):
            cells = [str(rank or ""), printable(results.names[row.path])]
            cells += [printable(getattr(row.own, name, "")) for name in own]
            for metric in results.plan.metrics:
                norm = row.scores.norms.get(metric) if row.scores else None
                cells.append(score_text(row.outcome(metric), get_metric(metric).decimals))
                cells += [score_text(norm, 3)] if metric in results.plan.shares else []
            cells += [score_text(row.scores.final if row.scores else None, 2), str(row.status)]
            if captioned:
                cells.append(printable(row.caption or ""))
            made.add_row(*map(Text, cells))
        return made
