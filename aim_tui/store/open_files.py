"""The stores that this process has open, whose files it must not open itself.

POSIX drops all locks of a process on a file when the process closes any of its handles to the file. Another program
then believes to be the last user and removes the log (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path

OPENING = threading.Lock()
"""Held from the check of a file until it is noted, so that no connection is made in between."""

# By device and inode: a file may have several names, and a name may later belong to another file.
_counts: Counter[tuple[int, int]] = Counter()
# An owner may be garbage-collected while a count is being changed: `_forget` then runs in between, in the same thread.
_lock = threading.RLock()


def has(path: Path) -> bool:
    """Whether this file is open here already, and so was checked before."""
    try:
        key = _key(path)
    except OSError:
        return False
    with _lock:
        return _counts[key] > 0


def note(owner: object, path: Path) -> Callable[[], object]:
    """Note that `owner` has the file open, until the returned function is called or the owner is gone."""
    key = _key(path)
    with _lock:
        _counts[key] += 1
    return weakref.finalize(owner, _forget, key)


def _forget(key: tuple[int, int]) -> None:
    with _lock:
        _counts[key] -= 1


def _key(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
