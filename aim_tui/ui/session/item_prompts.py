"""The desk for prompts that images have of their own: taken from what they bring, edited, given up; kept by folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.scoring.context import Context
from aim_tui.core.text import file_name, printable
from aim_tui.ui.concurrency import beside
from aim_tui.ui.session.messages import Said
from aim_tui.ui.session.prompt_file import OwnPrompt, OwnPrompts, PromptFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.ui.session.rows import Rows
    from aim_tui.ui.session.session import Session

#: What each source is called: the values of `inputs.prompts.PromptFrom`, which the start of the screen does without.
SOURCES = {"metadata": "their metadata", "sidecar": "the files beside them", "filename": "their names"}
EDITED = "edited here"
GIVEN_UP = "given up here"
# Images between two looks whether the folder was left.
_AT_ONCE = 200


class OwnPromptDesk:
    """Says what each image is compared with. What a user has edited is on disk before the screen shows it."""

    def __init__(self, session: Session, rows: Rows, score: Callable[[int], None]) -> None:
        self._session = session
        self._rows = rows
        self._score = score
        self._folder: str | None = None
        self._own = OwnPrompts("", {})
        self._counted: tuple[object, int] = (None, 0)
        self._reading: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self.version = 0
        """Another one where any image has another prompt."""

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many of the images have a prompt of their own."""
        rows = self._session.results.rows
        key = (id(rows), len(rows), self.version)
        if self._counted[0] != key:
            self._counted = (key, sum(bool(row.own is not None and row.own.prompt) for row in rows))
        return self._counted[1]

    @property
    def edited(self) -> int:
        """How many of them were edited here."""
        return sum(own.origin == EDITED for own in self._own.entries.values())

    @property
    def reading(self) -> bool:
        """Whether images are being looked into."""
        return self._reading is not None and not self._reading.done()

    def covering(self, context: Context) -> Context:
        """What any image is compared with: everybody's context, or with the prompt that some bring themselves."""
        return context.overlaid(Context(prompt="its own")) if not context.prompt.strip() and self.count else context

    def whose(self, row: Row) -> str:
        """Whose prompt an image is compared with and where it is from; empty where no image has one of its own."""
        if not self.count:
            return ""
        said = self._own.entries.get(row.path) if self._session.viewed is None else None
        if row.own is not None and row.own.prompt:
            return f"its own, {_from(said.origin)}" if said is not None else "its own"
        return f"everybody's: {said.origin}" if said is not None else "everybody's"

    # -- folders -----------------------------------------------------------------------------------------------------

    async def recall(self, folder: str, results: Results) -> None:
        """Give rows that are about to be shown the prompts that were kept for them."""
        self._stop_reading()
        if folder != self._folder:
            self._own, self._folder = OwnPrompts("", {}), folder
            if (file := self._file()) is not None:
                try:
                    self._own, problem = await asyncio.to_thread(file.read)
                except OSError as error:
                    problem = f"the images' own prompts cannot be read ({error.strerror})"
                if problem:
                    self._session.say(Said(problem, "warning"))
        if self._own.entries or self._own.source:
            await beside(self._give, results.rows)
        self.version += 1

    def begin(self) -> None:
        """The rows are shown: those that came since prompts were taken are looked into."""
        if self._own.source:
            self.arrived(self._session.results.rows)

    def arrived(self, rows: Iterable[Row]) -> None:
        """Images have come: where prompts are taken from images, they bring theirs."""
        if self._own.source:
            fresh = [row.path for row in rows if row.path not in self._own.entries]
            if fresh:
                before = self._reading if self.reading else None
                self._reading = self._session.run(self._take(self._own.source, fresh, before))

    def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were; their prompts go with them."""
        gone = {places[path]: own for path, own in self._own.entries.items() if path in places}
        by_folder: dict[str, dict[str, OwnPrompt]] = {}
        for path, own in gone.items():
            by_folder.setdefault(path.rpartition("/")[0], {})[path] = own
            if path.rpartition("/")[0] == self._folder:
                self._own.entries[path] = own
        for folder, entries in by_folder.items():
            self._session.run(self._keep(entries, folder))

    # -- verbs -------------------------------------------------------------------------------------------------------

    def take(self, source: str) -> None:
        """Take the prompts that images bring; what was edited stays. How many have one is said."""
        session = self._session
        if self._refused():
            return
        self._stop_reading()
        kept = {path: own for path, own in self._own.entries.items() if own.origin == EDITED}
        paths = [row.path for row in session.results.rows if row.path not in kept]
        self._reading = session.run(self._take(source, paths, None, told=True, kept=kept))

    async def edit(self, row: Row, text: str) -> None:
        """Compare this image with a text of its own, or with everybody's where it is empty; score it again."""
        if self._refused():
            return
        entry = OwnPrompt(text.strip(), EDITED) if text.strip() else OwnPrompt("", GIVEN_UP)
        self._session.memory.keep_texts("", entry.prompt)
        scored = any(get_metric(metric).needs is Need.PROMPT for metric in row.raws)
        results = self._session.results
        await self._keep({row.path: entry})
        if results is not self._session.results:
            return
        await self._adopt({row.path: entry})
        if scored and self._session.running is not None:
            self._session.say(Said(f"{printable(file_name(row.path))} is out of date; s scores it after the job"))
        elif scored:
            self._score(row.item)

    async def leave(self) -> None:
        """Compare all images with everybody's prompt again."""
        if self._refused():
            return
        self._stop_reading()
        many, results, former = self.count, self._session.results, self._own
        self._own = OwnPrompts("", {})
        await self._keep(replace=True)
        if results is not self._session.results:
            return
        self.version += 1
        for row in results.rows:
            if row.own is not None:
                row.own = None
        self._rows.changed.update(row.item for row in results.rows if row.path in former.entries)
        self._session.prompts_changed()
        self._session.say(Said(f"{many} image{'s are' if many != 1 else ' is'} compared with everybody's prompt again"))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _refused(self) -> bool:
        if self._session.viewed is None:
            return False
        self._session.say(Said("this is a stored run; esc goes back to the folder", "warning"))
        return True

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _take(
        self,
        source: str,
        paths: Sequence[str],
        before: asyncio.Task[None] | None,
        *,
        told: bool = False,
        kept: Mapping[str, OwnPrompt] | None = None,
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        found: dict[str, OwnPrompt] = {}
        for start in range(0, len(paths), _AT_ONCE):
            found |= await asyncio.to_thread(_look_into, paths[start : start + _AT_ONCE], source)
        if kept is None:
            await self._keep(found, source=source)
        elif any(own.prompt for own in found.values()):
            self._own = OwnPrompts(source, dict(kept))
            self._own.entries |= found
            await self._keep(replace=True)
        else:
            self._session.say(Said(_summary(source, found, len(kept)), "warning"))
            return
        await self._adopt(found)
        if told:
            lacking = any(not own.prompt for own in found.values())
            self._session.say(Said(_summary(source, found, len(kept or ())), "warning" if lacking else "information"))

    async def _keep(
        self,
        entries: Mapping[str, OwnPrompt] | None = None,
        folder: str | None = None,
        *,
        source: str | None = None,
        replace: bool = False,
    ) -> None:
        """Write it down, before it is shown; where that fails it is said, and holds until the end."""
        if (file := self._file(folder)) is None:
            return
        own = self._own
        async with self._writing:
            try:
                if replace:
                    await asyncio.to_thread(file.replace, own)
                else:
                    wanted = (source or own.source) if folder in (None, self._folder) else ""
                    await asyncio.to_thread(file.add, wanted, dict(entries or {}))
            except OSError as error:
                self._session.say(Said(f"the prompts are not kept for the next start: {error.strerror}", "error"))

    def _file(self, folder: str | None = None) -> PromptFile | None:
        path = self._session.memory.prompts_path(self._folder if folder is None else folder)
        return PromptFile(path) if path is not None else None

    async def _adopt(self, entries: Mapping[str, OwnPrompt]) -> None:
        """These count from now on; what was made against another prompt is out of date by that."""
        self._own.entries |= entries
        rows = self._session.results.rows
        await beside(self._give, rows)
        if rows is not self._session.results.rows:
            return
        self.version += 1
        self._rows.changed.update(row.item for row in rows if row.path in entries)
        self._session.prompts_changed()

    def _give(self, rows: Sequence[Row]) -> None:
        entries = self._own.entries
        # One that has none is told so: in a job where others have one, it is compared with everybody's or with nothing.
        nothing = Context() if any(own.prompt for own in entries.values()) else None
        for row in rows:
            own = entries.get(row.path)
            row.own = Context(prompt=own.prompt) if own is not None and own.prompt else nothing


def _from(origin: str) -> str:
    return origin if origin == EDITED else f"from {origin}"


def _look_into(paths: Sequence[str], source: str) -> dict[str, OwnPrompt]:
    """What images bring; runs in a thread."""
    from aim_tui.inputs.prompts import FoundPrompt, PromptFrom, find_prompt

    where = PromptFrom(source)
    found = ((path, find_prompt(path, where)) for path in paths)
    return {
        path: OwnPrompt(each.prompt, each.origin) if isinstance(each, FoundPrompt) else OwnPrompt("", each.reason)
        for path, each in found
    }


def _summary(source: str, found: Mapping[str, OwnPrompt], kept: int) -> str:
    """How many images have a prompt and from where, and why the others have none."""
    origins = Counter(own.origin for own in found.values() if own.prompt)
    lacking = [(path, own.origin) for path, own in found.items() if not own.prompt]
    said = f"prompts of {origins.total()} of {len(found)} images from {SOURCES[source]}"
    if source == "metadata" and origins:
        said += f" ({', '.join(f'{many} {printable(name)}' for name, many in origins.most_common(3))})"
    if kept:
        said += f"; {kept} edited here stay{'s' if kept == 1 else ''}"
    if lacking:
        path, reason = lacking[0]
        such = "" if len(lacking) == 1 else f"{len(lacking)} have none, such as "
        none = " has none" if len(lacking) == 1 else ""
        said += f"; {such}{printable(file_name(path))}{none}: {printable(reason)}"
    return said
