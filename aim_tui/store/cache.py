"""The feature cache: what models have computed already, so that nothing is computed twice.

A value belongs to a `Space`, everything that it depends on besides the image, and to the SHA-256 of the image's file: a
renamed, moved or copied file keeps its values, a changed one has none.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from aim_tui.store.database import Database, select_in
from aim_tui.store.errors import StoreError
from aim_tui.store.packing import pack, to_json, unpack

Vectors = npt.NDArray[np.float32] | npt.NDArray[np.float16]


# Use is recorded to the hour: a hit costs a write at most that often.
_HOUR = 3600
# What a key and its indexes take on disk, measured over 100,000 entries.
_ENTRY_BYTES = 220
_TYPES = frozenset({"float32", "float16"})
# If at least every third is wanted, all are read.
_DENSE = 3


class FeatureKind(StrEnum):
    """What a space holds."""

    EMBEDDING = "embedding"
    CAPTION = "caption"
    LPIPS = "lpips"
    FACTS = "facts"


@dataclass(frozen=True, slots=True)
class Space:
    """Everything that a value depends on besides the image's content.

    `recipe` is JSON with sorted keys. The constructors name what belongs in it; `reading` and `preprocessing` describe
    how, such as "exif=rotate background=white" and the image processor's backend.
    """

    kind: FeatureKind
    fingerprint: str
    recipe: str

    @classmethod
    def embedding(cls, fingerprint: str, *, preprocessing: str, dtype: str, reading: str) -> Space:
        """Image embeddings of a model; `dtype` is the one it computes in."""
        recipe = {"preprocessing": preprocessing, "dtype": dtype, "reading": reading}
        return cls(FeatureKind.EMBEDDING, fingerprint, to_json(recipe))

    @classmethod
    def caption(cls, fingerprint: str, *, preprocessing: str, dtype: str, reading: str, decoding: str) -> Space:
        """Captions; `decoding` is how they are generated, such as "greedy max_new_tokens=30"."""
        recipe = {"preprocessing": preprocessing, "dtype": dtype, "reading": reading, "decoding": decoding}
        return cls(FeatureKind.CAPTION, fingerprint, to_json(recipe))

    @classmethod
    def lpips(cls, fingerprint: str, *, reference_sha256: str, policy: str, dtype: str, reading: str) -> Space:
        """Distances to one reference; `policy` is how the two images are resized to one size."""
        recipe = {"reference": reference_sha256, "policy": policy, "dtype": dtype, "reading": reading}
        return cls(FeatureKind.LPIPS, fingerprint, to_json(recipe))

    @classmethod
    def facts(cls, *, reading: str) -> Space:
        """The facts of the image files (ImageFacts as JSON)."""
        return cls(FeatureKind.FACTS, "", to_json({"reading": reading}))


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one kind is cached for one model."""

    kind: FeatureKind
    fingerprint: str
    model: str
    """The model's id, where it is known."""
    count: int
    bytes: int


