"""Content hashes of files that have not changed since: a stat takes 0.03 ms, reading much longer."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from aim_tui.inputs.file_identity import FileIdentity, content_hash
from aim_tui.store.database import Database, select_in
from aim_tui.store.packing import pack

# A file that was written so shortly before it was hashed may change again within one tick of its clock, and then looks
# unchanged. The kernel's own clock ticks in hundredths of a second; FAT counts in steps of two seconds.
_TICK_NS = 20_000_000
_COARSE_TICK_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
# Reading so many is a matter of seconds.
_MOST_READ = 500
# SQLite's integers are signed.
_INODE_BITS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Stat:
    """What identifies a file as the one that was hashed; taken before the file is read."""

    path: str
    identity: FileIdentity
    settled: bool = field(default=True, compare=False)
    """Whether a later change cannot look like this."""

    @classmethod
    def of(cls, path: str) -> Stat | None:
        """The current state of the file, or None if it cannot be seen."""
        identity = FileIdentity.of(path)
        if identity is None:
            return None
        now = time.time_ns()
        settled = all(
            at < now - (_TICK_NS if at % _SECOND_NS else _COARSE_TICK_NS)
            for at in (identity.mtime_ns, identity.ctime_ns)
        )
        return cls(path, identity, settled)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.identity.size


@dataclass(frozen=True, slots=True)
class PresentFile:
    """A file as it is now, with its content where it was hashed as it is."""

    identity: FileIdentity
    sha256: str | None

    def holds(self, content: str | None, since_ns: int) -> bool:
        """Whether it still holds this content of a time in ns; both contents may be unknown.

        The time of the last change of an inode, which then decides, cannot be set back, and moving another file to the
        path sets it.
        """
        if self.sha256 is not None and content is not None:
            return self.sha256 == content
        return self.identity.ctime_ns <= since_ns


class FileHashes:
    """The SHA-256 of files by path and identity."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, stats: Iterable[Stat]) -> dict[str, str]:
        """The content hashes by path, of the files that have not changed since they were hashed."""
        wanted: dict[str | bytes, FileIdentity] = {}
        given: dict[str | bytes, list[str]] = {}
        for stat in stats:
            place = pack(_absolute(stat.path))
            wanted[place] = stat.identity
            given.setdefault(place, []).append(stat.path)
        statement = "SELECT path, inode, size, mtime_ns, ctime_ns, sha256 FROM files WHERE path IN"
        with self._database.reading() as connection:
            rows = select_in(connection, statement, (), wanted)
            return {
                name: sha256
                for path, *identity, sha256 in rows
                if list(_columns(wanted[path])) == identity
                for name in given[path]
            }

    def remember(self, hashes: Iterable[tuple[Stat, str]]) -> None:
        """Store the content hashes of files, each with its Stat from before it was read.

        Files written just before that are not stored: they could change again and look the same.
        """
        now = time.time_ns() // _SECOND_NS
        rows = [
            (pack(_absolute(stat.path)), *_columns(stat.identity), sha256, now)
            for stat, sha256 in hashes
            if stat.settled
        ]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO files (path, inode, size, mtime_ns, ctime_ns, sha256, seen) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def present(self, paths: Iterable[str], since_ns: int) -> dict[str, PresentFile | None]:
        """These files as they are now; None stands for one that is gone.

        Where few have changed in any way since a time in ns, those are read: a new owner or name is no new content.
        """
        stats = {path: Stat.of(path) for path in paths}
        known = self.known(stat for stat in stats.values() if stat is not None)
        touched = [
            path
            for path, stat in stats.items()
            if stat is not None and path not in known and stat.identity.ctime_ns > since_ns
        ]
        for path in touched if len(touched) <= _MOST_READ else ():
            with contextlib.suppress(OSError, ValueError):
                known[path] = content_hash(path)
        return {
            path: PresentFile(stat.identity, known.get(path)) if stat is not None else None
            for path, stat in stats.items()
        }


def _columns(identity: FileIdentity) -> tuple[int, int, int, int]:
    return (identity.inode & _INODE_BITS, identity.size, identity.mtime_ns, identity.ctime_ns)


def _absolute(path: str) -> str:
    """The absolute path: the same relative path is another file in another working folder."""
    if os.path.isabs(path):
        return path
    # A `..` after a link does not undo the part before it.
    return os.path.join(os.getcwd(), path) if ".." in path else os.path.abspath(path)
