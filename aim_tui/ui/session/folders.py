"""Opens folders, and stored runs in their place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.scoring.results import Results
from aim_tui.core.text import printable
from aim_tui.inputs.listing import FolderListing, count_below, list_folder, list_paths
from aim_tui.store.records import Run
from aim_tui.ui.session.messages import BelowCounted, FolderOpened
from aim_tui.ui.session.metric_choice import MetricChoice
from aim_tui.ui.session.row_memory import RowMemory
from aim_tui.ui.session.saved_state import Place
from aim_tui.ui.session.store_access import StoreAccess
from aim_tui.ui.session.workspace import FolderBehind, Workspace

if TYPE_CHECKING:
    from aim_tui.ui.session.jobs import Jobs


# Paths without images of which each is said alone.
_PROBLEMS = 3
# Seconds that images in sub-folders are counted for at most.
_COUNT_SECONDS = 2.0


class FolderService:
    """Changes which rows are shown, one change at a time; what is known of the rows that go is kept.

    `add_prompts` gives rows that are about to be shown the prompts that they have of their own, `look_for_models` is
    called when the profile has changed.
    """

    def __init__(
        self,
        workspace: Workspace,
        jobs: Jobs,
        store: StoreAccess,
        *,
        add_prompts: Callable[[str, Results], Awaitable[None]],
        move_prompts: Callable[[Mapping[str, str]], None],
        look_for_models: Callable[[], Awaitable[None]],
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._store = store
        self._add_prompts = add_prompts
        self._move_prompts = move_prompts
        self._look_for_models = look_for_models
        self._memory = RowMemory(workspace)
        self._changing = asyncio.Lock()

    def open(self, folder: Path, paths: Sequence[str] = (), *, recursive: bool = False) -> asyncio.Task[None]:
        """Show other images, as `show` does. A job that runs is cancelled; its later events are dropped."""
        return self._workspace.tasks.run(self.show(folder, paths, recursive=recursive))

    def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were: list the folder again; their scores go with them."""
        if places:
            self._workspace.tasks.run(self._list_again(places))

    def open_run(self, run: Run) -> None:
        """Show a stored run: its images, what they were scored against, its weights. `leave_run` goes back."""
        workspace, request, results = self._workspace, run.request, run.results
        if workspace.behind is None:
            self._memory.keep(workspace.profile)
            workspace.behind = FolderBehind(workspace.listing, workspace.choice, workspace.context)
        self._jobs.abandon()
        workspace.rows_leaving()
        workspace.viewed = run.info
        workspace.choice = MetricChoice(
            request.profile, request.plan.metrics, {**request.profile.weights, **request.plan.weights}
        )
        workspace.problem = ""
        listing = FolderListing(Path(run.info.folder), [], [row.path for row in results.rows])
        workspace.show_rows(listing, results)
        workspace.rows_shown()
        workspace.post(FolderOpened(listing))

    def leave_run(self) -> None:
        """Go back from a stored run to the folder, and to the setup there."""
        self._workspace.tasks.run(self._leave_run())

    def use_profile(self, profile: Profile) -> None:
        """Score with other models; scores made with the present ones come back when they do."""
        self._workspace.tasks.run(self._use_profile(profile))

    def remember(self, place: Place) -> None:
        """The user is there now in the folder; in a stored run that is nothing to come back to."""
        if self._workspace.viewed is None:
            self._workspace.saved_state.set_place(place)

    async def show(self, folder: Path, paths: Sequence[str] = (), *, recursive: bool = False, named: str = "") -> None:
        """Show a folder's images, those below it too where `recursive`, or those of `paths` in their place.

        The file that is `named` is shown whatever its name ends with. A folder that cannot be read is not opened, which
        is reported.
        """
        workspace = self._workspace
        async with self._changing:
            if paths or recursive:
                listing = await asyncio.to_thread(list_paths, folder, paths, recursive)
            else:
                listing = await asyncio.to_thread(list_folder, folder, named)
            if listing.problem and not paths and folder != workspace.listing.folder:
                workspace.notify(f"{printable(str(folder))}: {listing.problem}", "error")
                return
            # Another folder is scored as folders were before a stored run was opened.
            await self._rebuild(listing, workspace.behind.choice if workspace.behind else workspace.choice)

    async def _list_again(self, places: Mapping[str, str]) -> None:
        listing = self._workspace.listing
        paths = [places.get(path, path) for path in listing.paths]
        self._memory.move(places, self._workspace.profile)
        self._move_prompts(places)
        await self.show(listing.folder, paths, recursive=listing.recursive)

    async def _use_profile(self, profile: Profile) -> None:
        """The same images under other models, with what those have measured before."""
        self._workspace.saved_state.set_profile(profile.name)
        async with self._changing:
            await self._rebuild(self._workspace.listing, self._workspace.choice.under(profile))
        await self._look_for_models()

    async def _leave_run(self) -> None:
        if (behind := self._workspace.behind) is not None:
            async with self._changing:
                await self._rebuild(behind.listing, behind.choice)

    async def _rebuild(self, listing: FolderListing, choice: MetricChoice) -> None:
        """Rows for these images under this choice, with what is known of them already."""
        workspace = self._workspace
        # What appears meanwhile is found when the watch begins again.
        workspace.rows_leaving()
        self._keep()
        fresh = await self._memory.prepare(listing.images, choice.profile)
        await self._add_prompts(str(listing.folder), fresh)
        # From here to the end nothing waits, so no key and no event can fall between old and new rows. What arrived
        # while the new ones were made is not lost: both share the rows.
        self._jobs.abandon()
        self._keep()
        if choice.profile == workspace.profile:
            before = workspace.results
            fresh.models, fresh.prompt, fresh.topic = before.models, before.prompt, before.topic
        fresh.context = workspace.behind.context if workspace.behind else workspace.context
        workspace.behind = workspace.viewed = None
        workspace.choice = choice
        workspace.show_rows(listing, fresh)
        workspace.saved_state.enter(str(listing.folder))
        workspace.update_plan()
        workspace.rows_shown()
        workspace.post(FolderOpened(listing))
        self._report(listing)
        if self._store.path is not None and listing.images:
            work = self._memory.recall(self._store, workspace.profile, workspace.engine_settings())
            workspace.recall = workspace.tasks.run(work)

    def _report(self, listing: FolderListing) -> None:
        """Say what of the folder is not shown: paths without images, files left out, images in sub-folders."""
        workspace = self._workspace
        for problem in listing.problems[:_PROBLEMS]:
            workspace.notify(f"{problem.path}: {problem.reason}", "warning")
        if (more := len(listing.problems) - _PROBLEMS) > 0:
            workspace.notify(f"{more} more paths without images", "warning")
        if listing.folders and not listing.recursive and not listing.paths:
            workspace.tasks.run(self._count_below(listing))

    async def _count_below(self, listing: FolderListing) -> None:
        below = await asyncio.to_thread(count_below, listing.folders, _COUNT_SECONDS)
        workspace = self._workspace
        if below and workspace.listing is listing:
            workspace.below = below
            workspace.notify(f"{below} of {listing.folder}: R in the files (o), or aim-tui -r, shows them", quiet=True)
            workspace.post(BelowCounted())

    def _keep(self) -> None:
        # The values of a stored run are not taken for what would come out now.
        if self._workspace.viewed is None:
            self._memory.keep(self._workspace.profile)
