"""Small files in the state folder: what the UI remembers between starts.

None of it is essential: an unreadable file is moved aside and reported once, and the program starts without it.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from aim_tui.core.text import printable

State = TypeVar("State", bound=msgspec.Struct)

#: Far more than this program writes.
_LARGEST = 4 * 2**20


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, private to the user."""
    if not os.path.exists(folder.parent):
        make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


class StateFile(Generic[State]):
    """A file that holds one value of a msgspec type."""

    def __init__(self, path: Path, kind: type[State]) -> None:
        self.path = path
        self._kind = kind

    def read(self) -> tuple[State, str]:
        """The value of the file, or the type's defaults; and what was wrong with the file, or ''."""
        try:
            with self.path.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
        except FileNotFoundError:
            return self._kind(), ""
        except OSError as error:
            problem = f"{self._shown} cannot be read ({error.strerror}); nothing is remembered from the last start"
            return self._kind(), problem
        try:
            if len(data) > _LARGEST:
                raise ValueError("far too large")
            return msgspec.convert(json.loads(data), self._kind), ""
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            return self._kind(), self._move_aside(error)

    def write(self, state: State) -> None:
        """Replace the value atomically; raises OSError."""
        # The standard library's JSON, because unlike msgspec's it supports paths with undecodable bytes.
        data = json.dumps(msgspec.to_builtins(state), ensure_ascii=True, indent=1).encode("ascii")
        make_private(self.path.parent)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")  # private to the user
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @property
    def _shown(self) -> str:
        return printable(str(self.path))

    def _move_aside(self, error: Exception) -> str:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        reason = printable(str(error)) or type(error).__name__
        try:
            self.path.replace(aside)
        except OSError as failed:
            return f"{self._shown} is damaged ({reason}) and cannot be moved ({failed.strerror}); it is not used"
        return f"{self._shown} is damaged ({reason}); it was renamed to {printable(aside.name)}, starting with defaults"
