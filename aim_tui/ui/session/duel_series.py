"""Blind duels of one rater over a set of images; every answer is stored before it counts."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aim_tui.core.ratings.bradley_terry import Bout, Ranking, choose_pair, rank
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.inputs.images import ImageError, open_image, read_image
from aim_tui.store.errors import StoreError
from aim_tui.store.judgements import Duel, DuelOutcome, Image
from aim_tui.ui.session.store_access import StoreAccess

#: More images than these would need thousands of duels, and the choice of a pair looks at all pairs.
MOST_IMAGES = 200
#: How many are offered where there are more.
FEWER = 50
_SCORES = {DuelOutcome.LEFT: 1.0, DuelOutcome.RIGHT: 0.0, DuelOutcome.TIE: 0.5}


def size_problem(count: int) -> str:
    """Why a series of so many images cannot begin, or an empty text."""
    if count < 2:
        return "a duel needs two images; space marks images in the table, f shows only some"
    return ""


class Selection(NamedTuple):
    """Some of too many images."""

    about: str
    items: list[int]


def selections(rows: Sequence[Row]) -> dict[str, Selection]:
    """Fewer of too many images, by what they are called: `rows` are in the order of the table."""
    scored = [row for row in rows if row.final is not None]
    best = sorted(scored, key=lambda row: -(row.final or 0.0))[:FEWER]
    # The same sample every time, so that its series goes on.
    chance = random.Random("\n".join(sorted(row.path for row in rows)))
    sample = chance.sample(sorted(rows, key=lambda row: row.path), FEWER)
    found = {f"top {FEWER}": Selection(f"by final score, of {len(scored)} that have one", [row.item for row in best])}
    if len(best) < 2:
        found.clear()
    found[f"first {FEWER}"] = Selection("as the table is sorted now", [row.item for row in rows[:FEWER]])
    found[f"random {FEWER}"] = Selection("a sample that stays the same", [row.item for row in sample])
    return found


def series_of(folder: str, images: Sequence[Image]) -> str:
    """The name of a series: the folder's name for who reads the store, and a digest of what the images hold.

    By content and not by path, so that a moved folder or a renamed file goes on; other images are another series.
    """
    digest = hashlib.sha256("\n".join(sorted(image.sha256 for image in images)).encode("ascii")).hexdigest()
    return f"{printable(Path(folder).name)}:{digest[:16]}"


@dataclass(frozen=True, slots=True)
class DuelTally:
    """How an image fared."""

    wins: int = 0
    ties: int = 0
    losses: int = 0

    @property
    def duels(self) -> int:
        """How many count."""
        return self.wins + self.ties + self.losses


@dataclass(frozen=True, slots=True)
class Duellists:
    """The images that can meet, each content once, and the paths of those that cannot."""

    images: list[Image]
    unreadable: dict[str, str] = field(default_factory=dict)
    """By path, why it cannot be shown."""
    copies: list[str] = field(default_factory=list)
    """Paths whose files hold the same as another one's."""


def find_duellists(paths: Sequence[str], failed: Collection[str], policy: ReadingPolicy) -> Duellists:
    """Look at all files as they are now; those that `failed` before are decoded, of the others the beginning is read.

    Takes as long as reading the files does, so call it in a thread.
    """
    images: dict[str, Image] = {}
    duellists = Duellists([])
    for path in paths:
        try:
            sha256 = read_image(path, policy).facts.sha256 if path in failed else open_image(path, policy)
        except ImageError as error:
            duellists.unreadable[path] = str(error)
            continue
        if sha256 in images:
            duellists.copies.append(path)
        else:
            images[sha256] = Image(sha256, path)
    duellists.images.extend(images.values())
    return duellists


def _no_run(*_: str) -> None:
    return None


