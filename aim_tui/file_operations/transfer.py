"""Doing what a plan says, file by file: never over another file, and never without a whole copy of each."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.file_operations.plan import Action, RefusedFile, TransferPlan, TransferStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    #: Called with the number of files that are through, and the one that is on.
    Progress = Callable[[int, str], None]
    Cancelled = Callable[[], bool]

_CHUNK = 1 << 20
# The next file would meet them too.
_HOPELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
# What a file system without hard links, or one that guards other people's files, answers to a link.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What changes when a file does: content, permissions or place. The last is set by the system alone."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, path: str) -> FileIdentity:
        """The file at a path as it is now; a link is itself, not what it points to."""
        return cls.told_by(os.lstat(path))  # noqa: PTH116  # text, any bytes

    @classmethod
    def told_by(cls, status: os.stat_result) -> FileIdentity:
        """The file that a status is of."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class MovedFile:
    """One file that is where it was to go, as it was then."""

    source: str
    target: str
    identity: FileIdentity
    original: FileIdentity | None = None
    """Of a copy: the file that it was made of."""


@dataclass(slots=True)
class TransferOutcome:
    """What came of a copy or move."""

    action: Action
    folder: str
    carried: list[MovedFile] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    cancelled: bool = False
    made_folder: bool = False


class _Stopped(Exception):  # noqa: N818  # a way out, not an error
    """The user wants no more of it."""


def carry_out(plan: TransferPlan, progress: Progress, cancelled: Cancelled) -> TransferOutcome:
    """Copy or move the files of a plan; what fails is listed with its reason, and the others go on.

    It ends after the file that is on, and in the middle of a large copy, when `cancelled` says so. Runs in a thread.
    """
    outcome = TransferOutcome(plan.action, plan.folder, refused=list(plan.refused))
    if plan.makes_folder and plan.steps:
        try:
            os.mkdir(plan.folder)  # noqa: PTH102  # text, any bytes
            outcome.made_folder = True
        except FileExistsError:
            pass
        except OSError as error:
            outcome.refused += [
                RefusedFile(step.source, f"the folder cannot be made: {_why(error)}") for step in plan.steps
            ]
            return outcome
    carry = _move if plan.action is Action.MOVE else _copy
    _each(plan.steps, lambda step: carry(step, cancelled), outcome, progress, cancelled)
    _sync_folder(plan.folder)
    return outcome


def undo(before: TransferOutcome, progress: Progress, cancelled: Cancelled) -> TransferOutcome:
    """Take back a copy or move, the last file first: moved files return, copies are removed.

    A file that is no longer as it was left is refused, and so is a copy whose original is gone or has changed: it may
    be all that is left. The outcome's carried files lead from where they were to where they are now.
    """
    back = TransferOutcome(before.action, before.folder)
    carried = {TransferStep(one.target, one.source): one for one in reversed(before.carried)}

    def one(step: TransferStep) -> MovedFile:
        done = carried[step]
        if _identity(step.source) != done.identity:
            raise OSError("has changed since" if os.path.lexists(step.source) else "is not there any more")
        if before.action is Action.MOVE:
            return _move(step, cancelled)
        if _content(done.source) != done.original:
            raise OSError("its original has changed or is gone; the copy stays")
        os.unlink(step.source)  # noqa: PTH108  # text, any bytes
        return MovedFile(step.source, step.target, done.identity)

    _each(carried, one, back, progress, cancelled)
    if before.made_folder and not back.refused and not back.cancelled:
        with contextlib.suppress(OSError):  # something else lies in it by now
            os.rmdir(before.folder)  # noqa: PTH106  # text, any bytes
    return back


