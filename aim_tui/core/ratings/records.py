"""Opinions as records and table columns for exports, by rater."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aim_tui.core.ratings.opinions import NOTHING, Opinion

#: The fields of each rater's opinion.
FIELDS = ("rating", "rejected", "note")


@dataclass(frozen=True)
class OpinionsByPath:
    """Opinions by path and rater."""

    opinions: Mapping[str, Mapping[str, Opinion]] = field(default_factory=dict)

    @cached_property
    def raters(self) -> list[str]:
        """All raters with an opinion of any of the images."""
        return sorted({rater for by_rater in self.opinions.values() for rater, opinion in by_rater.items() if opinion})

    def records(self, path: str) -> list[dict[str, Any]]:
        """A record for each rater with an opinion of the image."""
        opinions = sorted(self.opinions.get(path, {}).items())
        return [{"rater": _portable(rater), **_fields(opinion)} for rater, opinion in opinions if opinion]

    def columns(self) -> list[str]:
        """The names of a table's columns: `rating:ann`, `rejected:ann` and `note:ann` for each rater."""
        return [f"{name}:{_portable(rater)}" for rater in self.raters for name in FIELDS]

    def cells(self, path: str) -> dict[str, Any]:
        """The values of these columns; None where the rater has no opinion of the image."""
        opinions = self.opinions.get(path, {})
        cells: dict[str, Any] = {}
        for rater in self.raters:
            opinion = opinions.get(rater, NOTHING)
            values = _fields(opinion) if opinion else dict.fromkeys(FIELDS)
            cells |= {f"{name}:{_portable(rater)}": value for name, value in values.items()}
        return cells

    def words(self, path: str) -> str:
        """The opinions of an image in one line, for a page: `ann 5; bob 3, rejected, "too dark"`."""
        return "; ".join(f"{one['rater']} {', '.join(_words(one))}" for one in self.records(path))


def _fields(opinion: Opinion) -> dict[str, Any]:
    rating = float(opinion.rating) if opinion.rating is not None else None
    return {"rating": rating, "rejected": opinion.rejected, "note": _portable(opinion.note) or None}


def _words(record: dict[str, Any]) -> list[str]:
    words = [f"{record['rating']:g}"] if record["rating"] is not None else []
    words += ["rejected"] if record["rejected"] else []
    return words + ([f'"{record["note"]}"'] if record["note"] else [])


def _portable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
