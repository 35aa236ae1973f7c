"""Notes on each file before and after it is copied or moved, so that what a killed program left behind is mended.

A journal is a file of JSON lines in the state folder: `["transfer", action, folder, made_folder, pid]`, then for each
file `["begin", source, target]` and `["done", source, target, identity, original]` or `["failed"]`; `["undo"]` before
the same of the way back, and `["end"]` after the last file. It stays until the next transfer, for an undo after a
restart.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from aim_tui.file_operations.plan import Action, TransferStep
from aim_tui.inputs.file_identity import FileIdentity

_PATTERN = "transfer-*.jsonl"


@dataclass(frozen=True, slots=True)
class MovedFile:
    """A file that was copied or moved, and its identity right after that."""

    source: str
    target: str
    identity: FileIdentity
    original: FileIdentity | None = None
    """Of a copy: the identity of its original."""


class Journal:
    """Writes one journal; where there is no state folder it writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            # Whoever finds it locked knows that its transfer still runs.
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, *record: Any) -> None:
        """Add a record; on disk for whoever reads it next, though not for a power cut."""
        if self._file is not None:
            os.write(self._file, json.dumps(record).encode("ascii") + b"\n")

    def begin(self, step: TransferStep) -> None:
        """A file is about to be touched."""
        self.write("begin", step.source, step.target)

    def done(self, file: MovedFile) -> None:
        """It is where it belongs."""
        original = astuple(file.original) if file.original is not None else None
        self.write("done", file.source, file.target, astuple(file.identity), original)

    def close(self) -> None:
        """The transfer has ended."""
        if self._file is not None:
            self.write("end")
            os.close(self._file)
            self._file = None


@dataclass(slots=True)
class Interrupted:
    """What the journal of a transfer says, after what it left half done was mended."""

    path: Path
    action: Action
    folder: str
    made_folder: bool
    carried: dict[str, MovedFile] = field(default_factory=dict)
    """By target."""
    ended: bool = False
    undoing: bool = False
    mended: str = ""
    """The file that was in both places."""

    def __str__(self) -> str:
        """What happened and where the files are now, in words."""
        verb = "copy" if self.action is Action.COPY else "move"
        what = f"undoing a {verb} from" if self.undoing else f"a {verb} to"
        count = len(self.carried)
        there = f"{count} image{'' if count == 1 else 's'} {'is' if count == 1 else 'are'} there"
        mended = f", {os.path.basename(self.mended)} was in both places and no longer is" if self.mended else ""
        return f"{what} {self.folder} was cut off when the program was killed: {there}{mended}"


def new_journal(folder: Path) -> Path:
    """The path of a journal for a transfer that begins; journals of transfers that ended are deleted."""
    for path in folder.glob(_PATTERN):
        if (left := _read(path)) is None or left.ended:
            path.unlink(missing_ok=True)
    number = next(number for number in range(10**6) if not (folder / f"transfer-{os.getpid()}-{number}.jsonl").exists())
    return folder / f"transfer-{os.getpid()}-{number}.jsonl"


def recover(folder: Path) -> tuple[Interrupted | None, list[Interrupted]]:
    """The newest transfer that can be undone, and those that were cut off, each mended; runs in a thread.

    A file that was begun and not finished is finished where it is in both places, and stays where it is only in one.
    """
    cut_off = []
    newest: tuple[float, Interrupted] | None = None
    for path in folder.glob(_PATTERN):
        with contextlib.suppress(OSError), _unlocked(path) as free:
            if not free or (left := _read(path, mend=True)) is None:
                continue
            if not left.ended:
                cut_off.append(left)
            if left.carried and (newest is None or path.stat().st_mtime > newest[0]):
                newest = path.stat().st_mtime, left
    return (newest[1] if newest else None), cut_off


@contextlib.contextmanager
def _unlocked(path: Path) -> Iterator[bool]:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            fcntl.flock(handle, fcntl.LOCK_UN)
            yield True
    finally:
        os.close(handle)


def _read(path: Path, *, mend: bool = False) -> Interrupted | None:
    """What a journal says; None where it is no journal of ours."""
    try:
        # The last line of a killed program may be cut.
        records = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        first, action, folder, made_folder, pid = records[0]
        if first != "transfer":
            return None
        left = Interrupted(path, Action(action), str(folder), bool(made_folder))
        begun: TransferStep | None = None
        for kind, *values in records[1:]:
            if kind == "undo":
                left.undoing, left.ended = True, False
            elif kind == "begin":
                begun = TransferStep(*map(str, values))
            elif kind == "done":
                source, target, identity, original = values
                _note(left, MovedFile(source, target, FileIdentity(*identity), original and FileIdentity(*original)))
                begun = None
            elif kind == "failed":
                begun = None
            elif kind == "end":
                left.ended = True
        if mend and not left.ended:
            with contextlib.closing(Journal(path)) as journal:
                if begun is not None:
                    _mend(left, begun, int(pid), journal)
    except (OSError, ValueError, TypeError, IndexError, RecursionError):
        return None
    return left


def _note(left: Interrupted, file: MovedFile) -> None:
    if left.undoing:
        left.carried.pop(file.source, None)
    else:
        left.carried[file.target] = file


def _mend(left: Interrupted, step: TransferStep, pid: int, journal: Journal) -> None:
    folder = os.path.dirname(step.target)
    for name in os.listdir(folder):
        if name.startswith(temporary_prefix(pid)):
            os.unlink(os.path.join(folder, name))
    source, target = _status(step.source), _status(step.target)
    if left.action is Action.COPY and left.undoing:
        if source is None:
            left.carried.pop(step.source, None)
        return
    if target is None:
        return
    if source is not None:
        if not target.st_size and source.st_size:  # a name that was reserved
            os.unlink(step.target)
            return
        same = (source.st_dev, source.st_ino) == (target.st_dev, target.st_ino)
        if not same and _digest(step.source) != _digest(step.target):
            return
        if left.action is Action.MOVE:
            os.unlink(step.source)
            left.mended = step.source
    original = FileIdentity.from_stat(source) if source is not None else None
    file = MovedFile(step.source, step.target, FileIdentity.of_link(step.target), original)
    _note(left, file)
    journal.done(file)


def temporary_prefix(pid: int) -> str:
    """How the name of an unfinished copy begins."""
    return f".aim-tui-{pid}-"


def _status(path: str) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.lstat(path)
    return None


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