def _each(
    steps: Iterable[TransferStep],
    carry: Callable[[TransferStep], MovedFile],
    outcome: TransferOutcome,
    progress: Progress,
    cancelled: Cancelled,
) -> None:
    hopeless = ""
    for number, step in enumerate(steps):
        if cancelled():
            outcome.cancelled = True
            return
        if hopeless:
            outcome.refused.append(RefusedFile(step.source, hopeless))
            continue
        progress(number, step.source)
        try:
            outcome.carried.append(carry(step))
        except _Stopped:
            outcome.cancelled = True
            return
        except (OSError, ValueError) as error:
            outcome.refused.append(RefusedFile(step.source, _why(error)))
            if getattr(error, "errno", None) in _HOPELESS:
                hopeless = _why(error)


def _move(step: TransferStep, cancelled: Cancelled) -> MovedFile:
    if not stat.S_ISREG(os.lstat(step.source).st_mode):  # noqa: PTH116  # text, any bytes
        raise OSError("is not a file any more")
    try:
        _take_place(step.source, step.target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copied = _copy(step, cancelled)
        if _content(step.source) != copied.original:
            _drop(step.target)
            raise OSError("changed while it was moved; it stays where it is") from None
        _sync_folder(os.path.dirname(step.target))  # noqa: PTH120  # text, any bytes
        try:
            os.unlink(step.source)  # noqa: PTH108  # text, any bytes
        except OSError as kept:
            _drop(step.target)
            raise OSError(kept.errno, f"cannot be taken from its folder: {_why(kept)}") from None
    return MovedFile(step.source, step.target, FileIdentity.of(step.target))


def _copy(step: TransferStep, cancelled: Cancelled) -> MovedFile:
    """A whole copy, on the disk and read again, or none."""
    # Without waiting: a pipe in the file's place would never answer.
    with open(os.open(step.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:  # noqa: PTH123
        before = os.fstat(source.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise OSError("is not a file any more")
        handle, aside = tempfile.mkstemp(prefix=".aim-tui-", suffix=".part", dir=os.path.dirname(step.target))  # noqa: PTH120
        try:
            with open(handle, "w+b") as copy:  # noqa: PTH123  # the handle is already open
                digest = hashlib.sha256()
                while chunk := source.read(_CHUNK):
                    if cancelled():
                        raise _Stopped
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
                # From the disk, as far as the system can be asked to forget what it was just given.
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                copy.seek(0)
                if hashlib.file_digest(copy, "sha256").digest() != digest.digest():
                    raise OSError("the copy reads otherwise than the original; it was removed")
            after = os.fstat(source.fileno())
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise OSError("changed while it was copied")
            with contextlib.suppress(OSError):  # a file system that knows no times or permissions
                shutil.copystat(step.source, aside)
            _take_place(aside, step.target)
        finally:
            _drop(aside)
    return MovedFile(step.source, step.target, FileIdentity.of(step.target), FileIdentity.told_by(after))


def _take_place(source: str, target: str) -> None:
    """Give a file another path of the same file system; FileExistsError where a file bears it, whoever was quicker."""
    try:
        os.link(source, target, follow_symlinks=False)  # noqa: PTH200  # text, any bytes
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # An empty file holds the name, so that what is replaced is nobody's.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            os.replace(source, target)  # noqa: PTH105  # text, any bytes
        except OSError:
            _drop(target)
            raise
        return
    try:
        os.unlink(source)  # noqa: PTH108  # text, any bytes
    except OSError as error:
        _drop(target)
        raise OSError(error.errno, f"cannot be taken from its folder: {_why(error)}") from None


def _identity(path: str) -> FileIdentity | None:
    try:
        return FileIdentity.of(path)
    except OSError:
        return None


def _content(path: str) -> FileIdentity | None:
    """The file that a path, or the link there, leads to."""
    try:
        return FileIdentity.told_by(os.stat(path))  # noqa: PTH116  # text, any bytes
    except OSError:
        return None


def _drop(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108  # text, any bytes


def _sync_folder(folder: str) -> None:
    """The names are on the disk too."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _why(error: Exception) -> str:
    if isinstance(error, FileExistsError):
        return "a file of that name is there already"
    if isinstance(error, PermissionError):
        return error.strerror if error.strerror and "cannot be" in error.strerror else "no permission"
    return getattr(error, "strerror", None) or str(error)
