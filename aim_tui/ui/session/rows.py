"""The images on the table and what is known of them: from jobs, from folders that were left, from the store."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import Item, numbered
from aim_tui.core.scoring.plan import score
from aim_tui.core.scoring.results import Results, Row
from aim_tui.errors import AimError
from aim_tui.ui.concurrency import beside, with_pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.core.metrics.spec import ModelRef, Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.core.scoring.plan import ScoringPlan
    from aim_tui.inputs.listing import FolderListing
    from aim_tui.ui.session.recall import Known, Making
    from aim_tui.ui.session.store_access import Store

    #: What decides about raw values: the models by role. Two profiles may bear one name.
    Models = frozenset[tuple[Role, ModelRef]]


class Rows:
    """The rows of one folder at a time. Nothing here is drawn: `take_changed` tells what has to be."""

    def __init__(self, listing: FolderListing, results: Results) -> None:
        self.listing = listing
        self.results = results
        self.changed: set[int] = set()
        self.since: dict[str, int] = {}
        """From when (ns) the values of a path hold for its file."""
        # Rows of folders and profiles that were left, so that coming back finds their scores.
        self._left: dict[tuple[Models, str], Row] = {}
        self._replanning = 0

    def take_changed(self) -> list[int]:
        """The items whose rows have changed since the last call."""
        changed = sorted(self.changed)
        self.changed.clear()
        return changed

    def merge(self, event: Event, context: Context, brought: Mapping[int, Context | None]) -> None:
        """Take in a fact that was made against `context` and what the items of its job brought."""
        self.changed.update(row.item for row in self.results.apply(event, context, brought))

    def remember(self, profile: Profile) -> None:
        """Keep what is known of these rows for when they come back under this profile."""
        models = _models(profile)
        self._left.update({(models, row.path): row for row in self.results.rows if row.raws})

    def moved(self, places: Mapping[str, str], profile: Profile) -> None:
        """Keep what is known of images for where they lie now: what they hold is the same."""
        models, now = _models(profile), time.time_ns()
        self.remember(profile)
        for before, after in places.items():
            row = self._left.pop((models, before), None)
            if row is not None:
                self._left[models, after] = row
                self.since[after] = now

    async def prepare(self, paths: Sequence[str], profile: Profile) -> Results:
        """Rows for these images under this profile, with what is known of them already; not shown yet."""
        fresh = Results(self.results.plan, self.results.context)
        models = _models(profile)
        left = self._left
        if left:
            pairs = ((path, left.get((models, path))) for path in paths)
            known = await beside(lambda: {path: row for path, row in pairs if row is not None})
        else:
            known = {}
        await beside(_fill, fresh, paths, known)
        # These stay: the garbage collector need not walk through them.
        gc.freeze()
        return fresh

    def append(self, paths: Sequence[str]) -> list[Row]:
        """Take up further images behind the others, which stay as they are."""
        begin = len(self.results.rows)
        self.results.add(Item(begin + number, path) for number, path in enumerate(paths))
        self.listing.images.extend(paths)
        return self.results.rows[begin:]

    def show(self, listing: FolderListing, results: Results) -> None:
        """These are the rows now."""
        self.listing, self.results = listing, results
        self.changed.clear()

    async def recall(self, store: Store, profile: Profile, engine: EngineSettings) -> None:
        """Fill the rows with what earlier runs found; StoreError where that cannot be told."""
        results, context, paths = self.results, self.results.context, self.listing.images
        folder = str(self.listing.folder)
        own = next((row.own for row in results.rows if row.own is not None and row.own.prompt), None)
        # Needed only where there is a store, and after the first paint.
        from aim_tui.ui.session.recall import Making, recall

        def making() -> Making:
            return Making.now(profile, engine, context)

        nothing: dict[str, Known] = {}
        try:
            known = await store.read(lambda runs: recall(runs, folder, paths, context, making, own), nothing)
        except AimError as error:
            store.failed(error)
            return
        if known:
            await self._pass(results, lambda row: self._take(row, known.get(row.path)))

    async def replan(self, plan: ScoringPlan) -> None:
        """Score every row again by another plan, which counts at once, with pauses: 100,000 rows take a second."""
        self._replanning += 1
        turn, results = self._replanning, self.results
        results.plan = plan

        def again(row: Row) -> bool:
            if row.raws:
                row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, plan)
            return bool(row.raws)

        await self._pass(results, again, lambda: turn == self._replanning)

    async def _pass(
        self, results: Results, change: Callable[[Row], bool], wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Go through the rows with pauses, as long as they are the ones that are shown."""
        async for row in with_pauses(results.rows):
            if results is not self.results or not wanted():
                return
            if change(row):
                self.changed.add(row.item)

    def _take(self, row: Row, known: Known | None) -> bool:
        """Give a row what was stored of it; what was found since is newer."""
        raws = {metric: raw for metric, raw in known.raws.items() if metric not in row.raws} if known else {}
        if known is None or not raws:
            return False
        if not row.raws:
            row.error = known.error
        row.facts = row.facts or known.facts
        row.captions = row.captions or dict(known.captions)
        row.raws |= raws
        row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, self.results.plan)
        self.since.setdefault(row.path, known.since)
        # Who made them is part of what they are; a model that is loaded here has said more.
        for role, info in known.models.items():
            self.results.models.setdefault(role, info)
        return True


def _fill(results: Results, paths: Sequence[str], known: Mapping[str, Row]) -> None:
    """Rows for these images, with what is known of them; runs in a thread."""
    results.add(numbered(paths))
    for row in results.rows if known else ():
        if (before := known.get(row.path)) is not None:
            row.facts, row.captions, row.error, row.raws = before.facts, before.captions, before.error, before.raws
            row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, results.plan)


def _models(profile: Profile) -> Models:
    """The models of a profile; how many images they take at once does not matter."""
    return frozenset((role, replace(ref, batch_size=None)) for role, ref in profile.models.items())
