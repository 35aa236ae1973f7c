"""The record of a headless run in the store, from which a stopped run is resumed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, Item, MetricBatch
from aim_tui.core.scoring.plan import Status
from aim_tui.core.scoring.results import Results, Row
from aim_tui.hub.inventory import locate
from aim_tui.inputs.file_identity import content_hash
from aim_tui.runs.edit_plan import EditPlan
from aim_tui.runs.provenance import run_request
from aim_tui.runs.setup import Setup
from aim_tui.store.errors import StoreBusyError, StoreError
from aim_tui.store.records import RunRequest, RunState
from aim_tui.store.runs import Runs
from aim_tui.store.writer import RunWriter


class Record:
    """A run without a store, of which only the output is kept."""

    run_id = ""
    """The id of the stored run; empty while there is none."""
    resumed = False

    def __init__(self, setup: Setup | EditPlan, images: Sequence[Item]) -> None:
        self.results = Results(setup.plan(), setup.context)
        self.results.add(images)
        self.replaced: set[int] = set()
        """Items that are scored again, since their files were replaced when they had been."""

    @property
    def left(self) -> list[Item]:
        """The items that remain to be scored."""
        return [Item(row.item, row.path, context=row.own) for row in self.results.rows if row.status is Status.PENDING]

    def add(self, images: Sequence[Item]) -> list[Item]:
        """Add images that are new, or others under their names; returns them as items to be scored."""
        rows = {row.path: row for row in self.results.rows}
        replaced = [replace(image, id=rows[image.path].item) for image in images if _is_another(rows.get(image.path))]
        for item in replaced:
            row = self.results.rows[item.id]
            row.forget()
            row.own = item.context
        self.replaced.update(item.id for item in replaced)
        begin, new = len(self.results.rows), [image for image in images if image.path not in rows]
        items = [replace(image, id=begin + number) for number, image in enumerate(new)]
        self.results.add(items)
        return [*replaced, *items]

    def write(self, event: Event) -> None:
        """Record an event of the engine; StoreError if that fails."""

    def keep(self) -> None:
        """Commit to disk; later, if another program has locked the store."""

    def end(self, state: RunState) -> None:
        """Record how the run ended; StoreError if not everything could be stored."""


class StoredRecord(Record):
    """A run in the store: a new one, or a stopped one that is resumed.

    A new run is created with the first result for an image, so that a model that cannot be loaded leaves nothing in the
    history. Paths in the store are absolute, so that a run means the same files from any folder.
    """

    def __init__(
        self, runs: Runs, setup: Setup | EditPlan, images: Sequence[Item], request: RunRequest, *, fresh: bool
    ) -> None:
        super().__init__(setup, images)
        self._runs = runs
        self._request = request
        self._items = [replace(image, path=os.path.abspath(image.path)) for image in images]
        self._writer: RunWriter | None = None
        self._waiting: list[Event] = []
        if not fresh:
            self._resume(images)

    def _resume(self, images: Sequence[Item]) -> None:
        found = self._runs.find_resumable(self._request, self._items)
        if found is None:
            return
        try:
            self._writer, run = self._runs.resume(found.id)
        except StoreError:
            if self._runs.find_resumable(self._request, self._items) is None:
                return  # another process has resumed it since
            raise
        self.run_id, self.resumed = found.id, True
        self.results = run.results
        for row, image in zip(run.results.rows, images, strict=True):
            row.path, row.data = image.path, image.data
            if row.status is Status.PENDING:
                # Scored again as a whole, so that no row shows a value that is then replaced.
                row.raws.clear()
                row.captions.clear()
                row.scores = None

    def add(self, images: Sequence[Item]) -> list[Item]:
        """Add images, also to the stored run."""
        items, begin = super().add(images), len(self._items)
        stored = [replace(item, path=os.path.abspath(item.path)) for item in items]
        replaced, new = [item for item in stored if item.id < begin], [item for item in stored if item.id >= begin]
        for item in replaced:
            self._items[item.id] = item
        self._items += new
        if self._writer is not None:
            if replaced:
                self._writer.renew(replaced)
            self._writer.extend(new, self._request.digest(self._items))
        return items

    def write(self, event: Event) -> None:
        """Record an event; a failing commit raises at one of the next events."""
        if self._writer is None:
            self._waiting.append(event)
            if not isinstance(event, (ImageRead, ImageFailed, MetricBatch)):
                return
            self._writer = self._runs.begin(self._request, self._items)
            self.run_id = self._writer.id
            self._writer.write(*self._waiting)
            self._waiting.clear()
        else:
            self._writer.write(event)

    def keep(self) -> None:
        """Commit, so that no row is output that would have to be computed again after a kill."""
        if self._writer is not None:
            with contextlib.suppress(StoreBusyError):
                self._writer.flush()

    def end(self, state: RunState) -> None:
        """Commit the rest, with the state and the summary."""
        if self._writer is not None:
            self._writer.end(state, self.results.summary())


def _is_another(row: Row | None) -> bool:
    """Whether the file of a row that was scored is another one now, or one that could not be read."""
    if row is None or row.status is Status.PENDING:
        return False
    try:
        return row.facts is None or content_hash(row.path) != row.facts.sha256
    except (OSError, ValueError):
        return False


def common_folder(paths: Sequence[str], images: Sequence[str]) -> str:
    """The folder of a run: the one that was named, or the lowest common one of all images."""
    if len(paths) == 1 and os.path.isdir(paths[0]):
        return os.path.abspath(paths[0])
    folders = {os.path.dirname(os.path.abspath(image)) for image in images}
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on different drives
        return ""


def find_models(setup: Setup, metrics: Iterable[str]) -> None:
    """ModelUnavailableError for a missing model, before torch is imported, which takes seconds."""
    for role in setup.profile.roles_for(metrics):
        if role in setup.engine.models:
            locate(role, setup.engine.models[role], profile=setup.profile.name)


def request_of(setup: Setup, folder: str) -> RunRequest:
    """The request for the store; ModelUnavailableError for a model that is not on this machine."""
    find_models(setup, setup.metrics)
    return run_request(
        setup.context, setup.plan(), setup.profile, setup.engine, folder=folder, not_asked=setup.not_asked
    )
