"""Carry out a plan file by file: never overwrite a file, never delete one without a complete copy of it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from aim_tui.file_operations.journal import Journal, MovedFile, temporary_prefix
from aim_tui.file_operations.plan import Action, RefusedFile, TransferPlan, TransferStep
from aim_tui.inputs.file_identity import FileIdentity

#: Called with the number of finished files and the path of the current one.
Progress = Callable[[int, str], None]
Cancelled = Callable[[], bool]

_CHUNK = 1 << 20
# Errors that every further file would hit as well.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
# Errors of file systems without hard links, or that forbid links to other users' files.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL})


@dataclass(slots=True)
class TransferOutcome:
    """The result of a copy, move or undo."""

    action: Action
    folder: str
    carried: list[MovedFile] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    cancelled: bool = False
    made_folder: bool = False
    unrecorded: str = ""
    """Why no journal was written: the transfer cannot be mended after a kill, nor undone after a restart."""


class _Stopped(Exception):  # control flow, not an error
    """The user cancelled in the middle of a file."""


def carry_out(
    plan: TransferPlan, progress: Progress, cancelled: Cancelled, journal: Path | None = None
) -> TransferOutcome:
    """Copy or move the files of a plan; a file that fails is listed with the reason, and the others go on.

    Cancelling takes effect after the current file, or in the middle of a large copy. Runs in a thread. `journal` is the
    path at which each step is noted, for `recover` and `undo`.
    """
    outcome = TransferOutcome(plan.action, plan.folder, refused=list(plan.refused))
    if plan.makes_folder and plan.steps:
        try:
            os.mkdir(plan.folder)
            outcome.made_folder = True
        except FileExistsError:
            pass
        except OSError as error:
            outcome.refused += [
                RefusedFile(step.source, f"the folder cannot be created: {_why(error)}") for step in plan.steps
            ]
            return outcome
    carry = _move if plan.action is Action.MOVE else _copy
    with closing(Journal(journal)) as notes:
        notes.write("transfer", plan.action, plan.folder, outcome.made_folder, os.getpid())
        _each(plan.steps, lambda step: carry(step, cancelled), outcome, progress, cancelled, notes)
    outcome.unrecorded = notes.problem
    _sync_folder(plan.folder)
    return outcome


def undo(
    before: TransferOutcome, progress: Progress, cancelled: Cancelled, journal: Path | None = None
) -> TransferOutcome:
    """Undo a copy or move, the last file first: moved files return, copies are deleted.

    A file that has changed since is refused. So is a copy whose original is gone or has changed: it may be the only
    one left. The carried files of the result lead from their old path to their current one.
    """
    outcome = TransferOutcome(before.action, before.folder)
    carried = {TransferStep(file.target, file.source): file for file in reversed(before.carried)}

    def undo_one(step: TransferStep) -> MovedFile:
        file = carried[step]
        if _identity(step.source) != file.identity:
            raise OSError("has changed since" if os.path.lexists(step.source) else "no longer exists")
        if before.action is Action.MOVE:
            return _move(step, cancelled)
        if FileIdentity.of(file.source) != file.original:
            raise OSError("its original has changed or is gone; the copy is kept")
        os.unlink(step.source)
        return MovedFile(step.source, step.target, file.identity)

    with closing(Journal(journal)) as notes:
        notes.write("undo")
        _each(carried, undo_one, outcome, progress, cancelled, notes)
    outcome.unrecorded = notes.problem
    if before.made_folder and not outcome.refused and not outcome.cancelled:
        with contextlib.suppress(OSError):  # it contains other files by now
            os.rmdir(before.folder)
    return outcome


def _each(
    steps: Iterable[TransferStep],
    carry: Callable[[TransferStep], MovedFile],
    outcome: TransferOutcome,
    progress: Progress,
    cancelled: Cancelled,
    journal: Journal,
) -> None:
    fatal = ""
    for number, step in enumerate(steps):
        if cancelled():
            outcome.cancelled = True
            return
        if fatal:
            outcome.refused.append(RefusedFile(step.source, fatal))
            continue
        progress(number, step.source)
        journal.begin(step)
        try:
            file = carry(step)
        except _Stopped:
            journal.write("failed")
            outcome.cancelled = True
            return
        except (OSError, ValueError) as error:
            journal.write("failed")
            outcome.refused.append(RefusedFile(step.source, _why(error)))
            if getattr(error, "errno", None) in _FATAL:
                fatal = _why(error)
        else:
            journal.done(file)
            outcome.carried.append(file)


def _move(step: TransferStep, cancelled: Cancelled) -> MovedFile:
    if not stat.S_ISREG(os.lstat(step.source).st_mode):
        raise OSError("is no longer a file")
    try:
        _rename_exclusively(step.source, step.target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copied = _copy(step, cancelled)
        if FileIdentity.of(step.source) != copied.original:
            _drop(step.target)
            raise OSError("changed while it was moved; it was not moved") from None
        _sync_folder(os.path.dirname(step.target))
        try:
            os.unlink(step.source)
        except OSError as failure:
            _drop(step.target)
            raise OSError(failure.errno, f"cannot be removed from its folder: {_why(failure)}") from None
    return MovedFile(step.source, step.target, FileIdentity.of_link(step.target))


def _copy(step: TransferStep, cancelled: Cancelled) -> MovedFile:
    """Copy a file to disk and verify it; on any failure nothing is left behind."""
    # Non-blocking: opening a named pipe in the file's place would block forever.
    with open(os.open(step.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
        before = os.fstat(source.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise OSError("is no longer a file")
        folder = os.path.dirname(step.target)
        handle, temporary = tempfile.mkstemp(prefix=temporary_prefix(os.getpid()), suffix=".part", dir=folder)
        try:
            with open(handle, "w+b") as copy:
                digest = hashlib.sha256()
                while chunk := source.read(_CHUNK):
                    if cancelled():
                        raise _Stopped
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
                # Drop the page cache, so that verification reads from the disk as far as possible.
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                copy.seek(0)
                if hashlib.file_digest(copy, "sha256").digest() != digest.digest():
                    raise OSError("the copy differs from the original and was deleted")
            after = os.fstat(source.fileno())
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise OSError("changed while it was copied")
            with contextlib.suppress(OSError):  # a file system without times or permissions
                shutil.copystat(step.source, temporary)
            _rename_exclusively(temporary, step.target)
        finally:
            _drop(temporary)
    return MovedFile(step.source, step.target, FileIdentity.of_link(step.target), FileIdentity.from_stat(after))


def _rename_exclusively(source: str, target: str) -> None:
    """Rename a file within its file system, atomically; FileExistsError if the target exists."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # An empty file reserves the name, so only this placeholder is replaced.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            os.replace(source, target)
        except OSError:
            _drop(target)
            raise
        return
    try:
        os.unlink(source)
    except OSError as error:
        _drop(target)
        raise OSError(error.errno, f"cannot be removed from its folder: {_why(error)}") from None


def _identity(path: str) -> FileIdentity | None:
    try:
        return FileIdentity.of_link(path)
    except OSError:
        return None


def _drop(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _sync_folder(folder: str) -> None:
    """Flush the directory entries to disk."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _why(error: Exception) -> str:
    if isinstance(error, FileExistsError):
        return "a file of that name exists"
    if isinstance(error, PermissionError):
        return error.strerror if error.strerror and "cannot be" in error.strerror else "no permission"
    return getattr(error, "strerror", None) or str(error)
