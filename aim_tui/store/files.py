"""Content hashes of files that have not changed since: a stat takes 0.03 ms, reading much longer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

from aim_tui.store.database import Database, select_in
from aim_tui.store.packing import pack

# A file that was written so shortly before it was hashed may change again without a new time of modification. FAT
# counts in steps of two seconds.
_TOO_FRESH_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Stat:
    """What identifies a file as the one that was hashed; taken before the file is read."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str) -> Stat | None:
        """The current state of the file, or None if it cannot be seen."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        return cls(path, status.st_size, status.st_mtime_ns)


class FileHashes:
    """The SHA-256 of files by path, size and time of modification."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, stats: Iterable[Stat]) -> dict[str, str]:
        """The content hashes by path, of the files that have not changed since they were hashed."""
        wanted: dict[str | bytes, Stat] = {}
        given: dict[str | bytes, list[str]] = {}
        for stat in stats:
            place = pack(_absolute(stat.path))
            wanted[place] = stat
            given.setdefault(place, []).append(stat.path)
        statement = "SELECT path, size, mtime_ns, sha256 FROM files WHERE path IN"
        with self._database.reading() as connection:
            rows = select_in(connection, statement, (), wanted)
            return {
                name: sha256
                for path, size, mtime_ns, sha256 in rows
                if (wanted[path].size, wanted[path].mtime_ns) == (size, mtime_ns)
                for name in given[path]
            }

    def remember(self, hashes: Iterable[tuple[Stat, str]]) -> None:
        """Store the content hashes of files, each with its Stat from before it was read.

        Files written within the last two seconds are not stored: they could change again and look the same.
        """
        now = time.time_ns()
        rows = [
            (pack(_absolute(stat.path)), stat.size, stat.mtime_ns, sha256, now // 1_000_000_000)
            for stat, sha256 in hashes
            if stat.mtime_ns < now - _TOO_FRESH_NS
        ]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO files (path, size, mtime_ns, sha256, seen) VALUES (?, ?, ?, ?, ?)", rows
            )


def _absolute(path: str) -> str:
    """The absolute path: the same relative path is another file in another working folder."""
    if os.path.isabs(path):
        return path
    # A `..` after a link does not undo the part before it.
    return os.path.join(os.getcwd(), path) if ".." in path else os.path.abspath(path)
