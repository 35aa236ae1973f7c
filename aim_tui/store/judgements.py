"""Judgements of images by people: ratings, rejections, notes and duels. Stored at once, and never lost.

Images are identified by content, so that a renamed file keeps its judgements. Nothing is overwritten: the newest
judgement of a rater counts, and undo stores the one before it again.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.results import Results
from aim_tui.store.database import Database, select_in
from aim_tui.store.errors import decoding
from aim_tui.store.packing import pack, unpack

Value = float | str | bool | None


class JudgementKind(StrEnum):
    """A rating is a number, a rejection a bool, a note a text."""

    RATING = "rating"
    REJECT = "reject"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Image:
    """An image by content, and its path."""

    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement of an image by a rater; the value is None if it was cleared."""

    id: int
    kind: JudgementKind
    rater: str
    at: datetime
    image: Image
    value: Value
    run: str | None

    def upon(self, opinion: Opinion) -> Opinion:
        """The opinion with this judgement in place of the one before."""
        match self.kind:
            case JudgementKind.RATING:
                return replace(opinion, rating=float(self.value) if self.value is not None else None)
            case JudgementKind.REJECT:
                return replace(opinion, rejected=bool(self.value))
            case JudgementKind.NOTE:
                return replace(opinion, note=str(self.value or ""))


