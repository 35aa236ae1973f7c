"""The store's file: checked when it is opened, migrated with a backup, written in short transactions.

Every thread gets its own connection, so a `Database` can be shared between threads. Several programs can have one store
open: readers never wait, and writers wait for each other up to the timeout.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aim_tui.core.text import printable
from aim_tui.store import migrations, open_files
from aim_tui.store.database_header import APPLICATION_ID, check_writable, inspect, log_size, newer
from aim_tui.store.errors import StoreError, damaged, explain, is_busy
from aim_tui.store.locations import default_store, make_private, put_in_place
from aim_tui.store.migrations import Migration

TIMEOUT = 10.0
"""Seconds that a writer waits for others."""

# Two-kilobyte vectors fill pages of 8 KB to three quarters; of 4 KB to half.
_PAGE_SIZE = 8192
_BUSY_PAUSE = 0.005


class _Connection(sqlite3.Connection):
    """Can be weakly referenced, so that a connection is closed with its thread."""


class Database:
    """One store. Use `open`; `reading` and `writing` give this thread's connection."""

    def __init__(self, path: Path, *, read_only: bool, immutable: bool, timeout: float) -> None:
        self.path = path
        self.read_only = read_only
        self._immutable = immutable
        self._timeout = timeout
        self._local = threading.local()
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._connections_lock = threading.Lock()
        self._closed = False
        self._noted: Callable[[], object] | None = None

    @classmethod
    def open(
        cls,
        path: Path | None = None,
        *,
        read_only: bool = False,
        timeout: float = TIMEOUT,
        steps: Sequence[Migration] | None = None,
    ) -> Database:
        """Open the store at `path` (by default the user's own); it is created or migrated if necessary.

        `read_only` opens a store that cannot be written, and never creates or migrates one. Raises StoreError, without
        a change to the file, for a store that is locked, read-only, truncated, of a newer version or of another
        program, and for a file that is not a database.
        """
        steps = migrations.released() if steps is None else steps
        path = (path or default_store()).absolute()
        with open_files.OPENING:
            opened = cls._open(path, read_only, timeout, steps)
            opened._noted = open_files.note(opened, path)
        return opened

    @classmethod
    def _open(cls, path: Path, read_only: bool, timeout: float, steps: Sequence[Migration]) -> Database:
        if open_files.has(path):
            exists, version = True, None
        else:
            header = inspect(path)
            exists, version = header is not None, header.version if header else None
        if read_only:
            if not exists:
                raise StoreError(f"no store at {printable(str(path))}")
            # Without a log a store can be read where nothing can be written beside it, not even locks.
            immutable = log_size(path) == 0 and not os.access(path.parent, os.W_OK)
            database = cls(path, read_only=True, immutable=immutable, timeout=timeout)
            try:
                database._check_version(steps)
            except BaseException:
                database.close()
                raise
            return database
        if not exists:
            cls._make(path, steps, timeout)
            # Another program may have created it first.
            header = inspect(path)
            version = header.version if header else None
        check_writable(path)
        database = cls(path, read_only=False, immutable=False, timeout=timeout)
        database._prepare(steps, version)
        return database

    @classmethod
    def _make(cls, path: Path, steps: Sequence[Migration], timeout: float) -> None:
        """Create a new store under another name and rename it, so that no other program sees half of one."""
        aside = path.with_name(f".{path.name}.{os.getpid()}-{time.time_ns()}.new")
        make_private(aside)
        try:
            cls(aside, read_only=False, immutable=False, timeout=timeout)._prepare(steps, 0)
            put_in_place(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def connection(self) -> sqlite3.Connection:
        """The connection of this thread, in autocommit mode."""
        if self._closed:
            raise StoreError(f"the store {printable(str(self.path))} is closed")
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect("ro" if self.read_only else "rw")
            with self._connections_lock:
                self._connections.add(connection)
        return connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view of the store, whatever others write meanwhile; StoreError if reading fails."""
        connection = self.connection()
        with self._explained(), _transaction(connection, "BEGIN"):
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, or rolled back on an exception.

        Keep it short: no other program can write meanwhile. Raises StoreBusyError if another one did not finish within
        the timeout, and StoreError if writing fails.
        """
        connection = self.connection()
        with self._explained(), _transaction(connection, "BEGIN IMMEDIATE", self._timeout):
            yield connection

    def backup(self, target: Path) -> None:
        """Copy the store to a new file that only the user can read; StoreError if the file exists."""
        make_private(target)
        try:
            with self._explained(), contextlib.closing(sqlite3.connect(target)) as copy:
                with contextlib.closing(self._connect("ro")) as source:
                    source.backup(copy)
                # One plain file without a log beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
        except BaseException:
            target.unlink()
            raise

    def shrink(self) -> None:
        """Free the disk space of deleted entries."""
        connection = self.connection()
        with self._explained():
            # `execute` would stop after the first page: the statement has rows but no columns.
            connection.executescript("PRAGMA incremental_vacuum")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def release(self) -> None:
        """Close this thread's connection; otherwise the garbage collector does after the thread has ended."""
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            with self._connections_lock:
                self._connections.discard(connection)
            connection.close()

    def close(self) -> None:
        """Close the connections of all threads; the store cannot be used any more."""
        self._closed = True
        with self._connections_lock:
            for connection in list(self._connections):
                connection.close()
            self._connections.clear()
        if self._noted is not None:
            self._noted()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, mode: str) -> _Connection:
        # Percent-encoded, since a file name may have bytes that are not UTF-8, and special characters of URIs.
        uri = f"file:{quote(os.fsencode(self.path))}?mode={mode}"
        if self._immutable:
            uri += "&immutable=1"
        with self._explained():
            connection = sqlite3.connect(
                uri,
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                # Only `close` uses a connection from another thread than its own.
                check_same_thread=False,
                factory=_Connection,
            )
            try:
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA temp_store = MEMORY")
            except BaseException:
                connection.close()
                raise
        return connection

    def _check_version(self, steps: Sequence[Migration]) -> None:
        with self.reading() as connection:
            version = _version(connection)
        known = _last(steps)
        if version > known:
            raise newer(self.path, version, known)
        if version < known:
            raise StoreError(
                f"the store {printable(str(self.path))} has version {version} and cannot be migrated to {known} "
                "because it is opened read-only",
                "open it once where it can be written",
            )

    def _prepare(self, steps: Sequence[Migration], version: int | None) -> None:
        known = _last(steps)
        if version is None or log_size(self.path):
            # The log may have a later version than the header. A reader changes neither; the last writer to close would
            # merge them.
            with self._explained(), contextlib.closing(self._connect("ro")) as reader:
                version = _version(reader)
        if version > known:
            raise newer(self.path, version, known)
        try:
            with self._explained(), contextlib.closing(self._connect("rw")) as connection:
                if version < known:
                    self._migrate(connection, steps, version)
                # Kept in the file. Some network disks do not support it, where the store is only slower.
                _insist(connection, "PRAGMA journal_mode = WAL", self._timeout)
        except BaseException:
            self.close()
            raise

    def _migrate(self, connection: sqlite3.Connection, steps: Sequence[Migration], version: int) -> None:
        # Tables may be rebuilt under others that refer to them; `apply` checks at the end.
        connection.execute("PRAGMA foreign_keys = OFF")
        if version == 0:
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        backup: Path | None = None
        try:
            # Another program may have migrated it since: only under the lock is the version certain.
            with _transaction(connection, "BEGIN IMMEDIATE", self._timeout):
                version = _version(connection)
                if version > _last(steps):
                    raise newer(self.path, version, _last(steps))
                left = [step for step in steps if step.number > version]
                if version and left:
                    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
                    backup = self.path.with_name(f"{self.path.name}.v{version}-{stamp}.bak")
                    self.backup(backup)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                migrations.apply(connection, left)
        except sqlite3.Error as error:
            if backup is None or is_busy(error):
                raise
            reason = explain(error, self.path, self._timeout).message
            text = f"{reason}; it was not migrated to version {_last(steps)}"
            raise StoreError(text, f"a backup is {printable(str(backup))}") from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path, self._timeout) from error
        except UnicodeDecodeError as error:  # in SQLite's message about a table whose name is not UTF-8
            raise damaged(self.path, error) from error


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str, timeout: float = 0.0) -> Iterator[None]:
    _insist(connection, begin, timeout)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk ends the transaction by itself.
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _insist(connection: sqlite3.Connection, statement: str, timeout: float) -> None:
    """Execute, and retry while it is busy: SQLite itself does not wait where a deadlock is possible."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_BUSY_PAUSE)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _last(steps: Sequence[Migration]) -> int:
    return steps[-1].number if steps else 0


# SQLite takes 32,766 parameters; more than this in one statement gains nothing.
_KEYS_AT_ONCE = 10_000


def select_in(
    connection: sqlite3.Connection, statement: str, parameters: tuple[Any, ...], keys: Collection[Any]
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement that ends in 'IN', for up to hundreds of thousands of keys."""
    remaining = list(keys)
    for start in range(0, len(remaining), _KEYS_AT_ONCE):
        chunk = remaining[start : start + _KEYS_AT_ONCE]
        yield from connection.execute(f"{statement} ({','.join('?' * len(chunk))})", (*parameters, *chunk))
