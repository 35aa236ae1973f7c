"""Inspect a data set without any model: counts, sizes, missing and broken files, duplicates, unchanged pairs."""

from __future__ import annotations

import hashlib
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.edits import EditColumns, EditFile, EditRow, Flaw, parse_edits
from aim_tui.inputs.images import ImageError, read_image


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """Facts about one image file; `problem` if it could not be read."""

    path: str
    sha256: str = ""
    pixels: str = ""
    """A digest of the decoded pixels: different files may hold the same image."""
    width: int = 0
    height: int = 0
    format: str = ""
    bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of texts, in characters and in words."""

    n: int
    shortest: int
    median: float
    longest: int
    words_shortest: int
    words_median: float
    words_longest: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Lengths | None:
        """The lengths of these texts; None without texts."""
        if not texts:
            return None
        chars, words = [len(text) for text in texts], [len(text.split()) for text in texts]
        return cls(
            len(texts),
            *(min(chars), statistics.median(chars), max(chars)),
            *(min(words), statistics.median(words), max(words)),
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of an inspection; `broken` lists what keeps it from being scored as it is."""

    path: str
    images: tuple[InspectedImage, ...]
    edits: EditFile | None = None
    lengths: Lengths | None = None
    broken: tuple[Flaw, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    """Files of the same bytes."""
    unequal: tuple[str, ...] = ()
    """Ids of pairs whose images differ in size."""
    unchanged: tuple[str, ...] = ()
    """Ids of pairs whose images hold the same pixels."""
    repeated: tuple[tuple[str, ...], ...] = ()
    """Ids of edits with the same pair and the same instruction."""
    sizes: dict[str, int] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    truth: dict[str, int] = field(default_factory=dict)
    """Counts of correct rows and of each type of error, if the file has `is_correct`."""

    @property
    def readable(self) -> int:
        """The number of readable images."""
        return sum(not image.problem for image in self.images)


def inspect_file(path: str, policy: ReadingPolicy, threads: int = 4, columns: EditColumns | None = None) -> Inspection:
    """Inspect a file of edits and every image it names; UsageError if it cannot be read as rows."""
    edits = parse_edits(path, columns)
    paths = dict.fromkeys(path for row in edits.rows for path in (row.source, row.target))
    images = {image.path: image for image in _inspect_all(list(paths), policy, threads)}
    broken = list(edits.flaws)
    if not edits.listed:
        broken.append(Flaw("the file", "has no rows"))
    readable: list[tuple[EditRow, InspectedImage, InspectedImage]] = []
    for row in edits.rows:
        source, target = images[row.source], images[row.target]
        sides = (("source", row.source_name, source), ("target", row.target_name, target))
        flaws = [
            Flaw(row.where, f"{row.id}: {side} image {name}: {image.problem}")
            for side, name, image in sides
            if image.problem
        ]
        broken += flaws
        if not flaws:
            readable.append((row, source, target))
    ids_of_edit: dict[tuple[str, str, str], list[str]] = {}
    for row, source, target in readable:
        ids_of_edit.setdefault((source.sha256, target.sha256, row.instruction.casefold()), []).append(row.id)
    truth = Counter(
        "right" if row.truth["is_correct"] else f"wrong: {row.truth.get('error_type') or 'no type'}"
        for row in edits.rows
        if "is_correct" in row.truth
    )
    return Inspection(
        path=path,
        images=tuple(images.values()),
        edits=edits,
        lengths=Lengths.of([row.instruction for row in edits.rows]),
        broken=tuple(broken),
        duplicates=_duplicate_files(images.values()),
        unequal=tuple(row.id for row, a, b in readable if (a.width, a.height) != (b.width, b.height)),
        unchanged=tuple(row.id for row, a, b in readable if a.pixels == b.pixels),
        repeated=tuple(tuple(ids) for ids in ids_of_edit.values() if len(ids) > 1),
        sizes=_sizes(images.values()),
        formats=_formats(images.values()),
        truth=dict(truth),
    )


def inspect_images(path: str, images: Sequence[str], policy: ReadingPolicy, threads: int = 4) -> Inspection:
    """Inspect the images of a folder."""
    inspected = _inspect_all(images, policy, threads)
    broken = [Flaw(os.path.relpath(image.path, path), image.problem) for image in inspected if image.problem]
    if not images:
        broken.append(Flaw("the folder", "has no images"))
    return Inspection(
        path=path,
        images=tuple(inspected),
        broken=tuple(broken),
        duplicates=_duplicate_files(inspected),
        sizes=_sizes(inspected),
        formats=_formats(inspected),
    )


def pixel_digests(paths: Sequence[str], policy: ReadingPolicy, threads: int = 4) -> dict[str, str]:
    """A digest of the decoded pixels of each readable image: files of different bytes may hold the same image."""
    return {image.path: image.pixels for image in _inspect_all(paths, policy, threads) if not image.problem}


def _inspect_all(paths: Sequence[str], policy: ReadingPolicy, threads: int) -> list[InspectedImage]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda path: _inspect(path, policy), paths))


def _inspect(path: str, policy: ReadingPolicy) -> InspectedImage:
    try:
        image = read_image(path, policy)
    except (ImageError, MemoryError) as error:
        return InspectedImage(path, problem=str(error) or "not enough memory to decode it")
    facts = image.facts
    pixels = hashlib.sha256(f"{facts.width} {facts.height} ".encode() + image.pixels.tobytes()).hexdigest()
    return InspectedImage(path, facts.sha256, pixels, facts.width, facts.height, facts.format, facts.bytes)


def _duplicate_files(images: Iterable[InspectedImage]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    for image in images:
        if not image.problem:
            groups.setdefault(image.sha256, []).append(image.path)
    return tuple(tuple(paths) for paths in groups.values() if len(paths) > 1)


def _sizes(images: Iterable[InspectedImage]) -> dict[str, int]:
    return dict(Counter(f"{image.width} x {image.height}" for image in images if not image.problem).most_common())


def _formats(images: Iterable[InspectedImage]) -> dict[str, int]:
    return dict(Counter(image.format for image in images if not image.problem).most_common())
