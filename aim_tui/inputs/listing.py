"""Expand paths, folders and glob patterns to images. Paths stay text, so that any file name survives."""

from __future__ import annotations

import functools
import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aim_tui.core.names import natural_key
from aim_tui.inputs.images import SUFFIXES


@dataclass(frozen=True, slots=True)
class Problem:
    """A path without images, with the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The sub-folders and images of a folder, each in natural order."""

    folder: Path
    folders: list[Path] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """The images of a list of paths, in the given order, each once."""

    images: list[str]
    problems: list[Problem]


def list_folder(folder: Path) -> FolderListing:
    """The images and sub-folders of one folder, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        return FolderListing(folder, problem=_why(error))
    folders = sorted((entry.name for entry in visible if _is_dir(entry)), key=natural_key)
    images = sorted((entry.name for entry in visible if _is_image(entry)), key=natural_key)
    return FolderListing(
        folder,
        [folder / name for name in folders],
        [os.path.join(folder, name) for name in images],  # noqa: PTH118  # as text: 100,000 Path objects are slow
    )


def expand(paths: Iterable[str], recursive: bool = False) -> Expansion:
    """The images of files, folders and glob patterns.

    A file named explicitly is taken whatever its suffix: if it is not an image, scoring it says so. A path that exists
    is never read as a pattern, so brackets in a file name are safe.
    """
    images: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    # A file is taken once, however its folder is spelled or linked. Links to files count as files of their own: whoever
    # created them wants them scored.
    real_folder = functools.cache(os.path.realpath)
    for path in paths:
        for image in _expand_one(path, recursive, problems):
            folder, name = os.path.split(image)
            images.setdefault((real_folder(folder), name), image)
    return Expansion(list(images.values()), problems)


def _expand_one(path: str, recursive: bool, problems: list[Problem]) -> list[str]:
    if not path or "\0" in path:
        problems.append(Problem(path, "is not a path"))
        return []
    if os.path.isdir(path):  # noqa: PTH112  # unlike Path.is_dir it never raises
        return _expand_folder(path, recursive, problems)
    if os.path.lexists(path):
        return [path]
    images = []
    if glob.has_magic(path):
        matches = sorted(glob.iglob(path, recursive=True), key=natural_key)  # noqa: PTH207  # any pattern, absolute too
        images = [match for match in matches if _named_like_image(match) and not Path(match).is_dir()]
    if not images:
        problems.append(Problem(path, "matches no image" if glob.has_magic(path) else "no such file or folder"))
    return images


def _expand_folder(path: str, recursive: bool, problems: list[Problem]) -> list[str]:
    if recursive:
        before = len(problems)
        images = list(_walk(path, problems))
        if not images and len(problems) == before:
            problems.append(Problem(path, "no images in this folder or below it"))
        return images
    listing = list_folder(Path(path))
    if listing.problem:
        problems.append(Problem(path, listing.problem))
    elif not listing.images:
        inside = " (it has sub-folders: include them with -r)" if listing.folders else ""
        problems.append(Problem(path, f"no images in this folder{inside}"))
    return listing.images


def _walk(root: str, problems: list[Problem]) -> Iterator[str]:
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
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        for name in sorted(files, key=natural_key):
            if not name.startswith(".") and _named_like_image(name):
                yield os.path.join(folder, name)  # noqa: PTH118  # as text: 100,000 Path objects are slow


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_image(entry: os.DirEntry[str]) -> bool:
    """By name, broken links included: a missing target must show as a failure, not vanish."""
    return _named_like_image(entry.name) and not _is_dir(entry)


def _named_like_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  # as text: 100,000 Path objects are slow


def _why(error: OSError) -> str:
    return "no permission to read it" if isinstance(error, PermissionError) else error.strerror or str(error)
