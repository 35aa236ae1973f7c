"""What is back when the application starts again: looks for all folders, and for each folder where the user was.

Prompts and topics have a history of their own, which all folders share.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.scoring.context import Context
from aim_tui.core.selection.sorting import SortKey
from aim_tui.core.text import printable
from aim_tui.settings.state_file import StateFile, make_private

#: Texts of each kind that the history holds.
HISTORY = 200
# Folders that are remembered; those that were left longest ago are forgotten.
_FOLDERS = 1000
_SAVE_AFTER_SECONDS = 0.5
# Another program that writes the history is done in a moment, or hangs.
_PATIENCE_SECONDS = 2.0

State = TypeVar("State", bound=msgspec.Struct)


class Looks(msgspec.Struct, frozen=True):
    """How the application was made to look; None where nothing was chosen."""

    theme: str | None = None
    compact: bool | None = None


class FolderState(msgspec.Struct, frozen=True):
    """How a folder was scored, and where the user was in it."""

    folder: str = ""
    topic: str = ""
    prompt: str = ""
    reference: str = ""
    sort: str = "item"
    reverse: bool = False
    filter: str = ""
    current: str = ""
    info: str = ""
    watch: str = ""
    profile: str = ""


class Texts(msgspec.Struct, frozen=True):
    """Texts that were saved, the newest first, none of them twice."""

    topics: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()

    def with_newest(self, topics: Iterable[str], prompts: Iterable[str]) -> Texts:
        """With these before the others, as many as are kept."""
        return Texts(newest_first(topics, self.topics), newest_first(prompts, self.prompts))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the user is in a folder: order, filter, current image, what the info line says."""

    sort: SortKey = SortKey()
    filter: str = ""
    current: str = ""
    """The path of the current image; empty where there is none."""
    info: str = ""


def newest_first(new: Iterable[str], old: Iterable[str]) -> tuple[str, ...]:
    """Texts without empty ones and without repetitions, as many as a history holds."""
    return tuple(dict.fromkeys(text for text in (*new, *old) if text.strip()))[:HISTORY]


