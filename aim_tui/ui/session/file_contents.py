"""What files hold now, as SHA-256: read again only where they have changed. Reads files, so use it in threads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.errors import AimError, UsageError
from aim_tui.inputs.file_identity import FileIdentity, content_hash

# The content of a file that could not be read.
_UNREAD = ""


class FileContents:
    """Hashes by path, each good while the file's identity is the same."""

    def __init__(self) -> None:
        self._hashes: dict[str, tuple[FileIdentity, str]] = {}

    def of(self, path: str) -> str:
        """The SHA-256 of a file as it is now; UsageError where it cannot be read."""
        identity = FileIdentity.of(path)
        if known := self._known(path, identity):
            return known
        try:
            sha256 = content_hash(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"the image cannot be read: {printable(str(reason))}", "look where the file is") from None
        self.learn(path, identity, sha256)
        return sha256

    def learn(self, path: str, identity: FileIdentity | None, sha256: str | None) -> None:
        """A file held this when it was last seen like this; None where it could not be read."""
        if identity is not None and (sha256 or not self._known(path, identity)):
            self._hashes[path] = identity, sha256 or _UNREAD

    def move(self, before: str, after: str) -> None:
        """A file lies elsewhere now."""
        if (known := self._hashes.get(before)) is not None:
            self.learn(after, FileIdentity.of(after), known[1])

    def replaced(self, row: Row) -> bool:
        """Whether a file of a row holds something else than when the row was scored; one that is gone does not.

        A file that could not be read counts as replaced once it is another one.
        """
        for path, content in row.contents.items():
            identity = FileIdentity.of(path)
            if identity is None or (content is None and row.error is None):
                continue
            known = self._hashes.get(path)
            if known is not None and known[0] == identity and (content is None or known[1] == content):
                continue
            if content is None:
                return True
            with suppress(AimError):
                if self.of(path) != content:
                    return True
        return False

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

    def _known(self, path: str, identity: FileIdentity | None) -> str:
        known = self._hashes.get(path)
        return known[1] if known is not None and known[0] == identity else _UNREAD
