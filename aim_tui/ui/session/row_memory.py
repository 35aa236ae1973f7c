"""What is known of images that are about to be shown: from folders and profiles that were left, and from the store."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import numbered
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import score
from aim_tui.core.scoring.results import Results, Row
from aim_tui.errors import AimError
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.session.replaced_files import replaced_note
from aim_tui.ui.session.store_access import StoreAccess

if TYPE_CHECKING:
    from aim_tui.ui.session.recall import Known, Making
    from aim_tui.ui.session.workspace import Workspace

    Models = frozenset[tuple[Role, ModelRef]]


class RowMemory:
    """Keeps the rows of folders and profiles that were left, so that coming back finds their scores."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._left: dict[tuple[Models, str], Row] = {}

    def keep(self, profile: Profile) -> None:
        """Keep what is known of the rows for when they come back under this profile."""
        models = _models(profile)
        self._left.update({(models, row.path): row for row in self._workspace.results.rows if row.raws})

    def move(self, places: Mapping[str, str], profile: Profile) -> None:
        """Keep what is known of images for where they lie now: their content is the same."""
        models = _models(profile)
        self.keep(profile)
        for before, after in places.items():
            row = self._left.pop((models, before), None)
            if row is not None:
                self._left[models, after] = row
                self._workspace.contents.move(before, after)

    async def prepare(self, paths: Sequence[str], profile: Profile) -> Results:
        """Rows for these images under this profile, with what is known of them already; not shown yet."""
        workspace = self._workspace
        fresh = Results(workspace.plan, workspace.context)
        models = _models(profile)
        left = self._left
        if left:
            pairs = ((path, left.get((models, path))) for path in paths)
            known = await in_row_thread(lambda: {path: row for path, row in pairs if row is not None})
        else:
            known = {}
        await in_row_thread(_fill, fresh, paths, known)
        # These stay: the garbage collector need not walk through them.
        gc.freeze()
        return fresh

    async def recall(self, store: StoreAccess, profile: Profile, engine: EngineSettings) -> None:
        """Fill the rows with what earlier runs found."""
        workspace = self._workspace
        results, context, paths = workspace.results, workspace.context, workspace.listing.images
        folder = str(workspace.listing.folder)
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
        if not known:
            return
        await workspace.change_rows(results, lambda row: self._fill_in(row, known.get(row.path)))
        replaced = [path for path, each in known.items() if each.replaced and not each.raws]
        if replaced and results is workspace.results:
            rows = [row for row in results.rows if not row.raws and row.path in known and known[row.path].replaced]
            workspace.rows_replaced(rows)
            workspace.notify(replaced_note(replaced, "s scores"))

    def _fill_in(self, row: Row, known: Known | None) -> bool:
        """Give a row what was stored of it; what was found since is newer."""
        raws = {metric: raw for metric, raw in known.raws.items() if metric not in row.raws} if known else {}
        if known is None or not raws:
            return False
        workspace = self._workspace
        if not row.raws:
            row.error = known.error
        row.facts = row.facts or known.facts
        row.captions = row.captions or dict(known.captions)
        row.raws |= raws
        row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, workspace.plan)
        workspace.contents.learn(row.path, known.identity, row.facts.sha256 if row.facts is not None else None)
        # Who made them is part of what they are; a model that is loaded here has said more.
        for role, info in known.models.items():
            workspace.results.models.setdefault(role, info)
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
