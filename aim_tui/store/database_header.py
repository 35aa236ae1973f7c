"""Check a store's file before SQLite opens it, so that a file of another program is not changed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.store.errors import DAMAGED_HINT, READ_ONLY_HINT, StoreError, damaged, not_a_database

APPLICATION_ID = 0x41494D54
"""'AIMT' in the header of every store, where SQLite has a number for the owner of a file."""

# https://sqlite.org/fileformat2.html: the header's fields are big-endian.
_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_SMALLEST_PAGE = 512
_WAL_HEADER = 32
_WAL_FRAME_HEADER = 24
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an SQLite file, its first hundred bytes."""

    page_size: int
    pages: int
    version: int
    application_id: int

    @classmethod
    def parse(cls, raw: bytes) -> Header | None:
        """The header, or None if the bytes are not an SQLite header."""
        if len(raw) < _HEADER or not raw.startswith(_MAGIC):
            return None
        page_size = int.from_bytes(raw[16:18], "big")
        return cls(
            page_size=65536 if page_size == 1 else page_size,
            pages=int.from_bytes(raw[28:32], "big"),
            version=int.from_bytes(raw[60:64], "big"),
            application_id=int.from_bytes(raw[68:72], "big"),
        )


def inspect(path: Path, looks: int = 3) -> Header | None:
    """The header of the store at `path`, or None if there is no file.

    Raises StoreError for a file that is not a store of this program, or is truncated. A store's first pages are written
    before its write-ahead log exists, so the owner is known without the log.
    """
    log = log_size(path)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise StoreError(f"{printable(str(path))} is not a regular file, so it cannot be the store")
        with path.open("rb") as file:
            raw = file.read(_HEADER)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"the store {printable(str(path))} cannot be read: {error.strerror or error}",
            "check the permissions of the file and of its folder",
        ) from None
    log = max(log, log_size(path))
    header = Header.parse(raw)
    if header is None:
        # A store gets its first page before its name: an empty file was truncated, or is not a store.
        raise _truncated(path) if not raw or raw.startswith(_MAGIC) else not_a_database(path)
    if header.application_id != APPLICATION_ID:
        raise StoreError(
            f"{printable(str(path))} is the database of another program, not a store of aim-tui; it was left as it is",
            "name another file with --store",
        )
    if header.page_size < _SMALLEST_PAGE:
        raise damaged(path, f"its pages cannot have {header.page_size} bytes")
    # Between two checkpoints the log may have pages that the header counts already.
    frames = max(0, log - _WAL_HEADER) // (header.page_size + _WAL_FRAME_HEADER)
    if size // header.page_size + frames < header.pages and not os.path.exists(f"{path}-journal"):
        if looks == 1:
            raise _truncated(path)
        # Another program may be writing the first pages now; partly written ones have a journal.
        time.sleep(_PAUSE)
        return inspect(path, looks - 1)
    return header


def check_writable(path: Path) -> None:
    """StoreError if the file or its folder (for the write-ahead log) cannot be written."""
    for place in (path.parent, path):
        if os.path.exists(place) and not os.access(place, os.W_OK):
            what = "folder" if place is path.parent else "store"
            raise StoreError(f"the {what} {printable(str(place))} is read-only", READ_ONLY_HINT)


def newer(path: Path, version: int, known: int) -> StoreError:
    """The error of a store that a later version of this program has written."""
    return StoreError(
        f"the store {printable(str(path))} has version {version}; this aim-tui knows versions up to {known}; "
        "it was left as it is",
        "update aim-tui, or name another store with --store",
    )


def log_size(path: Path) -> int:
    """The bytes of the write-ahead log beside the file."""
    try:
        return Path(f"{path}-wal").stat().st_size
    except OSError:
        return 0


def _truncated(path: Path) -> StoreError:
    return StoreError(f"the store {printable(str(path))} is truncated: its end is missing", DAMAGED_HINT)