class FeatureCache:
    """Bulk reads and writes of cached values, by space and content hash (64 hex digits).

    Thousands of keys at once are the normal case. Results have no entry for what is not cached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def values(self, space: Space, sha256s: Iterable[str]) -> dict[str, Any]:
        """Cached numbers (LPIPS) or texts (captions, facts) by content hash."""
        with self._database.reading() as connection:
            number = _space_id(connection, space)
            if number is None:
                return {}
            rows = list(_entries_of(connection, number, set(sha256s), "sha256, id, used, value"))
        self._touch(_stale(rows))
        return {sha256: unpack(value) if isinstance(value, bytes) else value for sha256, _, _, value in rows}

    def put_values(self, space: Space, values: Mapping[str, float | str]) -> None:
        """Keep numbers or texts by content hash."""
        with self._database.writing() as connection:
            number, now = _make_space(connection, space), _this_hour()
            connection.executemany(
                "INSERT OR REPLACE INTO entries (space, sha256, value, bytes, used) VALUES (?, ?, ?, ?, ?)",
                (
                    (number, sha256, pack(value) if isinstance(value, str) else value, _ENTRY_BYTES + _size(value), now)
                    for sha256, value in values.items()
                ),
            )

    def vectors(self, space: Space, sha256s: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Vectors]:
        """Which of the given images are cached, and the vectors of those that are: (n,) bool, and (hits, dim).

        The vectors come in the order of `sha256s`, a repeated one once for each of its places, in the type they
        were put in: 100,000 of 512 float32 in about half a second.
        """
        with self._database.reading() as connection:
            number = _space_id(connection, space)
            if number is None:
                return np.zeros(len(sha256s), dtype=bool), np.empty((0, 0), dtype=np.float32)
            rows = sorted(_entries_of(connection, number, set(sha256s), "sha256, id, used"), key=itemgetter(1))
            stacked = _stack(connection, number, [entry for _, entry, _ in rows])
        self._touch(_stale(rows))
        places = {sha256: place for place, (sha256, _, _) in enumerate(rows)}
        order = np.fromiter((places.get(sha256, -1) for sha256 in sha256s), dtype=np.int64, count=len(sha256s))
        found = order >= 0
        order = order[found]
        in_place = len(order) == len(stacked) and bool((order == np.arange(len(order))).all())
        return found, stacked if in_place else stacked[order]

    def put_vectors(self, space: Space, sha256s: Sequence[str], vectors: Vectors) -> None:
        """Keep one row of `vectors`, float32 or float16 (n, dim), for each content hash.

        A space holds vectors of one type and length; others put into it are a ValueError.
        """
        if vectors.ndim != 2 or len(vectors) != len(sha256s) or str(vectors.dtype) not in _TYPES:
            raise ValueError(f"{vectors.dtype} {vectors.shape} for {len(sha256s)} images")
        shape = f"{vectors.dtype} {vectors.shape[1]}"
        with self._database.writing() as connection:
            number, now = _make_space(connection, space), _this_hour()
            if _shape(connection, number) not in ("", shape):
                raise ValueError(f"{shape} among vectors of {_shape(connection, number)}")
            connection.execute("UPDATE spaces SET shape = ? WHERE id = ?", (shape, number))
            for sha256, vector in zip(sha256s, np.ascontiguousarray(vectors), strict=True):
                # Replacing an entry removes its old vector with it.
                entry = connection.execute(
                    "INSERT OR REPLACE INTO entries (space, sha256, bytes, used) VALUES (?, ?, ?, ?)",
                    (number, sha256, _ENTRY_BYTES + vector.nbytes, now),
                ).lastrowid
                connection.execute("INSERT INTO vectors (entry, vector) VALUES (?, ?)", (entry, vector.tobytes()))

    def name_model(self, fingerprint: str, role: str, model: str, revision: str) -> None:
        """Record the model of a fingerprint, for `info`."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO fingerprints (fingerprint, role, model, revision, first_used) "
                "VALUES (?, ?, ?, ?, ?)",
                (fingerprint, role, pack(model), revision, now),
            )

    def info(self) -> list[Usage]:
        """Counts and bytes by kind and model, the largest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT kind, spaces.fingerprint, coalesce(model, ''), count(*), sum(bytes) AS total "
                "FROM entries JOIN spaces ON spaces.id = space "
                "LEFT JOIN fingerprints ON fingerprints.fingerprint = spaces.fingerprint "
                "GROUP BY kind, spaces.fingerprint ORDER BY total DESC"
            ).fetchall()
        return [Usage(FeatureKind(kind), key, unpack(model), count, total) for kind, key, model, count, total in rows]

    def prune(self, max_bytes: int) -> int:
        """Remove the least recently used entries until at most `max_bytes` are left; returns the bytes removed.

        Runs, ratings and file hashes stay. The file shrinks by what was removed.
        """
        with self._database.writing() as connection:
            before = _total(connection)
            connection.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM "
                "(SELECT id, sum(bytes) OVER (ORDER BY used DESC, id DESC) AS kept FROM entries) WHERE kept > ?)",
                (max_bytes,),
            )
            connection.execute("DELETE FROM spaces WHERE id NOT IN (SELECT DISTINCT space FROM entries)")
            removed = before - _total(connection)
        self._database.shrink()
        return removed

    def _touch(self, entries: Collection[int]) -> None:
        """Record that entries were used; a failure is ignored, because it only affects the order of the next prune."""
        if entries and not self._database.read_only:
            now = _this_hour()
            with suppress(StoreError), self._database.writing() as connection:
                connection.executemany("UPDATE entries SET used = ? WHERE id = ?", ((now, entry) for entry in entries))


def _entries_of(
    connection: sqlite3.Connection, space: int, wanted: set[str], columns: str
) -> Iterator[tuple[Any, ...]]:
    """These columns, the content hash first, of the wanted entries of a space."""
    statement = f"SELECT {columns} FROM entries WHERE space = ?"
    (count,) = connection.execute("SELECT count(*) FROM entries WHERE space = ?", (space,)).fetchone()
    if count <= _DENSE * len(wanted):
        # Reading an index from end to end is five times as fast as looking up all that is in it.
        return (row for row in connection.execute(statement, (space,)) if row[0] in wanted)
    return select_in(connection, f"{statement} AND sha256 IN", (space,), wanted)


def _stale(rows: Iterable[Sequence[Any]]) -> list[int]:
    """The numbers (second column) of the entries whose use (third) was not recorded in this hour."""
    hour = _this_hour()
    return [row[1] for row in rows if row[2] < hour]


def _stack(connection: sqlite3.Connection, space: int, entries: list[int]) -> Vectors:
    """The vectors of entries in ascending order, copied once, from the row into the array."""
    if not entries:
        return np.empty((0, 0), dtype=np.float32)
    dtype, _, dim = _shape(connection, space).partition(" ")
    stacked: npt.NDArray[Any] = np.empty((len(entries), int(dim)), dtype=dtype)
    memory, width = stacked.data.cast("B"), stacked.strides[0]
    for start, (_, vector) in zip(range(0, len(memory), width), _vectors_of(connection, entries), strict=True):
        memory[start : start + width] = vector
    return stacked


def _vectors_of(connection: sqlite3.Connection, entries: list[int]) -> Iterator[tuple[int, bytes]]:
    statement = "SELECT entry, vector FROM vectors WHERE"
    first, last = entries[0], entries[-1]
    if last - first < _DENSE * len(entries):
        # Most of what lies between is wanted, and reading on is faster than looking up.
        wanted = set(entries)
        rows = connection.execute(f"{statement} entry BETWEEN ? AND ? ORDER BY entry", (first, last))
        return (row for row in rows if row[0] in wanted)
    return select_in(connection, f"{statement} entry IN", (), entries)


def _shape(connection: sqlite3.Connection, space: int) -> str:
    """The type and length of a space's vectors; empty while it has none."""
    return str(connection.execute("SELECT shape FROM spaces WHERE id = ?", (space,)).fetchone()[0])


