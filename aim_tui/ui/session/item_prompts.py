"""Prompts that images have of their own: taken from what they bring, edited, dropped; kept by folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.scoring.context import Context
from aim_tui.core.text import file_name, printable
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.session.prompt_file import EDITED, GIVEN_UP, ItemPrompt, ItemPrompts, PromptFile
from aim_tui.ui.session.undo_history import UndoHistory, UndoResult, UndoStep

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.ui.session.workspace import Workspace

#: What each source is called: the values of `inputs.prompts.PromptFrom`, which the start of the screen does without.
SOURCES = {
    "metadata": "their metadata",
    "metadata-tags": "their metadata, <lora:...> kept",
    "sidecar": "the files beside them",
    "filename": "their names",
}
# What a user decided stays, whatever an image brings.
_TYPED = (EDITED, GIVEN_UP)
# Images that are read before the next check whether the folder was left.
_AT_ONCE = 200


class ItemPromptService:
    """Changes what each image is compared with. What a user has edited is on disk before the screen shows it.

    `update_scores` scores one image again. What a user does is a step of the undo history while the folder is open.
    """

    def __init__(self, workspace: Workspace, update_scores: Callable[[int], None], undo_history: UndoHistory) -> None:
        self._workspace = workspace
        self._update_scores = update_scores
        self._undo_history = undo_history
        self._folder: str | None = None
        self._writing = asyncio.Lock()

    # -- folders -----------------------------------------------------------------------------------------------------

    async def recall(self, folder: str, results: Results) -> None:
        """Give rows that are about to be shown the prompts that were kept for them."""
        self._stop_reading()
        if folder != self._folder:
            self._undo_history.forget(self)
            self._workspace.item_prompts, self._folder = ItemPrompts("", {}), folder
            if (file := self._file()) is not None:
                try:
                    self._workspace.item_prompts, problem = await asyncio.to_thread(file.read)
                except OSError as error:
                    problem = f"the images' own prompts cannot be read ({error.strerror})"
                if problem:
                    self._workspace.notify(problem, "warning")
        if self._workspace.item_prompts.entries or self._workspace.item_prompts.source:
            await in_row_thread(self._assign, results.rows)
        self._workspace.item_prompts_version += 1

    def rows_shown(self) -> None:
        """The rows are shown: those that came since prompts were taken are read."""
        if self._workspace.viewed is None and self._workspace.item_prompts.source:
            self.rows_added(self._workspace.results.rows)

    def rows_added(self, rows: Iterable[Row]) -> None:
        """Images have come: where prompts are taken from images, they bring theirs."""
        if self._workspace.item_prompts.source:
            fresh = [row.path for row in rows if row.path not in self._workspace.item_prompts.entries]
            if fresh:
                before = self._workspace.prompt_reading if self._workspace.reading_prompts else None
                self._start_reading(self._take(self._workspace.item_prompts.source, fresh, before))

    def rows_replaced(self, rows: Iterable[Row]) -> None:
        """Files of these rows are others now, and may bring other prompts; what was edited stays."""
        entries, source = self._workspace.item_prompts.entries, self._workspace.item_prompts.source
        brought = [row.path for row in rows if row.path in entries and entries[row.path].origin not in _TYPED]
        if source and brought:
            before = self._workspace.prompt_reading if self._workspace.reading_prompts else None
            self._start_reading(self._take(source, brought, before))

    def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were; their prompts go with them."""
        gone = {places[path]: own for path, own in self._workspace.item_prompts.entries.items() if path in places}
        by_folder: dict[str, dict[str, ItemPrompt]] = {}
        for path, own in gone.items():
            by_folder.setdefault(path.rpartition("/")[0], {})[path] = own
            if path.rpartition("/")[0] == self._folder:
                self._workspace.item_prompts.entries[path] = own
        for folder, entries in by_folder.items():
            self._workspace.tasks.run(self._keep(entries, folder))

    # -- verbs -------------------------------------------------------------------------------------------------------

    def take(self, source: str) -> None:
        """Take the prompts that images bring; what was edited stays. The user is told how many have one."""
        if self._refused():
            return
        self._stop_reading()
        kept = {path: own for path, own in self._workspace.item_prompts.entries.items() if own.origin == EDITED}
        paths = [row.path for row in self._workspace.results.rows if row.path not in kept]
        self._start_reading(self._take(source, paths, None, report=True, kept=kept))

    async def edit(self, row: Row, text: str) -> None:
        """Compare this image with a text of its own, or with everybody's where it is empty; score it again."""
        if self._refused():
            return
        entry = ItemPrompt(text.strip(), EDITED) if text.strip() else ItemPrompt("", GIVEN_UP)
        before = self._workspace.item_prompts.entries.get(row.path)
        self._workspace.saved_state.add_texts("", entry.prompt)
        if await self._set_entry(row, entry):
            name = file_name(row.path)
            what = f"prompt of {name}" if entry.prompt else f"clearing the prompt of {name}"
            undo, redo = partial(self._set_entry_again, row, before), partial(self._set_entry_again, row, entry)
            self._undo_history.add(UndoStep(what, undo, redo, owner=self, id=row.id))

    async def _set_entry(self, row: Row, entry: ItemPrompt | None) -> bool:
        """Give an image this entry or none, and score it again; False where the folder was left meanwhile."""
        scored = any(get_metric(metric).needs is Need.PROMPT for metric in row.raws)
        results = self._workspace.results
        if entry is None:
            self._workspace.item_prompts.entries.pop(row.path, None)
            await self._keep(replace=True)
        else:
            await self._keep({row.path: entry})
        if results is not self._workspace.results:
            return False
        await self._adopt({row.path: entry} if entry is not None else {})
        self._workspace.mark_changed([row.item])
        if scored and self._workspace.running is not None:
            self._workspace.notify(f"{printable(file_name(row.path))} is out of date; s scores it after the job")
        elif scored:
            self._update_scores(row.item)
        return True

    async def _set_entry_again(self, row: Row, entry: ItemPrompt | None) -> UndoResult:
        if self._refused():
            return UndoResult.REFUSED
        rows = self._workspace.results.rows
        now = next((each for each in rows if each.path == row.path), None)
        if now is None:
            self._workspace.notify(f"{file_name(row.path)} is no longer among the images", "warning")
            return UndoResult.IMPOSSIBLE
        return self._done(await self._set_entry(now, entry))

    async def leave(self) -> None:
        """Compare all images with everybody's prompt again."""
        if self._refused():
            return
        count, former = self._workspace.item_prompt_count, self._workspace.item_prompts
        nobodys = ItemPrompts("", {})
        if await self._set_prompts(nobodys):
            self._add_step("leaving the images' own prompts", former, nobodys)
            self._workspace.notify(
                f"{count} image{'s are' if count != 1 else ' is'} compared with everybody's prompt again"
            )

    async def _set_prompts(self, prompts: ItemPrompts) -> bool:
        """These are the images' own prompts now; False where the folder was left meanwhile."""
        self._stop_reading()
        workspace = self._workspace
        results, former = workspace.results, workspace.item_prompts
        workspace.item_prompts = prompts
        await self._keep(replace=True)
        if results is not workspace.results:
            return False
        await self._adopt({})
        changed = former.entries.keys() | prompts.entries.keys()
        workspace.mark_changed(row.item for row in results.rows if row.path in changed)
        return True

    async def _set_prompts_again(self, prompts: ItemPrompts) -> UndoResult:
        if self._refused():
            return UndoResult.REFUSED
        return self._done(await self._set_prompts(prompts))

    def _add_step(self, what: str, before: ItemPrompts, after: ItemPrompts) -> None:
        undo, redo = partial(self._set_prompts_again, before), partial(self._set_prompts_again, after)
        self._undo_history.add(UndoStep(what, undo, redo, owner=self))

    def _done(self, done: bool) -> UndoResult:
        if not done:
            self._workspace.notify("the prompts are kept, but other images are shown meanwhile", "warning")
        return UndoResult.DONE if done else UndoResult.IMPOSSIBLE

    # -- inside ------------------------------------------------------------------------------------------------------

    def _refused(self) -> bool:
        if self._workspace.viewed is None:
            return False
        self._workspace.notify("this is a stored run; esc goes back to the folder", "warning")
        return True

    def _start_reading(self, work: Coroutine[Any, Any, None]) -> None:
        self._workspace.prompt_reading = self._workspace.tasks.run(work)

    def _stop_reading(self) -> None:
        if self._workspace.prompt_reading is not None:
            self._workspace.prompt_reading.cancel()
            self._workspace.prompt_reading = None

    async def _take(
        self,
        source: str,
        paths: Sequence[str],
        before: asyncio.Task[None] | None,
        *,
        report: bool = False,
        kept: Mapping[str, ItemPrompt] | None = None,
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        prompts: dict[str, ItemPrompt] = {}
        for start in range(0, len(paths), _AT_ONCE):
            prompts |= await asyncio.to_thread(_read_prompts, paths[start : start + _AT_ONCE], source)
        if kept is None:
            await self._keep(prompts, source=source)
        elif any(prompt.prompt for prompt in prompts.values()):
            former = self._workspace.item_prompts
            self._workspace.item_prompts = ItemPrompts(source, {**kept, **prompts})
            self._add_step(f"prompts from {SOURCES[source]}", former, self._workspace.item_prompts)
            await self._keep(replace=True)
        else:
            self._workspace.notify(_summary(source, prompts, len(kept)), "warning")
            return
        await self._adopt(prompts)
        if report:
            lacking = any(not prompt.prompt for prompt in prompts.values())
            self._workspace.notify(_summary(source, prompts, len(kept or ())), "warning" if lacking else "information")

    async def _keep(
        self,
        entries: Mapping[str, ItemPrompt] | None = None,
        folder: str | None = None,
        *,
        source: str | None = None,
        replace: bool = False,
    ) -> None:
        """Store entries before they are shown; where that fails it is reported, and they hold until the end."""
        if (file := self._file(folder)) is None:
            return
        own = self._workspace.item_prompts
        async with self._writing:
            try:
                if replace:
                    await asyncio.to_thread(file.replace, own)
                else:
                    wanted = (source or own.source) if folder in (None, self._folder) else ""
                    await asyncio.to_thread(file.add, wanted, dict(entries or {}))
            except OSError as error:
                self._workspace.notify(f"the prompts are not kept for the next start: {error.strerror}", "error")

    def _file(self, folder: str | None = None) -> PromptFile | None:
        path = self._workspace.saved_state.prompts_path(self._folder if folder is None else folder)
        return PromptFile(path) if path is not None else None

    async def _adopt(self, entries: Mapping[str, ItemPrompt]) -> None:
        """These count from now on; what was made against another prompt is out of date by that."""
        self._workspace.item_prompts.entries |= entries
        rows = self._workspace.results.rows
        await in_row_thread(self._assign, rows)
        if rows is not self._workspace.results.rows:
            return
        self._workspace.item_prompts_version += 1
        self._workspace.mark_changed(row.item for row in rows if row.path in entries)
        self._workspace.setup_changed()

    def _assign(self, rows: Sequence[Row]) -> None:
        entries = self._workspace.item_prompts.entries
        # One without gets a context too, with the reason: in a job where others have one, it is compared with
        # everybody's or nothing.
        some = any(own.prompt for own in entries.values())
        for row in rows:
            own = entries.get(row.path)
            prompt, origin = (own.prompt, own.origin) if own is not None else ("", "")
            row.own = Context(prompt=prompt, prompt_origin=origin) if some else None


def _read_prompts(paths: Sequence[str], source: str) -> dict[str, ItemPrompt]:
    """What images bring; runs in a thread."""
    from aim_tui.inputs.prompts import FoundPrompt, PromptFrom, find_prompt

    where, _, tags = source.partition("-")
    prompts = ((path, find_prompt(path, PromptFrom(where), keep_tags=bool(tags))) for path in paths)
    return {
        path: ItemPrompt(each.prompt, each.described) if isinstance(each, FoundPrompt) else ItemPrompt("", each.reason)
        for path, each in prompts
    }


def _summary(source: str, prompts: Mapping[str, ItemPrompt], kept: int) -> str:
    """How many images have a prompt and from where, and why the others have none."""
    from aim_tui.inputs.prompts import origin_in

    described = [origin_in(prompt.origin) for prompt in prompts.values() if prompt.prompt]
    origins = Counter(origin for origin, _ in described)
    lacking = [(path, prompt.origin) for path, prompt in prompts.items() if not prompt.prompt]
    summary = f"prompts of {origins.total()} of {len(prompts)} images from {SOURCES[source]}"
    if source.startswith("metadata") and origins:
        summary += f" ({', '.join(f'{many} {printable(name)}' for name, many in origins.most_common(3))})"
    if tagged := sum(without for _, without in described):
        summary += f"; {tagged} without <lora:...> and the like (I l keeps them)"
    if kept:
        summary += f"; {kept} edited here stay{'s' if kept == 1 else ''}"
    if lacking:
        path, reason = lacking[0]
        such = "" if len(lacking) == 1 else f"{len(lacking)} have none, such as "
        none = " has none" if len(lacking) == 1 else ""
        summary += f"; {such}{printable(file_name(path))}{none}: {printable(reason)}"
    return summary
