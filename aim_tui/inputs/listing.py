"""Expand paths, folders and glob patterns to images. Paths stay text, so that any file name survives."""

from __future__ import annotations

import functools
import glob
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aim_tui.core.names import natural_key
from aim_tui.inputs.image_formats import SUFFIXES, UNREAD_SUFFIXES, unread_hint


@dataclass(frozen=True, slots=True)
class Problem:
    """A path without images, with the reason."""

    path: str
    reason: str


# Paths without images that an empty table names.
_SHOWN = 3

# Folders in which network disks and archives keep thumbnails, deleted files and attributes of each image.
_SYSTEM_FOLDERS = frozenset(
    {"@eadir", "@recycle", "#recycle", "#snapshot", "@tmp", "__macosx", "lost+found", "$recycle.bin"}
    | {"@recently-snapshot", "system volume information", "_thumb", ".@__thumb"}
)


@dataclass(slots=True)
class LeftOut:
    """What stands among images and is not listed: images in formats that are not read, by suffix, and system files."""

    unread: Counter[str] = field(default_factory=Counter)
    attribute_files: int = 0
    """Files that begin with '._', in which macOS keeps attributes of another file."""
    system_folders: int = 0
    """Folders of network disks, such as '@eaDir', with thumbnails and deleted files."""

    def __bool__(self) -> bool:
        return bool(self.unread or self.attribute_files or self.system_folders)

    def __str__(self) -> str:
        return "; ".join(self.lines())

    def lines(self) -> list[str]:
        """What was left out, in words."""
        lines = []
        if self.unread:
            counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(self.unread.items()))
            hints = dict.fromkeys(hint for suffix in sorted(self.unread) if (hint := unread_hint(suffix)))
            lines.append(f"{counts}: formats that are not read" + (f" ({', '.join(hints)})" if hints else ""))
        if self.attribute_files:
            lines.append(f"{self.attribute_files} '._' file{'s' * (self.attribute_files != 1)} of macOS")
        if self.system_folders:
            many = self.system_folders != 1
            lines.append(f"{self.system_folders} folder{'s' * many} of a network disk or system, such as @eaDir")
        return lines

    @property
    def count(self) -> int:
        """How many files and folders."""
        return self.unread.total() + self.attribute_files + self.system_folders

    def forget(self, name: str) -> None:
        """Count a file no longer that is listed all the same, because it was named."""
        suffix = os.path.splitext(name)[1].lower()
        if name.startswith("._") and suffix in SUFFIXES:
            self.attribute_files -= 1
        elif not name.startswith("."):
            self.unread -= Counter([suffix])

    def add(self, other: LeftOut) -> None:
        """Count what another listing left out."""
        self.unread.update(other.unread)
        self.attribute_files += other.attribute_files
        self.system_folders += other.system_folders


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The sub-folders and images of a folder, each in natural order."""

    folder: Path
    folders: list[Path] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    problem: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    paths: tuple[str, ...] = ()
    """The files, folders and patterns whose images these are; empty where they are the folder's."""
    recursive: bool = False
    """Whether images in sub-folders are among them."""
    problems: tuple[Problem, ...] = ()
    """Paths without images, where some others have some."""


@dataclass(frozen=True, slots=True)
class CountBelow:
    """How many images the sub-folders of a folder hold; at least so many where counting took too long."""

    images: int
    folders: int
    complete: bool = True

    def __bool__(self) -> bool:
        return bool(self.images)

    def __str__(self) -> str:
        images = f"{'' if self.complete else 'at least '}{self.images:,} image{'s' * (self.images != 1)}"
        return f"{images} in {self.folders:,} sub-folder{'s' * (self.folders != 1)}"


@dataclass(frozen=True, slots=True)
class Expansion:
    """The images of a list of paths, in the given order, each once."""

    images: list[str]
    problems: list[Problem]
    left_out: LeftOut = field(default_factory=LeftOut)


def list_folder(folder: Path, named: str = "") -> FolderListing:
    """The images and sub-folders of one folder, without hidden ones and those of the system.

    A file of the folder that is `named` is listed whatever its suffix, as long as it is there.
    """
    left_out = LeftOut()
    folders: list[str] = []
    images: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_dir(entry):
                    if _is_listed_folder(entry.name, left_out):
                        folders.append(entry.name)
                elif _is_listed_image(entry.name, left_out):
                    # By name, broken links included: a missing target must show as a failure, not vanish.
                    images.append(entry.name)
    except OSError as error:
        return FolderListing(folder, problem=_why(error))
    head, name = os.path.split(named)
    if head == str(folder) and name not in images and os.path.lexists(named) and not os.path.isdir(named):
        images.append(name)
        left_out.forget(name)
    return FolderListing(
        folder,
        [folder / name for name in sorted(folders, key=natural_key)],
        # As text: 100,000 Path objects are slow.
        [os.path.join(folder, name) for name in sorted(images, key=natural_key)],
        left_out=left_out,
    )