def _this_hour() -> int:
    return int(time.time()) // _HOUR * _HOUR


def _size(value: float | str) -> int:
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else 8


def _total(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM entries").fetchone()[0])


def _space_id(connection: sqlite3.Connection, space: Space) -> int | None:
    row = connection.execute(
        "SELECT id FROM spaces WHERE kind = ? AND fingerprint = ? AND recipe = ?",
        (str(space.kind), space.fingerprint, space.recipe),
    ).fetchone()
    return None if row is None else int(row[0])


def _make_space(connection: sqlite3.Connection, space: Space) -> int:
    connection.execute(
        "INSERT OR IGNORE INTO spaces (kind, fingerprint, recipe) VALUES (?, ?, ?)",
        (str(space.kind), space.fingerprint, space.recipe),
    )
    number = _space_id(connection, space)
    assert number is not None
    return number


def image_embeddings(
    database: Database, fingerprint: str, reading: str, sha256s: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Vectors]:
    """Which of the images have an embedding of this model, and the embeddings: (n,) bool, and (hits, dim).

    All are from one space, the one that holds most of them: embeddings that were computed in different ways (on another
    device, in another dtype) are never mixed. `reading` is how the images were read, as the worker names it.
    """
    cache = FeatureCache(database)
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT recipe FROM spaces WHERE kind = ? AND fingerprint = ?", (str(FeatureKind.EMBEDDING), fingerprint)
        ).fetchall()
    recipes = [recipe for (recipe,) in rows if json.loads(recipe).get("reading") == reading]
    found = [cache.vectors(Space(FeatureKind.EMBEDDING, fingerprint, recipe), sha256s) for recipe in recipes]
    nothing = cache.vectors(Space(FeatureKind.EMBEDDING, fingerprint, ""), sha256s)
    return max(found, key=lambda pair: len(pair[1]), default=nothing)