class SavedState:
    """Remembers in files below `root`, or nothing at all where that is None. Files are written a moment later.

    `name` keeps apart what must not mix with the user's own folders, such as a demonstration; looks are shared.
    """

    def __init__(self, root: Path | None, name: str, report: Callable[[str], object]) -> None:
        self._root = root
        self._home = root / name if root is not None and name else root
        self._named = name
        self._report = report
        self.problems: list[str] = []
        """What was wrong with the files; shown once, when the application is open."""
        self.recalled: tuple[str, ...] = ()
        """What is as it was last time: profile, topic, prompt, reference."""
        self.last_profile: Profile | None = None
        """The profile that the folder was scored with last time, in place of the settings' own."""
        self._waiting: dict[Path, msgspec.Struct] = {}
        self._new_texts: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._saving: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._failed = False
        self.looks = self._read(root / "looks.json", Looks) if root is not None else Looks()
        self.texts = self._read(self._home / "prompts.json", Texts) if self._home is not None else Texts()
        self._state = FolderState()
        self._begun = Context()

    # -- beginning ---------------------------------------------------------------------------------------------------

    def begin(self, folder: str, given: Context) -> Context:
        """What images of a folder are compared with: what was given, else what it was last time."""
        self._state = self._load(folder)
        last = Context(self._state.topic, self._state.prompt, self._state.reference)
        if last.reference and not given.reference and not os.path.exists(last.reference):
            self.problems.append(f"the reference of last time is gone: {printable(last.reference)}")
            last = replace(last, reference="")
        context = Context(given.topic or last.topic, given.prompt or last.prompt, given.reference or last.reference)
        self.recalled = tuple(
            name for name in ("topic", "prompt", "reference") if getattr(last, name) and not getattr(given, name)
        )
        self._begun = context
        if given.topic or given.prompt:
            self.add_texts(given.topic, given.prompt)
        if given != Context():
            self.set_context(context)
        return context

    def begin_profile(self, profile: Profile, known: Mapping[str, Profile], *, given: bool) -> None:
        """Score with `profile` where it was `given`, else with the one that was used here last time."""
        last = self._state.profile
        if given:
            self.set_profile(profile.name)
        elif last in known and last != profile.name:
            self.last_profile = known[last]
            self.recalled = ("profile", *self.recalled)
        elif last and last != profile.name:
            self.problems.append(f"the profile of last time, {printable(last)}, is not there; {profile.name} is used")

    def recalled_in(self, context: Context, profile: str) -> tuple[str, ...]:
        """What is still as it was recalled: profile, topic, prompt, reference."""
        same = {
            name for name in self.recalled if name != "profile" and getattr(context, name) == getattr(self._begun, name)
        }
        if self.last_profile is not None and self.last_profile.name == profile:
            same.add("profile")
        return tuple(name for name in self.recalled if name in same)

    @property
    def place(self) -> Place:
        """Where the user was."""
        state = self._state
        return Place(SortKey(state.sort, state.reverse), state.filter, state.current, state.info)

    @property
    def watch(self) -> str:
        """How the folder is watched; empty where it is not."""
        return self._state.watch

    # -- what happens ------------------------------------------------------------------------------------------------

    def enter(self, folder: str) -> None:
        """Another folder is open: what is remembered of it stays until something is done there."""
        if folder != self._state.folder and not self._named:
            self._state = self._load(folder)

    def set_place(self, place: Place) -> None:
        """The user is there now; no current image leaves the one that was."""
        self._remember(
            msgspec.structs.replace(
                self._state,
                sort=place.sort.column,
                reverse=place.sort.reverse,
                filter=place.filter,
                current=place.current or self._state.current,
                info=place.info,
            )
        )

    def set_context(self, context: Context) -> None:
        """The images of this folder are compared with this now, because the user wanted so here."""
        self._remember(
            msgspec.structs.replace(
                self._state, topic=context.topic, prompt=context.prompt, reference=context.reference
            )
        )

    def set_profile(self, profile: str) -> None:
        """The images of this folder are scored with this profile from now on."""
        self._remember(msgspec.structs.replace(self._state, profile=profile))

    def set_watch(self, watch: str) -> None:
        """The folder is watched like this from now on."""
        self._remember(msgspec.structs.replace(self._state, watch=watch))

    def add_texts(self, topic: str, prompt: str) -> None:
        """A topic and a prompt were saved."""
        topics, prompts = self._new_texts
        self._new_texts = newest_first([topic], topics), newest_first([prompt], prompts)
        self.texts = self.texts.with_newest([topic], [prompt])
        self._save_soon()

    def set_looks(self, *, theme: str | None = None, compact: bool | None = None) -> None:
        """The user wants the application to look like this, from now on."""
        self.looks = Looks(
            theme if theme is not None else self.looks.theme, compact if compact is not None else self.looks.compact
        )
        if self._root is not None:
            self._waiting[self._root / "looks.json"] = self.looks
            self._save_soon()

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._save()
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)

    # -- files -------------------------------------------------------------------------------------------------------

    def _file(self, folder: str) -> Path | None:
        if self._home is None:
            return None
        name = self._named or hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        return self._home / "folders" / f"{name}.json"

    def prompts_path(self, folder: str | None) -> Path | None:
        """Where the prompts that images of a folder have of their own are kept; None where nothing is."""
        path = self._file(folder) if folder is not None else None
        return path.parent.with_name("prompts") / f"{path.stem}.jsonl" if path is not None else None

    def _load(self, folder: str) -> FolderState:
        path = self._file(folder)
        if path is None:
            return FolderState(folder)
        if path in self._waiting:
            waiting = self._waiting[path]
            assert isinstance(waiting, FolderState)
            return waiting
        return msgspec.structs.replace(self._read(path, FolderState), folder=folder)

    def _read(self, path: Path, kind: type[State]) -> State:
        state, problem = StateFile(path, kind).read()
        if problem:
            self.problems.append(problem)
        return state

    def _remember(self, state: FolderState) -> None:
        if state != self._state:
            self._state = state
            if (path := self._file(state.folder)) is not None:
                self._waiting[path] = state
                self._save_soon()

    def _save_soon(self) -> None:
        if self._root is None or (self._saving is not None and not self._saving.done()):
            return
        # Before the application runs there is nothing to save in; whatever comes next does, or its end.
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            self._saving = loop.create_task(self._save_later())

    async def _save_later(self) -> None:
        while self._waiting or any(self._new_texts):
            await asyncio.sleep(_SAVE_AFTER_SECONDS)
            await self._save()
            if self._failed:
                return

    async def _save(self) -> None:
        async with self._writing:
            waiting, self._waiting = self._waiting, {}
            new_texts, self._new_texts = self._new_texts, ((), ())
            if self._root is None or not (waiting or any(new_texts)):
                return
            try:
                await asyncio.to_thread(self._write, waiting, new_texts)
            except OSError as error:
                if not self._failed:
                    self._failed = True
                    self._report(
                        f"{printable(str(self._root))} cannot be written ({error.strerror}); nothing is remembered"
                    )

    def _write(self, waiting: dict[Path, msgspec.Struct], new_texts: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        """Runs in a thread."""
        for path, state in waiting.items():
            StateFile(path, type(state)).write(state)
        if any(new_texts) and self._home is not None:
            _add_texts(self._home / "prompts.json", new_texts)
        if self._home is not None and not self._named and waiting:
            _forget_oldest(self._home / "folders")


def _add_texts(path: Path, new_texts: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    """Put texts before those in the file: other programs may have added some meanwhile."""
    import filelock

    make_private(path.parent)
    lock = filelock.FileLock(f"{path}.lock", timeout=_PATIENCE_SECONDS)
    # Where nobody can lock, two programs at the same moment may forget one text: still better than all.
    with contextlib.suppress(OSError, filelock.Timeout):
        lock.acquire()
    try:
        file = StateFile(path, Texts)
        texts, _ = file.read()
        file.write(texts.with_newest(*new_texts))
    finally:
        lock.release()


def _forget_oldest(folder: Path) -> None:
    """Keep as many folders as are worth it."""
    with contextlib.suppress(OSError):
        files = list(folder.glob("*.json"))
        if len(files) > _FOLDERS:
            files.sort(key=lambda path: path.stat().st_mtime)
            for path in files[: len(files) - _FOLDERS]:
                path.unlink(missing_ok=True)
