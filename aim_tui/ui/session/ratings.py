"""Ratings, rejections and notes of images and edits: stored first and shown then, recalled when the rows come back.

Images are known by content, so a rating holds for all copies of an image and survives a new name; edits are known by
both images and the instruction. What is called a path here is the id of a row: of an image its path.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.text import file_name, printable
from aim_tui.errors import AimError, UsageError
from aim_tui.ui.concurrency import with_pauses
from aim_tui.ui.session.file_contents import FileContents
from aim_tui.ui.session.messages import OpinionsChanged, UserNotice
from aim_tui.ui.session.store_access import StoreAccess
from aim_tui.ui.session.undo_history import UndoHistory, UndoResult, UndoStep

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row
    from aim_tui.store.judgements import Image, Judgements

# Files that were never scored are read to know them by content: those that were rated under their name always, the
# others where reading all of them is a matter of seconds.
_MOST_READ = 2000
# Files that are read between two looks at whether their folder is still open.
_READ_AT_ONCE = 32
# A store that does not answer keeps nobody who quits for longer.
_END_SECONDS = 4.0

Result = TypeVar("Result")


@dataclass(slots=True)
class _Entry:
    """What one key stores: about one image, or the same about many."""

    what: str
    fields: Mapping[str, Any]
    """What it changes of an opinion."""
    sha256s: Sequence[str]
    write: Callable[[Judgements], Sequence[int]]
    numbers: Sequence[int] = ()
    """The words in the store; others each time it is stored."""


class RatingService:
    """Stores ratings, rejections and notes of one rater, in the order in which they were given.

    Each verb returns at once with a task that ends when the entry is in the store, True, or was refused, False, which
    is reported. What was given after an entry that was refused is refused with it: it was meant to follow. Every entry
    is a step of the undo history.
    """

    def __init__(
        self,
        post: Callable[[Message], object],
        store: StoreAccess,
        rater: str,
        run_of: Callable[[str], str | None],
        undo_history: UndoHistory,
        contents: FileContents | None = None,
    ) -> None:
        """`run_of` names the stored run that an image is shown with; `contents` identifies what is rated by content."""
        self.rater = rater or login_name()
        self.mine: dict[str, Opinion] = {}
        """By path, this rater's opinions of the images of the folder; read as they change."""
        self._store = store
        self._post = post
        self._run_of = run_of
        self._undo_history = undo_history
        self._waiting: set[asyncio.Task[Any]] = set()
        self._changed: set[int] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._recalling: asyncio.Task[None] | None = None
        # Of the folder: items and content by path, paths by content, and opinions of all raters by content.
        self._items: dict[str, int] = {}
        self._contents: dict[str, str] = {}
        self._paths: defaultdict[str, set[str]] = defaultdict(set)
        self._opinions: defaultdict[str, dict[str, Opinion]] = defaultdict(dict)
        self._file_contents = contents or FileContents()

    # -- what is so --------------------------------------------------------------------------------------------------

    def opinion(self, path: str) -> Opinion:
        """The rater's opinion of an image."""
        return self.mine.get(path, NOTHING)

    def others(self, path: str) -> Mapping[str, Opinion]:
        """Opinions of other raters, by their names."""
        sha256 = self._contents.get(path, "")
        return {
            rater: opinion for rater, opinion in sorted(self._opinions.get(sha256, {}).items()) if rater != self.rater
        }

    async def judged(self) -> OpinionsByPath:
        """All opinions of all raters, once the store has been read; takes time in proportion to their number."""
        if self._recalling is not None:
            await asyncio.wait([self._recalling])
        by_paths = ((self._paths.get(sha256, ()), dict(held)) for sha256, held in self._opinions.items())
        return OpinionsByPath({path: opinions for paths, opinions in by_paths for path in paths})

    @property
    def waiting(self) -> int:
        """How many entries are on their way into the store."""
        return len(self._waiting)

    @property
    def recalled(self) -> bool:
        """Whether the store has been read, and the images that it knows by content too."""
        return self._recalling is not None and self._recalling.done()

    def take_changed(self) -> list[int]:
        """The items whose opinions have changed since the last call."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    # -- rating --------------------------------------------------------------------------------------------------

    def rate(self, path: str, rating: float | None) -> asyncio.Task[bool]:
        """Give an image a rating, or clear it."""
        about: Any = {"rater": self.rater, "run": self._run_of(path)}
        return self._submit(
            path, _rating(rating), {"rating": rating}, lambda judgements, image: judgements.rate(image, rating, **about)
        )

    def rate_all(self, paths: Sequence[str], rating: float | None) -> asyncio.Task[int]:
        """Give many images one rating, which is one step to undo; how many could be read and are stored."""
        runs = {path: self._run_of(path) for path in paths}
        return self._in_order(lambda: self._rate_all(runs, rating), 0)

    def reject(self, path: str, rejected: bool) -> asyncio.Task[bool]:
        """Reject an image, or undo that."""
        what = "rejection" if rejected else "clearing the rejection"
        about: Any = {"rater": self.rater, "run": self._run_of(path)}
        return self._submit(
            path, what, {"rejected": rejected}, lambda judgements, image: judgements.reject(image, rejected, **about)
        )

    def note(self, path: str, text: str) -> asyncio.Task[bool]:
        """Write a note about an image; an empty one clears it."""
        about: Any = {"rater": self.rater, "run": self._run_of(path)}
        return self._submit(
            path, "note", {"note": text}, lambda judgements, image: judgements.note(image, text, **about)
        )

    def _submit(
        self, path: str, what: str, fields: Mapping[str, Any], write: Callable[[Judgements, Image], int]
    ) -> asyncio.Task[bool]:
        return self._in_order(lambda: self._judge(path, what, fields, write), False)

    def _in_order(self, change: Callable[[], Awaitable[Result]], otherwise: Result) -> asyncio.Task[Result]:
        task = self._undo_history.in_order(change, otherwise)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return task

    async def _judge(
        self, path: str, what: str, fields: Mapping[str, Any], write: Callable[[Judgements, Image], int]
    ) -> bool:
        what = f"{what} of {printable(file_name(path))}"
        try:
            self._check_store()
            sha256 = await asyncio.to_thread(self._file_contents.of, path)
            image = _image(sha256, self._file_contents.place(path))
            entry = _Entry(what, fields, [sha256], lambda judgements: [write(judgements, image)])
            await self._store_entry(entry)
        except AimError as error:
            self._refuse(what, error)
            return False
        self._know(path, sha256)
        self._add_step(entry, path)
        await self._show_entry(entry)
        return True

    async def _rate_all(self, runs: Mapping[str, str | None], rating: float | None) -> int:
        what = _rating(rating)
        try:
            self._check_store()
            contents = await asyncio.to_thread(self._file_contents.of_all, list(runs))
            if not contents:
                raise UsageError("none of them can be read", "look where the files are")
            images = [
                (_image(sha256, self._file_contents.place(path)), runs[path]) for path, sha256 in contents.items()
            ]
            first, count = next(iter(contents)), len(contents)
            of = printable(file_name(first)) if count == 1 else f"{count} images"
            entry = _Entry(
                f"{what} of {of}",
                {"rating": rating},
                list(dict.fromkeys(contents.values())),
                lambda judgements: judgements.rate_all(images, rating, rater=self.rater),
            )
            await self._store_entry(entry)
        except AimError as error:
            self._refuse(f"{what} of {len(runs)} images", error)
            return 0
        self._add_step(entry, first)
        async for path, sha256 in with_pauses(contents.items()):
            self._know(path, sha256)
        await self._show_entry(entry)
        return count

    async def _store_entry(self, entry: _Entry) -> None:
        entry.numbers = await self._store.judge(entry.write)

    async def _show_entry(self, entry: _Entry) -> None:
        async for sha256 in with_pauses(entry.sha256s):
            self._hold(sha256, self.rater, replace(self._opinions[sha256].get(self.rater, NOTHING), **entry.fields))

    def _add_step(self, entry: _Entry, path: str) -> None:
        undo, redo = partial(self._undo, entry), partial(self._redo, entry)
        self._undo_history.add(UndoStep(entry.what, undo, redo, id=path))

    async def _undo(self, entry: _Entry) -> UndoResult:
        held = await self._store.judge(lambda judgements: judgements.undo_all(self.rater, entry.numbers))
        if not held:
            gone = "it is no longer in the store, or another program has undone it"
            self._post(UserNotice(f"{entry.what} cannot be undone: {gone}", "warning"))
            return UndoResult.IMPOSSIBLE
        async for standing in with_pauses(held):
            sha256 = standing.image.sha256
            self._hold(sha256, self.rater, standing.upon(self._opinions[sha256].get(self.rater, NOTHING)))
        return UndoResult.DONE

    async def _redo(self, entry: _Entry) -> UndoResult:
        await self._store_entry(entry)
        await self._show_entry(entry)
        return UndoResult.DONE

    def _check_store(self) -> None:
        if self._store.path is None:
            raise UsageError(
                "there is no store to keep it in",
                "start without --no-store to rate",
            )

    def _refuse(self, what: str, error: AimError) -> None:
        after = self._undo_history.refuse_waiting()
        more = f", nor the {after} given after it" if after else ""
        hint = f" ({error.hint})" if error.hint else ""
        self._post(UserNotice(f"not stored: {what}{more}: {error.message}{hint}", "error"))

    # -- other images ----------------------------------------------------------------------------------------

    def open(self, rows: Sequence[Row]) -> None:
        """These are the images now; their opinions come from the store."""
        items = {row.id: row.item for row in rows}
        if self._recalling is not None:
            self._recalling.cancel()
        if items.keys() != self._items.keys():
            self._forget()
        self._items = items
        if self._store.path is not None and rows:
            self._recalling = self._in_background(self._recall(rows))

    def rows_added(self, rows: Iterable[Row]) -> None:
        """Images have come behind the others; opinions of their content are found when they are read."""
        self._items.update((row.id, row.item) for row in rows)

    def rows_changed(self, rows: Iterable[Row]) -> None:
        """Rows that may have been read just now: opinions of their content are theirs."""
        for row in rows:
            if row.id not in self._contents and (sha256 := self._file_contents.known(row)) is not None:
                self._know(row.id, sha256)

    def rows_replaced(self, rows: Iterable[Row]) -> None:
        """Files of these rows are others now, and what is known of their content is theirs."""
        for row in rows:
            self.look_at(row.id)

    def look_at(self, path: str) -> None:
        """An image is looked at: identify it by its content, as it is on disk now."""
        if self._store.path is not None:
            self._in_background(self._look(path))

    async def close(self) -> None:
        """Every entry is in the store when this returns, or was refused."""
        for task in self._background:
            task.cancel()
        if self._waiting:
            await asyncio.wait(list(self._waiting), timeout=_END_SECONDS)

    def _forget(self) -> None:
        self.mine.clear()
        self._changed.clear()
        self._contents.clear()
        self._paths.clear()
        self._opinions.clear()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _recall(self, rows: Sequence[Row]) -> None:
        # Between two entries, so that none is older than what is read here.
        async with self._undo_history.in_turn:
            try:
                nothing: dict[str, dict[str, Opinion]] = {}
                opinions, seen = await self._store.judged(_everything, (nothing, set[str]()))
            except AimError as error:
                self._post(UserNotice(f"what was said of these images is not shown: {error.message}", "warning"))
                return
            self._opinions = defaultdict(dict, opinions)
        for path, sha256 in list(self._contents.items()):
            self._show(path, sha256)
        async for row in with_pauses(rows):
            self.rows_changed([row])
        if not opinions:
            return
        unread = [row.id for row in rows if row.id not in self._contents]
        first = [path for path in unread if path in seen]
        await self._read(first)
        if len(unread) - len(first) <= _MOST_READ:
            await self._read([path for path in unread if path not in seen])

    async def _read(self, paths: Sequence[str]) -> None:
        for start in range(0, len(paths), _READ_AT_ONCE):
            some = [path for path in paths[start : start + _READ_AT_ONCE] if path not in self._contents]
            for path, sha256 in (await asyncio.to_thread(self._file_contents.of_all, some)).items():
                if path not in self._contents:
                    self._know(path, sha256)

    async def _look(self, path: str) -> None:
        contents = await asyncio.to_thread(self._file_contents.of_all, [path])
        if path in self._items and path in contents:
            self._know(path, contents[path])

    # -- what is known ------------------------------------------------------------------------------------------------

    def _know(self, path: str, sha256: str) -> None:
        """An image has this content."""
        before = self._contents.get(path)
        if before == sha256:
            return
        if before is not None:
            self._paths[before].discard(path)
        self._contents[path] = sha256
        self._paths[sha256].add(path)
        self._show(path, sha256)

    def _hold(self, sha256: str, rater: str, opinion: Opinion) -> None:
        """A rater has this opinion of a content now; the store has it."""
        self._opinions[sha256][rater] = opinion
        for path in self._paths[sha256]:
            self._show(path, sha256)

    def _show(self, path: str, sha256: str) -> None:
        opinions = self._opinions.get(sha256, {})
        mine = opinions.get(self.rater, NOTHING)
        if not opinions and path not in self.mine:
            return
        if mine:
            self.mine[path] = mine
        else:
            self.mine.pop(path, None)
        if (item := self._items.get(path)) is not None:
            if not self._changed:
                self._post(OpinionsChanged())
            self._changed.add(item)


def login_name() -> str:
    """The name that the user logged in with, or else the number of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _image(sha256: str, path: str) -> Image:
    from aim_tui.store.judgements import Image

    return Image(sha256, path)


def _everything(judgements: Judgements) -> tuple[dict[str, dict[str, Opinion]], set[str]]:
    """All opinions that stand, and the paths at which the images were seen when they were given."""
    from aim_tui.store.judgements import opinions_of

    held = judgements.held()
    return opinions_of(held), {judgement.image.path for judgement in held}


def _rating(rating: float | None) -> str:
    return f"rating {rating:g}" if rating is not None else "clearing the rating"
