"""What can be told of a data set without any model: counts, sizes, missing and broken files, twins, unchanged pairs."""

from __future__ import annotations

import hashlib
import os
import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.inputs.edits import EditFile, EditRow, Flaw, parse_edits
from aim_tui.inputs.images import ImageError, read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aim_tui.core.scoring.jobs import ReadingPolicy


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """What reading one file told; `problem` where it gave no image."""

    path: str
    sha256: str = ""
    pixels: str = ""
    """A digest of the decoded pixels: files of other bytes may hold the same image."""
    width: int = 0
    height: int = 0
    format: str = ""
    bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long texts are, in characters and in words."""

    n: int
    shortest: int
    median: float
    longest: int
    words_shortest: int
    words_median: float
    words_longest: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Lengths | None:
        """Of these texts; None where there are none."""
        if not texts:
            return None
        chars, words = [len(text) for text in texts], [len(text.split()) for text in texts]
        middle, words_middle = statistics.median(chars), statistics.median(words)
        return cls(len(texts), min(chars), middle, max(chars), min(words), words_middle, max(words))


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. `broken` are reasons why it cannot be scored as it is; `remarks` are worth knowing."""

    path: str
    images: tuple[InspectedImage, ...]
    edits: EditFile | None = None
    lengths: Lengths | None = None
    broken: tuple[Flaw, ...] = ()
    twins: tuple[tuple[str, ...], ...] = ()
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
    """How many rows are right, and wrong in which way, where the file says so."""

    @property
    def readable(self) -> int:
        """How many files are images."""
        return sum(not look.problem for look in self.images)


def inspect_file(path: str, policy: ReadingPolicy, threads: int = 4) -> Inspection:
    """A file of edits and every image it names; UsageError where it cannot be read as rows."""
    found = parse_edits(path)
    looks = {look.path: look for look in _look_at(_named(found.rows), policy, threads)}
    broken = list(found.flaws)
    if not found.listed:
        broken.append(Flaw("the file", "holds no rows"))
    whole: list[tuple[EditRow, InspectedImage, InspectedImage]] = []
    for row in found.rows:
        source, target = looks[row.source], looks[row.target]
        sides = (("source", row.source_name, source), ("target", row.target_name, target))
        troubles = [
            Flaw(row.where, f"{row.id}: {side} image {name}: {look.problem}")
            for side, name, look in sides
            if look.problem
        ]
        broken += troubles
        if not troubles:
            whole.append((row, source, target))
    same: dict[tuple[str, str, str], list[str]] = {}
    for row, source, target in whole:
        same.setdefault((source.sha256, target.sha256, row.instruction.casefold()), []).append(row.id)
    truth = Counter(
        "right" if row.truth["is_correct"] else f"wrong: {row.truth.get('error_type') or 'no type'}"
        for row in found.rows
        if "is_correct" in row.truth
    )
    return Inspection(
        path=path,
        images=tuple(looks.values()),
        edits=found,
        lengths=Lengths.of([row.instruction for row in found.rows]),
        broken=tuple(broken),
        twins=_twins(looks.values()),
        unequal=tuple(row.id for row, a, b in whole if (a.width, a.height) != (b.width, b.height)),
        unchanged=tuple(row.id for row, a, b in whole if a.pixels == b.pixels),
        repeated=tuple(tuple(ids) for ids in same.values() if len(ids) > 1),
        sizes=_sizes(looks.values()),
        formats=_formats(looks.values()),
        truth=dict(truth),
    )


def inspect_images(path: str, images: Sequence[str], policy: ReadingPolicy, threads: int = 4) -> Inspection:
    """The images of a folder."""
    looks = _look_at(images, policy, threads)
    broken = [Flaw(os.path.relpath(look.path, path), look.problem) for look in looks if look.problem]
    if not images:
        broken.append(Flaw("the folder", "holds no images"))
    return Inspection(
        path=path,
        images=tuple(looks),
        broken=tuple(broken),
        twins=_twins(looks),
        sizes=_sizes(looks),
        formats=_formats(looks),
    )


def _named(rows: Iterable[EditRow]) -> list[str]:
    return list(dict.fromkeys(path for row in rows for path in (row.source, row.target)))


def _look_at(paths: Sequence[str], policy: ReadingPolicy, threads: int) -> list[InspectedImage]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda path: _look(path, policy), paths))


def _look(path: str, policy: ReadingPolicy) -> InspectedImage:
    try:
        image = read_image(path, policy)
    except (ImageError, MemoryError) as error:
        return InspectedImage(path, problem=str(error) or "not enough memory to decode it")
    facts = image.facts
    pixels = hashlib.sha256(f"{facts.width} {facts.height} ".encode() + image.pixels.tobytes()).hexdigest()
    return InspectedImage(path, facts.sha256, pixels, facts.width, facts.height, facts.format, facts.bytes)


def _twins(looks: Iterable[InspectedImage]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    for look in looks:
        if not look.problem:
            groups.setdefault(look.sha256, []).append(look.path)
    return tuple(tuple(paths) for paths in groups.values() if len(paths) > 1)


def _sizes(looks: Iterable[InspectedImage]) -> dict[str, int]:
    return dict(Counter(f"{look.width} x {look.height}" for look in looks if not look.problem).most_common())


def _formats(looks: Iterable[InspectedImage]) -> dict[str, int]:
    return dict(Counter(look.format for look in looks if not look.problem).most_common())
