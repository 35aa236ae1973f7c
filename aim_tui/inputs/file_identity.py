"""Whether a file is still the one that was read, without reading it again."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What changes when a file's content, permissions or path do; programs cannot set the ctime."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, path: str) -> FileIdentity | None:
        """The identity of the file that a path leads to, as it is now; None where none can be seen."""
        try:
            return cls.from_stat(os.stat(path))
        except (OSError, ValueError):
            return None

    @classmethod
    def of_link(cls, path: str) -> FileIdentity:
        """The identity of what stands at a path; of a link, that of the link itself. OSError where nothing does."""
        return cls.from_stat(os.lstat(path))

    @classmethod
    def from_stat(cls, status: os.stat_result) -> FileIdentity:
        """The identity of the file with this status."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def content_hash(path: str) -> str:
    """The SHA-256 of a regular file; OSError or ValueError where it cannot be read."""
    # A pipe would be waited for, and /dev/zero read, for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("it is no regular file")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