@dataclass
class DuelSeries:
    """The duels of one rater over some images.

    What counts are all duels of the rater between two of these images, also from other series: blind, they say
    something of these two alone, so an image more in the folder costs no answer. Only this series' own are undone.
    """

    store: StoreAccess
    rater: str
    folder: str
    duellists: Duellists
    run_of: Callable[..., str | None] = _no_run
    """The run that some paths are shown in, which an answer about them remembers."""
    chance: random.Random = field(default_factory=random.Random)
    duels: list[Duel] = field(default_factory=list)
    ranking: Ranking = field(init=False)

    def __post_init__(self) -> None:
        self.series = series_of(self.folder, self.images)
        self._number()
        self.ranking = rank(len(self.images), [])

    @property
    def images(self) -> list[Image]:
        """The images that can meet; the numbers of a pair are places in this list."""
        return self.duellists.images

    @classmethod
    async def open(
        cls,
        store: StoreAccess,
        rater: str,
        folder: str,
        duellists: Duellists,
        run_of: Callable[..., str | None] = _no_run,
    ) -> DuelSeries:
        """Go on with a series, or begin it. AimError where that cannot be."""
        if store.path is None:
            raise StoreError("there is no store, so no duel can be kept", "open the application with --store PATH")
        if (count := len(duellists.images)) < 2:
            of = count + len(duellists.unreadable) + len(duellists.copies)
            raise AimError(f"{count} of {of} images can be read and differ; a duel needs two")
        series = cls(store, rater, folder, duellists, run_of, random.Random())
        await series.read()
        return series

    async def read(self) -> None:
        """Take up what is stored, and rank anew."""
        nothing: list[Duel] = []
        duels = await self.store.judged(lambda judgements: judgements.duels(rater=self.rater), nothing)
        await self._adopt([d for d in duels if d.left.sha256 in self._numbers and d.right.sha256 in self._numbers])

    async def answer(self, left: int, right: int, answer: str) -> None:
        """Store 'left', 'right', 'tie' or 'skip'; it counts when this returns.

        StoreError where it is not stored, and nothing has changed.
        """
        one, other, outcome = self.images[left], self.images[right], DuelOutcome(answer)
        run = self.run_of(one.path, other.path)
        with self._marking_failures():
            await self.store.judge(
                lambda judgements: judgements.duel(one, other, outcome, rater=self.rater, series=self.series, run=run)
            )
            self.store.works()
            await self.read()

    async def undo(self) -> tuple[int, int] | tuple[()] | None:
        """Undo the last answer of this series; the pair it was about, or None where there is none.

        The pair is empty where one of the two was left out since: its answer is undone all the same.
        """
        with self._marking_failures():
            duel = await self.store.judge(lambda judgements: judgements.undo_duel(self.rater, self.series))
            if duel is None:
                return None
            await self.read()
        left, right = (self._numbers.get(side.sha256) for side in (duel.left, duel.right))
        return (left, right) if left is not None and right is not None else ()

    async def leave_out(self, problems: Mapping[int, str]) -> None:
        """Go on without images that turned out to be none, by number, each with the reason.

        What was answered about them stays stored; the numbers of the others move up.
        """
        for number, problem in problems.items():
            self.duellists.unreadable[self.images[number].path] = problem
        self.images[:] = [image for number, image in enumerate(self.images) if number not in problems]
        self._number()
        await self._adopt([d for d in self.duels if d.left.sha256 in self._numbers and d.right.sha256 in self._numbers])

    @property
    def left_out(self) -> str:
        """How many images take no part, and why; empty where all do."""
        unreadable, copies = len(self.duellists.unreadable), len(self.duellists.copies)
        reasons = [f"{unreadable} cannot be read"] if unreadable else []
        reasons += [f"{copies} {'is a copy' if copies == 1 else 'are copies'}"] if copies else []
        return ", ".join(reasons)

    async def next_pair(self, busy: tuple[int, ...] = ()) -> tuple[int, int]:
        """The pair to show next; without those of the last one, where there are enough others."""
        skipped = {
            (min(pair), max(pair))
            for duel in self.duels
            if duel.outcome is DuelOutcome.SKIP
            for pair in [(self._numbers[duel.left.sha256], self._numbers[duel.right.sha256])]
        }
        return await asyncio.to_thread(choose_pair, self.ranking, self.chance, busy, skipped)

    @property
    def counting(self) -> int:
        """How many duels count; skipped ones do not."""
        return sum(duel.outcome is not DuelOutcome.SKIP for duel in self.duels)

    def tallies(self) -> list[DuelTally]:
        """How each image fared."""
        counts = [[0, 0, 0] for _ in self.images]
        for a, b, score in self._bouts():
            counts[a][{1.0: 0, 0.5: 1, 0.0: 2}[score]] += 1
            counts[b][{0.0: 0, 0.5: 1, 1.0: 2}[score]] += 1
        return [DuelTally(*each) for each in counts]

    @contextlib.contextmanager
    def _marking_failures(self) -> Iterator[None]:
        """Mark the store as failing where it does."""
        try:
            yield
        except AimError as error:
            self.store.failed(error)
            raise

    def _number(self) -> None:
        self._numbers = {image.sha256: number for number, image in enumerate(self.images)}

    async def _adopt(self, duels: list[Duel]) -> None:
        self.duels = duels
        self.ranking = await asyncio.to_thread(rank, len(self.images), self._bouts())

    def _bouts(self) -> list[Bout]:
        return [
            Bout(self._numbers[duel.left.sha256], self._numbers[duel.right.sha256], _SCORES[duel.outcome])
            for duel in self.duels
            if duel.outcome in _SCORES and duel.left.sha256 != duel.right.sha256
        ]
