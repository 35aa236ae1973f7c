"""The prompts that images of a folder have of their own, in a file that only grows: a change is one more line.

Each line is an entry by the image's path, or names where prompts are taken from; later lines count. A last line that
was cut off, or one that is damaged, is passed over and said.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.settings.state_file import make_private

#: Origins of prompts that no file brought.
EDITED = "edited here"
GIVEN_UP = "given up here"


@dataclass(frozen=True, slots=True)
class ItemPrompt:
    """What an image is compared with in the place of everybody's prompt, and where that is from.

    Without a prompt it is everybody's, and `origin` says why.
    """

    prompt: str
    origin: str


@dataclass(slots=True)
class ItemPrompts:
    """The entries of a folder by path; `source` is where images that have none yet bring theirs from."""

    source: str
    entries: dict[str, ItemPrompt]


class PromptFile:
    """One folder's file. All of it is for a thread; OSError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[ItemPrompts, str]:
        """What the file holds, and what was wrong with it or an empty text."""
        prompts, damaged = ItemPrompts("", {}), 0
        try:
            with self._path.open("rb") as stream:
                for line in stream:
                    damaged += not _take(line, prompts)
        except FileNotFoundError:
            pass
        lines = "a line" if damaged == 1 else f"{damaged} lines"
        return prompts, f"{lines} of {printable(str(self._path))} cannot be read" if damaged else ""

    def add(self, source: str, entries: Mapping[str, ItemPrompt]) -> None:
        """Put these behind what is there; they are on disk when this returns."""
        make_private(self._path.parent)
        with open(self._path, "ab", opener=_private) as stream:
            # Whatever a crash has cut off ends here.
            stream.write((b"\n" if stream.tell() else b"") + _lines(source, entries))
            stream.flush()
            os.fsync(stream.fileno())

    def replace(self, prompts: ItemPrompts) -> None:
        """Put these in the place of what is there, whole or not at all."""
        make_private(self._path.parent)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(_lines(prompts.source, prompts.entries))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lines(source: str, entries: Mapping[str, ItemPrompt]) -> bytes:
    # The standard library's JSON carries paths with undecodable bytes.
    lines: list[object] = [{"source": source}]
    lines += [{"path": path, "prompt": entry.prompt, "origin": entry.origin} for path, entry in entries.items()]
    return "".join(f"{json.dumps(each)}\n" for each in lines).encode("ascii")


def _take(line: bytes, into: ItemPrompts) -> bool:
    """Take a line in; False where it makes no sense."""
    if not line.strip():
        return True
    try:
        match json.loads(line):
            case {"source": str(source)}:
                into.source = source
            case {"path": str(path), "prompt": str(prompt), "origin": str(origin)}:
                into.entries[path] = ItemPrompt(prompt, origin)
            case _:
                return False
    except (ValueError, RecursionError):
        return False
    return True
