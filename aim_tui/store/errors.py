"""What can go wrong with the store, in words that name the file and the way out."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.errors import AimError


class StoreError(AimError):
    """The store cannot be opened, read or written; its file is as it was before."""


class StoreBusyError(StoreError):
    """Another program held the store for longer than the timeout; trying again later may succeed."""


class UnknownRunError(StoreError):
    """There is no such run in the store."""


# The low byte of an SQLite error code is its kind; the rest says more than a user needs.
_KIND = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection stood in the way, so that trying again makes sense."""
    return _kind(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(error: sqlite3.Error, path: Path, timeout: float) -> StoreError:
    """The error as a user can act on it."""
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
                "make room, or name a store on another disk with --store",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(f"{store} cannot be written: it is read-only", READ_ONLY_HINT)
        case sqlite3.SQLITE_NOTADB:
            return not_a_database(path)
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, error)
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"{store} cannot be opened: {error}", "look at the permissions of the file and of its folder"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"{store} cannot be read or written: {error}; what was stored before is safe",
                "look whether its disk is full, over quota or failing, or name another store with --store",
            )
        case _ if "decode" in str(error):  # Python's own complaint about a text
            return damaged(path, error)
        case _:
            return StoreError(f"{store}: {error}")


READ_ONLY_HINT = "make the file and its folder writable, or name another store with --store"
DAMAGED_HINT = (
    "move it aside together with its -wal and -shm files and start a new one; a backup beside it, if there is one, "
    "ends in .bak"
)


def not_a_database(path: Path) -> StoreError:
    """The file is something else altogether."""
    return StoreError(
        f"{printable(str(path))} is not a database, so it cannot be the store; it was left as it is",
        "name another file with --store",
    )


def damaged(path: Path, why: object) -> StoreError:
    """The file is a store, and some of it is not what was written."""
    return StoreError(f"the store {printable(str(path))} is damaged: {printable(str(why))}", DAMAGED_HINT)


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Stored rows that cannot be what this program wrote are damage, and said to be."""
    try:
        yield
    except (ValueError, TypeError, LookupError) as error:
        raise damaged(path, f"{type(error).__name__} {error}") from error


def _kind(error: sqlite3.Error) -> int:
    # Errors that Python's own module raises, such as the use of a closed connection, carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    return code & _KIND if isinstance(code, int) else sqlite3.SQLITE_ERROR
