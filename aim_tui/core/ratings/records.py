"""Opinions as records and table columns for exports, by rater."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aim_tui.core.ratings.opinions import NOTHING, Opinion

#: What is told of each rater's opinion.
SAID = ("rating", "rejected", "note")


@dataclass(frozen=True)
class Judged:
    """Opinions by path and rater."""

    opinions: Mapping[str, Mapping[str, Opinion]] = field(default_factory=dict)

    @cached_property
    def raters(self) -> list[str]:
        """All raters with an opinion of any of the images."""
        return sorted({rater for by_rater in self.opinions.values() for rater, opinion in by_rater.items() if opinion})

    def records(self, path: str) -> list[dict[str, Any]]:
        """A record for each rater who says something of the image; who says nothing has none."""
        said = self.opinions.get(path, {})
        return [{"rater": _portable(rater), **_told(opinion)} for rater, opinion in sorted(said.items()) if opinion]

    def columns(self) -> list[str]:
        """The names of a table's columns: `rating:ann`, `rejected:ann` and `note:ann` for each rater."""
        return [f"{name}:{_portable(rater)}" for rater in self.raters for name in SAID]

    def cells(self, path: str) -> dict[str, Any]:
        """What belongs into these columns; None where the rater says nothing of the image."""
        said = self.opinions.get(path, {})
        cells: dict[str, Any] = {}
        for rater in self.raters:
            opinion = said.get(rater, NOTHING)
            told = _told(opinion) if opinion else dict.fromkeys(SAID)
            cells |= {f"{name}:{_portable(rater)}": value for name, value in told.items()}
        return cells

    def words(self, path: str) -> str:
        """The same in one line, for a page: `ann 5; bob 3, rejected, "too dark"`."""
        return "; ".join(f"{one['rater']} {', '.join(_in_words(one))}" for one in self.records(path))


def _told(opinion: Opinion) -> dict[str, Any]:
    rating = float(opinion.rating) if opinion.rating is not None else None
    return {"rating": rating, "rejected": opinion.rejected, "note": _portable(opinion.note) or None}


def _in_words(record: dict[str, Any]) -> list[str]:
    said = [f"{record['rating']:g}"] if record["rating"] is not None else []
    said += ["rejected"] if record["rejected"] else []
    return said + ([f'"{record["note"]}"'] if record["note"] else [])


def _portable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
