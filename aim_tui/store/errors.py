"""Errors of the store, with messages that name the file and what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.errors import AimError


class StoreError(AimError):
    """The store cannot be opened, read or written; its file is unchanged."""


class StoreBusyError(StoreError):
    """Another program locked the store for longer than the timeout; trying again later may succeed."""


class UnknownRunError(StoreError):
    """There is no such run in the store."""


# The low byte of an SQLite error code is its kind; the rest is detail.
_KIND = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock, so that trying again makes sense."""
    return _kind(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(error: sqlite3.Error, path: Path, timeout: float) -> StoreError:
    """The error that a user can act on."""
    store = f"the store {printable(str(path))}"
    match _kind(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusyError(
                f"{store} has been locked by another program for {timeout:g} s",
                "close that program or wait for it, and try again",
            )
        case sqlite3.SQLITE_FULL:
            return StoreError(
                f"{store} cannot be written: the disk is full; what was stored before is safe",
                "free up space, or name a store on another disk with --store",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(f"{store} cannot be written: it is read-only", READ_ONLY_HINT)
        case sqlite3.SQLITE_NOTADB:
            return not_a_database(path)
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, error)
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"{store} cannot be opened: {error}", "check the permissions of the file and of its folder"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"{store} cannot be read or written: {error}; what was stored before is safe",
                "check whether its disk is full, over quota or failing, or name another store with --store",
            )
        case _ if "decode" in str(error):  # Python's own error about a text
            return damaged(path, error)
        case _:
            return StoreError(f"{store}: {error}")


READ_ONLY_HINT = "make the file and its folder writable, or name another store with --store"
DAMAGED_HINT = (
    "move it aside together with its -wal and -shm files and start a new one; a backup beside it, if there is one, "
    "ends in .bak"
)


def not_a_database(path: Path) -> StoreError:
    """The error of a file that is not a database."""
    return StoreError(
        f"{printable(str(path))} is not a database, so it cannot be the store; it was left as it is",
        "name another file with --store",
    )


def damaged(path: Path, why: object) -> StoreError:
    """The error of a store with damaged content."""
    return StoreError(f"the store {printable(str(path))} is damaged: {printable(str(why))}", DAMAGED_HINT)


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Report stored rows that this program cannot have written as damage."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise damaged(path, f"{type(error).__name__} {error}") from error


def _kind(error: sqlite3.Error) -> int:
    # Errors that Python's own module raises, such as the use of a closed connection, have no code.
    code = getattr(error, "sqlite_errorcode", None)
    return code & _KIND if isinstance(code, int) else sqlite3.SQLITE_ERROR
