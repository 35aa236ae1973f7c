"""Small files in the state folder: what the screen remembers from one start to the next.

Nothing in them is needed. A file that cannot be read is put aside and said once; the program starts without it.
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

#: Far above anything written here; a file of that size is not ours.
_LARGEST = 4 * 2**20


def make_private(folder: Path) -> None:
    """Make a folder, and those above that are missing too, for the user alone."""
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


class StateFile(Generic[State]):
    """One value of one kind in one file."""

    def __init__(self, path: Path, kind: type[State]) -> None:
        self.path = path
        self._kind = kind

    def read(self) -> tuple[State, str]:
        """What the file holds, or the kind's defaults; and what was wrong with it, or an empty text."""
        try:
            with self.path.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
        except FileNotFoundError:
            return self._kind(), ""
        except OSError as error:
            return self._kind(), f"{self._shown} cannot be read ({error.strerror}); nothing is remembered from before"
        try:
            if len(data) > _LARGEST:
                raise ValueError("far too large")
            return msgspec.convert(json.loads(data), self._kind), ""
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            return self._kind(), self._put_aside(error)

    def write(self, state: State) -> None:
        """Put a value in place of the former one, whole or not at all; OSError where it cannot be written."""
        # The standard library's JSON: unlike msgspec's it carries paths with undecodable bytes.
        data = json.dumps(msgspec.to_builtins(state), ensure_ascii=True, indent=1).encode("ascii")
        make_private(self.path.parent)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")  # for the user alone
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - the handle is already open
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

    def _put_aside(self, error: Exception) -> str:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        reason = printable(str(error)) or type(error).__name__
        try:
            self.path.replace(aside)
        except OSError as failed:
            return f"{self._shown} is damaged ({reason}) and cannot be moved ({failed.strerror}); it is not used"
        return f"{self._shown} is damaged ({reason}); it is kept as {printable(aside.name)}, and a new one is begun"
