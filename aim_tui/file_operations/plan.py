"""What a copy or move is going to do, told before anything is touched: which file goes where, what stands in the way.

Paths are text with surrogate escapes, names are data: nothing here goes through a shell, and a target is always the
folder that was asked for and the last part of the source's path.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet


class Action(StrEnum):
    """What is done with the files."""

    COPY = "copy"
    MOVE = "move"


class TransferStep(NamedTuple):
    """One file and the path it gets."""

    source: str
    target: str


class RefusedFile(NamedTuple):
    """A file that was left as it is, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """A copy or move as it would be done now."""

    action: Action
    folder: str
    steps: tuple[TransferStep, ...]
    """Files whose name is free in the folder."""
    taken: tuple[TransferStep, ...]
    """Files whose name another file bears there, or an earlier step will have taken."""
    refused: tuple[RefusedFile, ...]
    """Files that cannot go there at all."""
    needed: int
    """Bytes that have to be written; a move within one file system writes none."""
    free: int
    """Bytes that the folder's file system has left for this user."""
    makes_folder: bool
    """Whether the folder is not there yet and is made."""

    @property
    def fits(self) -> bool:
        """Whether there is room for all of it."""
        return self.needed <= self.free

    def with_taken_skipped(self) -> TransferPlan:
        """The plan without the files whose name is taken."""
        skipped = (RefusedFile(step.source, "a file of that name is there already; skipped") for step in self.taken)
        return self._with(self.steps, (*self.refused, *skipped))

    def with_taken_renamed(self) -> TransferPlan:
        """The plan with a free name, such as `img (2).png`, for each file whose name is taken."""
        names = {os.path.basename(step.target) for step in self.steps}  # noqa: PTH119  # text, any bytes
        renamed = []
        for step in self.taken:
            target = free_target(self.folder, os.path.basename(step.target), names)  # noqa: PTH119  # text, any bytes
            names.add(os.path.basename(target))  # noqa: PTH119  # text, any bytes
            renamed.append(TransferStep(step.source, target))
        return self._with((*self.steps, *renamed), self.refused)

    def _with(self, steps: tuple[TransferStep, ...], refused: tuple[RefusedFile, ...]) -> TransferPlan:
        return TransferPlan(self.action, self.folder, steps, (), refused, self.needed, self.free, self.makes_folder)


def make_plan(action: Action, sources: Iterable[str], folder: str) -> TransferPlan:
    """How these files get to a folder that `folder_problem` has nothing against; looks at every file, touches none."""
    steps: list[TransferStep] = []
    taken: list[TransferStep] = []
    refused: list[RefusedFile] = []
    names: set[str] = set()
    there = _nearest(folder)
    device, needed = os.stat(there).st_dev, 0  # noqa: PTH116  # text, any bytes
    for source in sources:
        size, reason = _look(action, source, folder, device)
        if reason:
            refused.append(RefusedFile(source, reason))
            continue
        needed += size
        name = os.path.basename(source)  # noqa: PTH119  # text, any bytes
        target = os.path.join(folder, name)  # noqa: PTH118  # text, any bytes
        (taken if name in names or os.path.lexists(target) else steps).append(TransferStep(source, target))
        names.add(name)
    free = shutil.disk_usage(there).free
    return TransferPlan(
        action, folder, tuple(steps), tuple(taken), tuple(refused), needed, free, not os.path.lexists(folder)
    )


def folder_problem(folder: str) -> str:
    """Why nothing can be put into this folder, or an empty text; one that is missing is made if its parent is there."""
    if not folder:
        return "a folder is needed"
    if "\0" in folder:
        return "that is no path"
    try:
        if not os.path.isdir(folder):  # noqa: PTH112  # unlike Path.is_dir it never raises
            if os.path.lexists(folder):
                return "there is a file of that name"
            parent = os.path.dirname(os.path.abspath(folder))  # noqa: PTH100, PTH120  # text, any bytes
            if not os.path.isdir(parent):  # noqa: PTH112  # unlike Path.is_dir it never raises
                return "neither the folder nor the one above it is there"
            folder = parent
        os.stat(folder)  # noqa: PTH116  # text, any bytes
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "no permission to write there"


def free_target(folder: str, name: str, names: AbstractSet[str]) -> str:
    """A path in the folder that no file bears and no name in `names` will: the name with the first number that is free.

    A name that would get longer than a file system takes is shortened before its suffix.
    """
    stem, suffix = os.path.splitext(name)  # noqa: PTH122  # text, any bytes
    number = 2
    while True:
        tail = os.fsencode(f" ({number}){suffix}")
        numbered = os.fsdecode(os.fsencode(stem)[: _LONGEST_NAME - len(tail)] + tail)
        target = os.path.join(folder, numbered)  # noqa: PTH118  # text, any bytes
        if numbered not in names and not os.path.lexists(target):
            return target
        number += 1


# Bytes; what all common file systems take.
_LONGEST_NAME = 255


def _look(action: Action, source: str, folder: str, device: int) -> tuple[int, str]:
    """The bytes that one file needs there, and why it cannot go."""
    try:
        link = os.lstat(source)  # noqa: PTH116  # text, any bytes
        status = os.stat(source) if stat.S_ISLNK(link.st_mode) else link  # noqa: PTH116  # text, any bytes
        if not stat.S_ISREG(status.st_mode):
            return 0, "is not a file"
        if action is Action.MOVE and stat.S_ISLNK(link.st_mode):
            return 0, "is a link; move the file that it points to"
        if _same_folder(os.path.dirname(source), folder):  # noqa: PTH120  # text, any bytes
            return 0, "is in that folder already"
    except FileNotFoundError:
        return 0, "is not there any more"
    except (OSError, ValueError) as error:
        return 0, getattr(error, "strerror", None) or str(error)
    return (0 if action is Action.MOVE and status.st_dev == device else status.st_size), ""


def _same_folder(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one or ".", other)  # noqa: PTH121  # text, any bytes
    except FileNotFoundError:
        return False


def _nearest(folder: str) -> str:
    """The folder, or the one above it where it is not there yet."""
    return folder if os.path.isdir(folder) else os.path.dirname(os.path.abspath(folder))  # noqa: PTH100, PTH112, PTH120


def paths_as_bytes(paths: Sequence[str], end: bytes) -> bytes:
    """Paths as the file system has them, each with its end; ValueError where a path holds the end itself."""
    named = [os.fsencode(path) for path in paths]
    if broken := sum(end in path for path in named):
        raise ValueError(f"{broken} of {len(named)} names hold a line break")
    return b"".join(path + end for path in named)
