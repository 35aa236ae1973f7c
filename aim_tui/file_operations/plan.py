"""Plan a copy or move before anything is touched: which file goes where, and which names are taken.

Paths are text with surrogate escapes and never go through a shell; a target is always the chosen folder plus the file
name of the source.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What to do with the files."""

    COPY = "copy"
    MOVE = "move"


class TransferStep(NamedTuple):
    """One file and its new path."""

    source: str
    target: str


class RefusedFile(NamedTuple):
    """A file that is not copied or moved, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """A planned copy or move."""

    action: Action
    folder: str
    steps: tuple[TransferStep, ...]
    """Files whose name is free in the target folder."""
    taken: tuple[TransferStep, ...]
    """Files whose name exists there already, or is the target of an earlier step."""
    refused: tuple[RefusedFile, ...]
    """Files that cannot be copied or moved there."""
    needed: int
    """Bytes to write; a move within one file system writes none."""
    free: int
    """Free bytes on the target's file system."""
    makes_folder: bool
    """Whether the target folder must be created."""

    @property
    def fits(self) -> bool:
        """Whether there is enough free space."""
        return self.needed <= self.free

    def with_taken_skipped(self) -> TransferPlan:
        """The plan without the files whose name is taken."""
        skipped = (RefusedFile(step.source, "a file of that name exists; skipped") for step in self.taken)
        return self._with(self.steps, (*self.refused, *skipped))

    def with_taken_renamed(self) -> TransferPlan:
        """The plan with a free name, such as `img (2).png`, for each file whose name is taken."""
        names = {os.path.basename(step.target) for step in self.steps}
        renamed = []
        for step in self.taken:
            target = free_target(self.folder, os.path.basename(step.target), names)
            names.add(os.path.basename(target))
            renamed.append(TransferStep(step.source, target))
        return self._with((*self.steps, *renamed), self.refused)

    def _with(self, steps: tuple[TransferStep, ...], refused: tuple[RefusedFile, ...]) -> TransferPlan:
        return TransferPlan(self.action, self.folder, steps, (), refused, self.needed, self.free, self.makes_folder)


def make_plan(action: Action, sources: Iterable[str], folder: str) -> TransferPlan:
    """Plan how to bring these files into a folder without a `folder_problem`; touches no file."""
    steps: list[TransferStep] = []
    taken: list[TransferStep] = []
    refused: list[RefusedFile] = []
    names: set[str] = set()
    existing = _nearest(folder)
    device, needed = os.stat(existing).st_dev, 0
    for source in sources:
        size, reason = _check_source(action, source, folder, device)
        if reason:
            refused.append(RefusedFile(source, reason))
            continue
        needed += size
        name = os.path.basename(source)
        target = os.path.join(folder, name)
        (taken if name in names or os.path.lexists(target) else steps).append(TransferStep(source, target))
        names.add(name)
    free = shutil.disk_usage(existing).free
    return TransferPlan(
        action, folder, tuple(steps), tuple(taken), tuple(refused), needed, free, not os.path.lexists(folder)
    )


def folder_problem(folder: str) -> str:
    """Why files cannot be put into this folder, or ''; a missing folder is created if its parent exists."""
    if not folder:
        return "a folder is needed"
    if "\0" in folder:
        return "not a valid path"
    try:
        if not os.path.isdir(folder):
            if os.path.lexists(folder):
                return "a file of that name exists"
            parent = os.path.dirname(os.path.abspath(folder))
            if not os.path.isdir(parent):
                return "neither the folder nor its parent exists"
            folder = parent
        os.stat(folder)
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "no permission to write there"


def free_target(folder: str, name: str, names: AbstractSet[str]) -> str:
    """A free path in the folder, such as `img (2).png`, that is not in `names` either.

    A name that would exceed the limit of file systems is shortened before its suffix.
    """
    stem, suffix = os.path.splitext(name)
    number = 2
    while True:
        tail = os.fsencode(f" ({number}){suffix}")
        numbered = os.fsdecode(os.fsencode(stem)[: _LONGEST_NAME - len(tail)] + tail)
        target = os.path.join(folder, numbered)
        if numbered not in names and not os.path.lexists(target):
            return target
        number += 1


# Bytes; the limit of all common file systems.
_LONGEST_NAME = 255


def _check_source(action: Action, source: str, folder: str, device: int) -> tuple[int, str]:
    """The bytes that a file needs in the target folder, and why it cannot go there."""
    try:
        link = os.lstat(source)
        status = os.stat(source) if stat.S_ISLNK(link.st_mode) else link
        if not stat.S_ISREG(status.st_mode):
            return 0, "is not a file"
        if action is Action.MOVE and stat.S_ISLNK(link.st_mode):
            return 0, "is a link; move the file that it points to"
        if _same_folder(os.path.dirname(source), folder):
            return 0, "is already in that folder"
    except FileNotFoundError:
        return 0, "no longer exists"
    except (OSError, ValueError) as error:
        return 0, getattr(error, "strerror", None) or str(error)
    return (0 if action is Action.MOVE and status.st_dev == device else status.st_size), ""


def _same_folder(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one or ".", other)
    except FileNotFoundError:
        return False


def _nearest(folder: str) -> str:
    """The folder, or its parent if the folder does not exist yet."""
    return folder if os.path.isdir(folder) else os.path.dirname(os.path.abspath(folder))


def paths_as_bytes(paths: Sequence[str], end: bytes) -> bytes:
    """The raw bytes of the paths, each followed by `end`; ValueError if a path contains `end` itself."""
    raw = [os.fsencode(path) for path in paths]
    if broken := sum(end in path for path in raw):
        raise ValueError(f"{broken} of {len(raw)} names contain a line break")
    return b"".join(path + end for path in raw)
