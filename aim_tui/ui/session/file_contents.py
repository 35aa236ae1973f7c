"""What files hold now, as SHA-256: read again only where they have changed. Reads files, so use it in threads."""

from __future__ import annotations

import hashlib
import stat as modes
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.errors import AimError, UsageError

_Stamp = tuple[int, int]


class FileContents:
    """Hashes by path, each good while the file's time and length are the same."""

    def __init__(self) -> None:
        self._hashes: dict[str, tuple[_Stamp, str]] = {}

    def of(self, path: str) -> str:
        """The SHA-256 of a file as it is now; UsageError where it cannot be read."""
        try:
            stat = Path(path).stat()
            stamp = stat.st_mtime_ns, stat.st_size
            known = self._hashes.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            if not modes.S_ISREG(stat.st_mode):
                # A pipe would be waited for, and /dev/zero read, for ever.
                raise ValueError("it is no regular file")
            with open(path, "rb") as file:  # as text: any bytes
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"the image cannot be read: {printable(str(reason))}", "look where the file is") from None
        self._hashes[path] = stamp, sha256
        return sha256

    def known(self, row: Row) -> str | None:
        """What it is where the row was read; None before that."""
        return row.facts.sha256 if row.facts is not None else None

    def place(self, path: str) -> str:
        """Where it lies, as the store records it."""
        return path

    def of_all(self, paths: Iterable[str]) -> dict[str, str]:
        """The same of many, by path; what cannot be read is left out: its row says why."""
        hashes = {}
        for path in paths:
            with suppress(AimError):
                hashes[path] = self.of(path)
        return hashes
