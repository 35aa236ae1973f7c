"""Records of each file before and after it is copied or moved, so that what a killed program left behind is mended.

A journal is a file of JSON lines in the state folder: `["transfer", action, folder, made_folder, pid]`, then for each
file `["begin", source, target]` and `["done", source, target, identity, original]` or `["failed"]`; `["undo"]` before
the same of the way back, and `["end"]` after the last file. It stays until the next transfer, for an undo after a
restart.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from aim_tui.core.text import printable
from aim_tui.file_operations.plan import Action, TransferStep
from aim_tui.inputs.file_identity import FileIdentity, content_hash

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
    """Writes one journal, or nothing where there is no state folder. A failure to write is kept in `problem`."""

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        self.problem = ""
        """Why nothing more is written: without a journal a transfer is carried out all the same."""
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self.problem = error.strerror or str(error)
            return
        # The lock shows other programs that the transfer is still running.
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, *record: Any) -> None:
        """Add a record. It survives the end of this process, but not a power cut."""
        if self._file is None:
            return
        try:
            os.write(self._file, json.dumps(record).encode("ascii") + b"\n")
        except OSError as error:
            self.problem = error.strerror or str(error)
            os.close(self._file)
            self._file = None

    def begin(self, step: TransferStep) -> None:
        """Record that a file is about to be copied or moved."""
        self.write("begin", step.source, step.target)

    def done(self, file: MovedFile) -> None:
        """Record that it is where it belongs."""
        original = astuple(file.original) if file.original is not None else None
        self.write("done", file.source, file.target, astuple(file.identity), original)

    def close(self) -> None:
        """Record that the transfer has ended."""
        self.write("end")
        if self._file is not None:
            os.close(self._file)
            self._file = None


@dataclass(slots=True)
class RecordedTransfer:
    """A transfer as its journal describes it."""

    path: Path
    action: Action
    folder: str
    made_folder: bool
    pid: int
    carried: dict[str, MovedFile] = field(default_factory=dict)
    """By target."""
    begun: TransferStep | None = None
    """The file that was being copied or moved when the program was killed."""
    ended: bool = False
    undoing: bool = False
    mended: str = ""
    """The file that was in both places and no longer is."""
    problem: str = ""
    """Why `begun` could not be mended."""

    def __str__(self) -> str:
        """What happened and where the files are now, in words."""
        verb = "copy" if self.action is Action.COPY else "move"
        what = f"undoing a {verb} from" if self.undoing else f"a {verb} to"
        count = len(self.carried)
        text = f"{what} {self.folder} was cut off when the program was killed: {count} image{'' if count == 1 else 's'}"
        text += f" {'is' if count == 1 else 'are'} there"
        if self.mended:
            text += f", {os.path.basename(self.mended)} was in both places and no longer is"
        if self.problem and self.begun is not None:
            text += f"; {os.path.basename(self.begun.source)} may be in both places: {self.problem}"
        return printable(text)

    def note(self, file: MovedFile) -> None:
        """Take a file that was carried, or returned, into account."""
        if self.undoing:
            self.carried.pop(file.source, None)
        else:
            self.carried[file.target] = file


def new_journal(folder: Path) -> Path:
    """The path of a journal for a transfer that begins; journals of transfers that ended are deleted."""
    for path in folder.glob(_PATTERN):
        if (recorded := _read(path)) is None or recorded.ended:
            with contextlib.suppress(OSError):  # it is deleted another time
                path.unlink()
    number = next(
        number for number in itertools.count() if not (folder / f"transfer-{os.getpid()}-{number}.jsonl").exists()
    )
    return folder / f"transfer-{os.getpid()}-{number}.jsonl"


def recover(folder: Path) -> tuple[RecordedTransfer | None, list[RecordedTransfer]]:
    """The newest transfer that can be undone, and those that were cut off, each mended; runs in a thread.

    A file that was begun and not finished is finished where it is in both places, and stays where it is only in one.
    """
    cut_off = []
    newest: tuple[float, RecordedTransfer] | None = None
    for path in folder.glob(_PATTERN):
        if _locked(path) or (recorded := _read(path)) is None:
            continue
        modified = path.stat().st_mtime
        if not recorded.ended:
            cut_off.append(recorded)
            with contextlib.closing(Journal(path)) as journal:
                try:
                    _mend(recorded, journal)
                except OSError as error:
                    recorded.problem = error.strerror or str(error)
        if recorded.carried and (newest is None or modified > newest[0]):
            newest = modified, recorded
    return (newest[1] if newest else None), cut_off


def _locked(path: Path) -> bool:
    """Whether the transfer is still running in another program."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _read(path: Path) -> RecordedTransfer | None:
    """The transfer that a journal describes; None if the file is not one of our journals."""
    try:
        # The last line of a killed program may be cut.
        records = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        first, action, folder, made_folder, pid = records[0]
        if first != "transfer":
            return None
        recorded = RecordedTransfer(path, Action(action), str(folder), bool(made_folder), int(pid))
        for kind, *values in records[1:]:
            if kind == "undo":
                recorded.undoing, recorded.ended = True, False
            elif kind == "begin":
                recorded.begun = TransferStep(*map(str, values))
            elif kind == "done":
                source, target, identity, original = values
                recorded.note(MovedFile(source, target, FileIdentity(*identity), original and FileIdentity(*original)))
                recorded.begun = None
            elif kind == "failed":
                recorded.begun = None
            elif kind == "end":
                recorded.ended = True
    except (OSError, ValueError, TypeError, IndexError, RecursionError):
        return None
    return recorded


def _mend(recorded: RecordedTransfer, journal: Journal) -> None:
    """Finish the file that was begun if it is in both places; OSError if that is not possible."""
    if (step := recorded.begun) is None:
        return
    folder = os.path.dirname(step.target)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(temporary_prefix(recorded.pid)):
            os.unlink(os.path.join(folder, name))
    source, target = _status(step.source), _status(step.target)
    if recorded.action is Action.COPY and recorded.undoing:
        if source is None:
            recorded.carried.pop(step.source, None)
        return
    if target is None:
        return
    if source is not None:
        if not target.st_size and source.st_size:  # a name that was reserved
            os.unlink(step.target)
            return
        same = (source.st_dev, source.st_ino) == (target.st_dev, target.st_ino)
        if not same and content_hash(step.source) != content_hash(step.target):
            return
        if recorded.action is Action.MOVE:
            os.unlink(step.source)
            recorded.mended = step.source
    original = FileIdentity.from_stat(source) if source is not None else None
    file = MovedFile(step.source, step.target, FileIdentity.from_stat(os.lstat(step.target)), original)
    recorded.note(file)
    journal.done(file)


def temporary_prefix(pid: int) -> str:
    """How the name of an unfinished copy begins."""
    return f".aim-tui-{pid}-"


def _status(path: str) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.lstat(path)
    return None
