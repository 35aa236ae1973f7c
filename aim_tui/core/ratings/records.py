"""Opinions as records and table columns for exports, by rater."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.text import portable_text

#: What is exported of each opinion.
FIELDS = ("rating", "rejected", "note")


@dataclass(frozen=True)
class OpinionsByPath:
    """Opinions by path and rater."""

    by_path: Mapping[str, Mapping[str, Opinion]] = field(default_factory=dict)

    @cached_property
    def raters(self) -> list[str]:
        """All raters with an opinion of any of the images."""
        return sorted({rater for by_rater in self.by_path.values() for rater, opinion in by_rater.items() if opinion})

    def records(self, path: str) -> list[dict[str, Any]]:
        """A record for each rater with an opinion of the image."""
        by_rater = sorted(self.by_path.get(path, {}).items())
        return [{"rater": portable_text(rater), **_record(opinion)} for rater, opinion in by_rater if opinion]

    def columns(self) -> list[str]:
        """The names of a table's columns: `rating:ann`, `rejected:ann` and `note:ann` for each rater."""
        return [f"{name}:{portable_text(rater)}" for rater in self.raters for name in FIELDS]

    def cells(self, path: str) -> dict[str, Any]:
        """The cells of these columns; None where the rater has no opinion of the image."""
        cells: dict[str, Any] = {}
        for rater in self.raters:
            opinion = self.by_path.get(path, {}).get(rater, NOTHING)
            record = _record(opinion) if opinion else dict.fromkeys(FIELDS)
            cells |= {f"{name}:{portable_text(rater)}": value for name, value in record.items()}
        return cells

    def words(self, path: str) -> str:
        """The opinions of an image in one line, for a page: `ann 5; bob 3, rejected, "too dark"`."""
        return "; ".join(f"{record['rater']} {', '.join(_words(record))}" for record in self.records(path))


def _record(opinion: Opinion) -> dict[str, Any]:
    rating = float(opinion.rating) if opinion.rating is not None else None
    return {"rating": rating, "rejected": opinion.rejected, "note": portable_text(opinion.note) or None}


def _words(record: dict[str, Any]) -> list[str]:
    words = [f"{record['rating']:g}"] if record["rating"] is not None else []
    words += ["rejected"] if record["rejected"] else []
    return words + ([f'"{record["note"]}"'] if record["note"] else [])
