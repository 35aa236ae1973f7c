"""Which images a path, folder or glob stands for. Paths stay text, so that any file name survives."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.names import natural_key
from aim_tui.inputs.images import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was pointed at and gives no images, with the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FolderListing:
    """One folder as a person browses it: sub-folders and images, each in natural order."""

    folder: Path
    folders: list[Path] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """The images that a list of paths stands for, in the order given, each once."""

    images: list[str]
    problems: list[Problem]


def list_folder(folder: Path) -> FolderListing:
    """The images and sub-folders of one folder, hidden ones left out."""
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
    """The images behind files, folders and glob patterns.

    A file named outright is taken whatever its suffix: if it is no image, scoring it says so. A path that exists is
    never read as a pattern, so that brackets in a file name stay what they are.
    """
    images: dict[str, None] = {}
    problems: list[Problem] = []
    for path in paths:
        found, problem = _expand_one(path, recursive)
        images.update(dict.fromkeys(found))
        if problem is not None:
            problems.append(Problem(path, problem))
    return Expansion(list(images), problems)


def _expand_one(path: str, recursive: bool) -> tuple[list[str], str | None]:
    if not path or "\0" in path:
        return [], "is not a path"
    try:
        is_dir, exists = Path(path).is_dir(), os.path.lexists(path)
    except OSError as error:
        return [], _why(error)
    if is_dir:
        return _expand_folder(path, recursive)
    if exists:
        return [path], None
    if glob.has_magic(path):
        matches = sorted(glob.iglob(path, recursive=True), key=natural_key)  # noqa: PTH207  # any pattern, absolute too
        images = [match for match in matches if _named_like_image(match) and not Path(match).is_dir()]
        return images, None if images else "matches no image"
    return [], "no such file or folder"


def _expand_folder(path: str, recursive: bool) -> tuple[list[str], str | None]:
    if not recursive:
        listing = list_folder(Path(path))
        if listing.images or listing.problem:
            return listing.images, listing.problem
        inside = " (it has sub-folders: -r looks into them)" if listing.folders else ""
        return [], f"no images in this folder{inside}"
    images = list(_walk(path))
    return images, None if images else "no images in this folder or below it"


def _walk(root: str) -> Iterator[str]:
    """Images below a folder in natural order; a folder that was seen before (a symlink loop) is not entered again."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        stat = Path(folder).stat()
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
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
    """By name, broken links included: a file that should be there and is not must show as failed, not vanish."""
    return _named_like_image(entry.name) and not _is_dir(entry)


def _named_like_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  # as text: 100,000 Path objects are slow


def _why(error: OSError) -> str:
    return "no permission to read it" if isinstance(error, PermissionError) else error.strerror or str(error)