def list_paths(folder: Path, paths: Sequence[str], recursive: bool) -> FolderListing:
    """The images of files, folders and patterns (of `folder` where there are none), beside its sub-folders."""
    found = expand(paths or [str(folder)], recursive)
    here = list_folder(folder)
    problems = found.problems
    why = "; ".join(f"{problem.path}: {problem.reason}" if paths else problem.reason for problem in problems[:_SHOWN])
    return FolderListing(
        folder,
        here.folders,
        found.images,
        None if found.images else here.problem or why or None,
        found.left_out,
        tuple(paths),
        recursive,
        tuple(problems) if found.images else (),
    )


def count_below(folders: Iterable[Path], seconds: float) -> CountBelow:
    """Count the images in these folders and below them, for at most so many seconds."""
    end = time.monotonic() + seconds
    images = with_images = 0
    waiting, seen = list(folders), set()
    while waiting:
        if time.monotonic() > end:
            return CountBelow(images, with_images, complete=False)
        real = os.path.realpath(waiting.pop())
        if real not in seen:
            seen.add(real)
            listing = list_folder(Path(real))
            waiting += listing.folders
            images += len(listing.images)
            with_images += bool(listing.images)
    return CountBelow(images, with_images)


def expand(paths: Iterable[str], recursive: bool = False) -> Expansion:
    """The images of files, folders and glob patterns.

    A file named explicitly is taken whatever its suffix: if it is not an image, scoring it says so. A path that exists
    is never read as a pattern, so brackets in a file name are safe.
    """
    images: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    left_out = LeftOut()
    # A file is taken once, however its folder is spelled or linked. Links to files count as files of their own: whoever
    # created them wants them scored.
    real_folder = functools.cache(os.path.realpath)
    for path in paths:
        for image in _expand_one(path, recursive, problems, left_out):
            folder, name = os.path.split(image)
            images.setdefault((real_folder(folder), name), image)
    return Expansion(list(images.values()), problems, left_out)


def _expand_one(path: str, recursive: bool, problems: list[Problem], left_out: LeftOut) -> list[str]:
    if not path or "\0" in path:
        problems.append(Problem(path, "is not a path"))
        return []
    if os.path.isdir(path):  # unlike Path.is_dir it never raises
        return _expand_folder(path, recursive, problems, left_out)
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(path):
        problems.append(Problem(path, "no such file or folder"))
        return []
    here = LeftOut()
    matches = sorted(glob.iglob(path, recursive=True), key=natural_key)  # any pattern, absolute too
    images = [
        match
        for match in matches
        if not _below_system_folder(match) and _is_listed_image(os.path.basename(match), here)
        and not os.path.isdir(match)
    ]  # fmt: skip
    left_out.add(here)
    if not images:
        problems.append(Problem(path, f"matches no image{_beside(here)}"))
    return images


def _expand_folder(path: str, recursive: bool, problems: list[Problem], left_out: LeftOut) -> list[str]:
    here = LeftOut()
    if recursive:
        before = len(problems)
        images = list(_walk(path, problems, here))
        left_out.add(here)
        if not images and len(problems) == before:
            problems.append(Problem(path, f"no images in this folder or below it{_beside(here)}"))
        return images
    listing = list_folder(Path(path))
    left_out.add(listing.left_out)
    if listing.problem:
        problems.append(Problem(path, listing.problem))
    elif not listing.images:
        inside = " (it has sub-folders: include them with -r)" if listing.folders else ""
        problems.append(Problem(path, f"no images in this folder{_beside(listing.left_out)}{inside}"))
    return listing.images


def _beside(left_out: LeftOut) -> str:
    return f", but {left_out}" if left_out else ""


def _walk(root: str, problems: list[Problem], left_out: LeftOut) -> Iterator[str]:
    """Images below a folder in natural order; no folder is entered twice (symlink loops)."""

    def unreadable(error: OSError) -> None:
        problems.append(Problem(str(error.filename), _why(error)))

    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=unreadable):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted((name for name in folders if _is_listed_folder(name, left_out)), key=natural_key)
        for name in sorted(files, key=natural_key):
            if _is_listed_image(name, left_out):
                yield os.path.join(folder, name)  # as text: 100,000 Path objects are slow


def _is_listed_folder(name: str, left_out: LeftOut) -> bool:
    if name.lower() in _SYSTEM_FOLDERS:
        left_out.system_folders += 1
        return False
    return not name.startswith(".")


def _is_listed_image(name: str, left_out: LeftOut) -> bool:
    """Whether a file is named like an image that is read; what only nearly is one is counted."""
    suffix = os.path.splitext(name)[1].lower()  # as text: 100,000 Path objects are slow
    if suffix in SUFFIXES:
        if name.startswith("._"):
            left_out.attribute_files += 1
        return not name.startswith(".")
    if suffix in UNREAD_SUFFIXES and not name.startswith("."):
        left_out.unread[suffix] += 1
    return False


def _below_system_folder(path: str) -> bool:
    return any(part.lower() in _SYSTEM_FOLDERS for part in Path(path).parts[:-1])


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _why(error: OSError) -> str:
    return "no permission to read it" if isinstance(error, PermissionError) else error.strerror or str(error)
