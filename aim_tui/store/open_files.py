"""Which stores this process has open, so that nobody looks into one of them by hand.

POSIX forgets all locks that a process has on a file when it closes any handle of its own to it. Another program then
takes itself for the last one, and removes the log under our hands (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path

OPENING = threading.Lock()
"""Held from the look at a file until it is noted, so that no connection is made in between."""

# By device and inode: a file may have several names, and a name may come to stand for another file.
_counts: Counter[tuple[int, int]] = Counter()
# An owner may be collected while a count is being changed: then `_forget` comes in between, in the same thread.
_lock = threading.RLock()


def has(path: Path) -> bool:
    """Whether this very file is open here already, and so was found to be a sound store."""
    try:
        key = _key(path)
    except OSError:
        return False
    with _lock:
        return _counts[key] > 0


def note(owner: object, path: Path) -> Callable[[], object]:
    """Note that `owner` has the file open, until the result is called or the owner is gone."""
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
