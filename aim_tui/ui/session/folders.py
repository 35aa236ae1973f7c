"""The images on the table: those of a folder, or of a stored run that is shown in its place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.text import printable
from aim_tui.inputs.listing import FolderListing, list_folder
from aim_tui.ui.session.messages import FolderOpened, Said
from aim_tui.ui.session.metric_choice import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.core.scoring.context import Context
    from aim_tui.store.records import Run, RunInfo
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.rows import Rows
    from aim_tui.ui.session.session import Session


@dataclass(frozen=True, slots=True)
class _Before:
    """What was on the screen before a stored run was opened."""

    listing: FolderListing
    asked: Asked
    context: Context


class FolderDesk:
    """Changes what the rows are of; one change at a time, and none loses what is known of the rows that go."""

    def __init__(self, session: Session, jobs: Jobs, rows: Rows) -> None:
        self._session = session
        self._jobs = jobs
        self._rows = rows
        self._changing = asyncio.Lock()
        self._before: _Before | None = None
        self._recalling: asyncio.Task[None] | None = None
        self.viewed: RunInfo | None = None
        """The stored run that is shown in place of a folder."""

    @property
    def folder(self) -> str:
        """The folder whose images are scored, also while a stored run is shown in its place."""
        return str((self._before.listing if self._before else self._rows.listing).folder)

    @property
    def source(self) -> str:
        """Where the rows come from: a folder, or a stored run."""
        return str(self._rows.listing.folder) if self.viewed is None else f"run {self.viewed.id}"

    @property
    def notice(self) -> str:
        """That a stored run is shown and how to leave it, or nothing."""
        if self.viewed is None:
            return ""
        begun = self.viewed.started.astimezone().strftime("%Y-%m-%d %H:%M")
        return f"stored run of {begun}, {self.viewed.state}; esc goes back to the folder"

    @property
    def recalling(self) -> bool:
        """Whether the store is being asked what it knows of these images."""
        return self._recalling is not None and not self._recalling.done()

    async def recalled(self) -> None:
        """Wait until the store has told what it knows of these images."""
        if self._recalling is not None and self.recalling:
            await asyncio.wait([self._recalling])

    async def open(self, folder: Path, images: tuple[str, ...] | None = None) -> None:
        """Make a folder's images the rows, or these; one that cannot be read is not opened, which is said."""
        async with self._changing:
            listing = await asyncio.to_thread(list_folder, folder)
            if images is not None:
                listing = replace(listing, images=list(images), problem=None)
            elif listing.problem and folder != self._rows.listing.folder:
                self._session.post(Said(f"{printable(str(folder))}: {listing.problem}", "error"))
                return
            # Of another folder is asked what was asked before a stored run was opened.
            await self._rebuild(listing, self._before.asked if self._before else self._session.asked)

    async def moved(self, places: Mapping[str, str]) -> None:
        """Images lie elsewhere now, by where they were: list the folder again; their scores go with them."""
        listing, launch = self._rows.listing, self._session.launch
        named = launch.images is not None and listing.folder == launch.folder
        images = tuple(places.get(path, path) for path in listing.images) if named else None
        self._rows.moved(places, self._session.profile)
        self._session.own_prompts.moved(places)
        await self.open(listing.folder, images)

    async def use_profile(self, profile: Profile) -> None:
        """The same images under other models, with what those have said of them before."""
        async with self._changing:
            await self._rebuild(self._rows.listing, self._session.asked.under(profile))

    def open_run(self, run: Run) -> None:
        """Show a stored run: its images, what they were scored against, its weights."""
        session, request, stored = self._session, run.request, run.results
        if self._before is None:
            self._rows.remember(session.profile)
            self._before = _Before(self._rows.listing, session.asked, session.context)
        self._jobs.abandon()
        session.watching.stop()
        self.viewed = run.info
        session.asked = Asked(
            request.profile, request.plan.metrics, {**request.profile.weights, **request.plan.weights}
        )
        session.problem = ""
        listing = FolderListing(Path(run.info.folder), [], [row.path for row in stored.rows])
        self._rows.show(listing, stored)
        session.judging.open(stored.rows)
        self._session.post(FolderOpened(listing))

    async def leave_run(self) -> None:
        """Go back from a stored run to the folder, and to what was asked there."""
        if self._before is not None:
            before = self._before
            async with self._changing:
                await self._rebuild(before.listing, before.asked)

    async def _rebuild(self, listing: FolderListing, asked: Asked) -> None:
        """Rows for these images under this profile, with what is known of them already."""
        session, rows = self._session, self._rows
        # What appears meanwhile is found when it begins again.
        session.watching.stop()
        self._remember()
        fresh = await rows.prepare(listing.images, asked.profile)
        await session.own_prompts.recall(str(listing.folder), fresh)
        # From here to the end nothing waits, so no key and no fact can fall between old and new rows. What arrived
        # while the new ones were made is taken along by its row, which they share.
        self._jobs.abandon()
        self._remember()
        if asked.profile == session.profile:
            fresh.models, fresh.prompt = rows.results.models, rows.results.prompt
        fresh.context = self._before.context if self._before else session.context
        self._before = self.viewed = None
        session.asked = asked
        rows.show(listing, fresh)
        session.memory.enter(str(listing.folder))
        session.watching.begin()
        session.score_by_plan()
        session.judging.open(fresh.rows)
        self._session.post(FolderOpened(listing))
        session.own_prompts.begin()
        if session.store.path is not None and listing.images:
            self._recalling = session.run(rows.recall(session.store, session.profile, session.engine()))

    def _remember(self) -> None:
        # What a stored run holds is not taken for what would come out now.
        if self.viewed is None:
            self._rows.remember(self._session.profile)