class DuelOutcome(StrEnum):
    """Which of two images won."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Duel:
    """Two images side by side, and which one the rater preferred."""

    id: int
    series: str
    rater: str
    at: datetime
    left: Image
    right: Image
    outcome: DuelOutcome
    run: str | None


class Judgements:
    """The judgements of a store. Each call that adds one has committed it when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(self, image: Image, rating: float | None, *, rater: str, run: str | None = None) -> int:
        """Rate an image on the user's scale, or clear its rating with None; returns the id of the judgement."""
        return self._add(JudgementKind.RATING, image, rating, rater, run)

    def rate_all(
        self, images: Iterable[tuple[Image, str | None]], rating: float | None, *, rater: str
    ) -> Sequence[int]:
        """Give many images, each with its run, the same rating; all are stored, or none."""
        at = _now()
        with self._database.writing() as connection:
            return [
                _insert(connection, (JudgementKind.RATING, rater, at, *_columns(image), rating, run, None))
                for image, run in images
            ]

    def reject(self, image: Image, rejected: bool, *, rater: str, run: str | None = None) -> int:
        """Reject an image, or clear its rejection; returns the id of the judgement."""
        return self._add(JudgementKind.REJECT, image, rejected or None, rater, run)

    def note(self, image: Image, text: str, *, rater: str, run: str | None = None) -> int:
        """Write a note about an image; an empty one clears it. Returns the id of the judgement."""
        return self._add(JudgementKind.NOTE, image, text or None, rater, run)

    def undo(self, rater: str, word: int | None = None) -> Judgement | None:
        """Undo the rater's last judgement that is not undone yet; returns the current one, or None at the end.

        Repeated calls go back step by step, over ratings, rejections and notes. `word` is the id of one to undo
        instead.
        """
        with self._database.writing() as connection:
            return _undo(connection, rater, word)

    def undo_all(self, rater: str, words: Sequence[int]) -> list[Judgement]:
        """Undo these judgements of a rater, the last one first, all or none; returns the current one of each."""
        with self._database.writing() as connection:
            taken = (_undo(connection, rater, word) for word in sorted(words, reverse=True))
            return [judgement for judgement in taken if judgement is not None]

    def current(
        self, kind: JudgementKind, sha256s: Collection[str] | None = None, *, rater: str | None = None
    ) -> dict[str, dict[str, Judgement]]:
        """The current judgements by content hash and rater, of the given images or all, without cleared ones."""
        where = "kind = ?" + (" AND rater = ?" if rater is not None else "")
        parameters = (str(kind), rater) if rater is not None else (str(kind),)
        newest = f"{_SELECT} WHERE id IN (SELECT max(id) FROM judgements WHERE {where} GROUP BY sha256, rater)"
        with self._database.reading() as connection:
            if sha256s is None:
                rows = connection.execute(newest, parameters).fetchall()
            else:
                rows = list(select_in(connection, f"{newest} AND sha256 IN", parameters, set(sha256s)))
        held: dict[str, dict[str, Judgement]] = {}
        with decoding(self._database.path):
            judgements = [_judgement(row) for row in rows]
        for judgement in judgements:
            if judgement.value is not None:
                held.setdefault(judgement.image.sha256, {})[judgement.rater] = judgement
        return held

    def opinions(self, sha256s: Collection[str] | None = None) -> dict[str, dict[str, Opinion]]:
        """The current opinions by content hash and rater, of the given images or all."""
        return opinions_of(self.held(sha256s))

    def of(self, results: Results) -> OpinionsByPath:
        """The current opinions of the images of a run by path; images that were not read have none."""
        contents = {row.path: row.facts.sha256 for row in results.rows if row.facts is not None}
        opinions = self.opinions(set(contents.values()))
        return OpinionsByPath({path: opinions[sha256] for path, sha256 in contents.items() if sha256 in opinions})

    def held(self, sha256s: Collection[str] | None = None) -> list[Judgement]:
        """All current judgements of the given images or all."""
        kinds = (self.current(kind, sha256s) for kind in JudgementKind)
        return [judgement for held in kinds for by_rater in held.values() for judgement in by_rater.values()]

    def history(self, sha256: str) -> list[Judgement]:
        """All judgements of an image ever, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} WHERE sha256 = ? ORDER BY id", (sha256,)).fetchall()
        with decoding(self._database.path):
            return [_judgement(row) for row in rows]

    def duel(
        self, left: Image, right: Image, outcome: DuelOutcome, *, rater: str, series: str, run: str | None = None
    ) -> None:
        """Record which of two images won; `series` names the duels that belong together."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO duels (series, rater, at, left_sha256, left_path, right_sha256, right_path, outcome, run) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (series, rater, _now(), *_columns(left), *_columns(right), str(outcome), run),
            )

    def undo_duel(self, rater: str, series: str) -> Duel | None:
        """Undo the rater's last duel of a series, or return None; its row is kept but does not count any more."""
        with self._database.writing() as connection:
            row = connection.execute(
                f"{_SELECT_DUEL} AND rater = ? AND series = ? ORDER BY id DESC LIMIT 1", (rater, series)
            ).fetchone()
            if row is None:
                return None
            connection.execute("UPDATE duels SET retracted = ? WHERE id = ?", (_now(), row[0]))
            return _duel(row)

    def duels(self, series: str | None = None, rater: str | None = None) -> list[Duel]:
        """The duels that count, of a series and rater or of all, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_SELECT_DUEL} AND (?1 IS NULL OR series = ?1) AND (?2 IS NULL OR rater = ?2) ORDER BY id",
                (series, rater),
            ).fetchall()
        with decoding(self._database.path):
            return [_duel(row) for row in rows]

    def _add(self, kind: JudgementKind, image: Image, value: Value, rater: str, run: str | None) -> int:
        stored = pack(value) if isinstance(value, str) else value
        with self._database.writing() as connection:
            return _insert(connection, (str(kind), rater, _now(), *_columns(image), stored, run, None))


_SELECT = "SELECT id, kind, rater, at, sha256, path, value, run FROM judgements"
_SELECT_DUEL = (
    "SELECT id, series, rater, at, left_sha256, left_path, right_sha256, right_path, outcome, run FROM duels "
    "WHERE retracted IS NULL"
)


def opinions_of(words: Iterable[Judgement]) -> dict[str, dict[str, Opinion]]:
    """The opinions that current judgements add up to, by content hash and rater."""
    found: dict[str, dict[str, Opinion]] = {}
    for word in words:
        held = found.setdefault(word.image.sha256, {})
        held[word.rater] = word.upon(held.get(word.rater, NOTHING))
    return found


def _columns(image: Image) -> tuple[str, str | bytes]:
    return image.sha256, pack(image.path)


def _insert(connection: sqlite3.Connection, row: tuple[Any, ...]) -> int:
    number = connection.execute(
        "INSERT INTO judgements (kind, rater, at, sha256, path, value, run, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    ).lastrowid
    assert number is not None  # only a cursor that inserted nothing has none
    return number


def _undo(connection: sqlite3.Connection, rater: str, word: int | None) -> Judgement | None:
    last = connection.execute(
        "SELECT id, kind, sha256, path, run FROM judgements AS word WHERE rater = ?1 AND undoes IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM judgements WHERE undoes = word.id) AND (?2 IS NULL OR id = ?2) "
        "ORDER BY id DESC LIMIT 1",
        (rater, word),
    ).fetchone()
    if last is None:
        return None
    word, kind, sha256, path, run = last
    before = connection.execute(
        "SELECT value FROM judgements AS word WHERE rater = ? AND kind = ? AND sha256 = ? AND id < ? "
        "AND undoes IS NULL AND NOT EXISTS (SELECT 1 FROM judgements WHERE undoes = word.id) "
        "ORDER BY id DESC LIMIT 1",
        (rater, kind, sha256, word),
    ).fetchone()
    value = before[0] if before else None
    added = _insert(connection, (kind, rater, _now(), sha256, path, value, run, word))
    return _judgement(connection.execute(f"{_SELECT} WHERE id = ?", (added,)).fetchone())


def _judgement(row: tuple[Any, ...]) -> Judgement:
    number, kind, rater, at, sha256, path, value, run = row
    image = Image(sha256, unpack(path))
    if kind == JudgementKind.REJECT and value is not None:
        value = bool(value)
    elif isinstance(value, bytes):
        value = unpack(value)
    _check_texts(rater=rater, sha256=sha256)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"judgement {number} has a value that is not a finite number")
    return Judgement(number, JudgementKind(kind), rater, datetime.fromisoformat(at), image, value, run)


def _duel(row: tuple[Any, ...]) -> Duel:
    number, series, rater, at, left_sha256, left_path, right_sha256, right_path, outcome, run = row
    _check_texts(series=series, rater=rater, left_sha256=left_sha256, right_sha256=right_sha256)
    left, right = Image(left_sha256, unpack(left_path)), Image(right_sha256, unpack(right_path))
    return Duel(number, series, rater, datetime.fromisoformat(at), left, right, DuelOutcome(outcome), run)


def _check_texts(**fields: Any) -> None:
    for name, value in fields.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} is not a text")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
