"""Heatmaps of images: made by the worker, kept while they are valid, so that going back to one costs nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from aim_tui.core.heatmaps import MakeMap, Map, MapMethod, without
from aim_tui.errors import AimError, UsageError
from aim_tui.inputs.file_identity import FileIdentity

if TYPE_CHECKING:
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.ipc.protocol import TokenCount
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.workspace import Workspace

_KEPT = 24


class _Key(NamedTuple):
    request: MakeMap
    settings: EngineSettings
    files: tuple[FileIdentity | None, ...]


class HeatmapService:
    """Has the worker make heatmaps. Every method raises an AimError that says why there is none."""

    def __init__(self, workspace: Workspace, jobs: Jobs) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._kept: OrderedDict[str, tuple[_Key, Map]] = OrderedDict()

    @property
    def waits(self) -> bool:
        """Whether a heatmap may have to wait for the running job."""
        return self._jobs.running is not None

    async def heatmap(
        self,
        path: str,
        method: MapMethod = MapMethod.RELEVANCE,
        words_off: Collection[int] = (),
        own: Context | None = None,
    ) -> Map:
        """Where CLIP looks, or what made the image match the prompt without these words (`core.heatmaps.words_of`).

        `own` is what the image brings itself, in the place of everybody's prompt.
        """
        prompt = self._workspace.context.overlaid(own).prompt
        text = without(prompt, words_off)
        if method is MapMethod.DIFFERENCE:
            raise UsageError("a difference needs a reference", "r takes the current image as reference")
        if method is MapMethod.RELEVANCE and not text.strip():
            if prompt.strip():
                raise UsageError("all words are switched off", "switch one on")
            raise UsageError("there is no prompt to compare with", "p edits it")
        return await self._make(MakeMap(path, method, text, prompt))

    async def difference(self, path: str, reference_path: str) -> Map:
        """Where an image differs from a reference, as LPIPS sees it."""
        if not reference_path:
            raise UsageError("there is no reference to compare with", "r takes the current image as reference")
        return await self._make(MakeMap(path, MapMethod.DIFFERENCE, reference=reference_path))

    async def tokens(self, text: str) -> TokenCount:
        """How much of a text CLIP reads."""
        await self._ready(self._workspace.engine_settings())
        return await self._jobs.count_tokens(text)

    async def tokens_while_typing(self, text: str, *, wanted: bool) -> TokenCount | None:
        """The same, where a worker runs that can count them: none is started for it."""
        if not wanted or not self._jobs.alive:
            return None
        try:
            return await self._jobs.count_tokens(text)
        except AimError:
            # It died or is busy dying, which its state says.
            return None

    async def _ready(self, settings: EngineSettings) -> None:
        # Why it died stays on the screen until the user has seen it and starts it again.
        if self._jobs.crashed:
            raise UsageError("the worker has died", "W on the main screen says why and restarts it")
        await self._jobs.ready(settings)

    async def _make(self, request: MakeMap) -> Map:
        settings = self._workspace.engine_settings()
        files = [path for path in (request.path, request.reference) if path]
        key = _Key(request, settings, tuple(await asyncio.to_thread(_identities, files)))
        name = repr(request)
        known = self._kept.get(name)
        if known is not None and known[0] == key:
            self._kept.move_to_end(name)
            return known[1]
        await self._ready(settings)
        heatmap = await self._jobs.make_map(request)
        self._kept[name] = (key, heatmap)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return heatmap


def _identities(paths: list[str]) -> list[FileIdentity | None]:
    return [FileIdentity.of(path) for path in paths]
