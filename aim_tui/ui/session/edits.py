"""The edits of a file: read, looked up in the store, scored by the worker, judged, exported. One file at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, Item, MetricBatch
from aim_tui.core.scoring.instruction_pairs import InstructionPair, pairs_of
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.core.scoring.plan import Status, raw_plan
from aim_tui.core.scoring.results import Results, Row
from aim_tui.errors import AimError, UsageError
from aim_tui.exports.edits import EditRecords
from aim_tui.inputs.edits import EditRow, Flaw
from aim_tui.runs.edit_plan import EditPlan, EditWish
from aim_tui.store.records import Run, RunRequest
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.session.activity import Activity, RunningJob
from aim_tui.ui.session.agreement import AgreementService
from aim_tui.ui.session.exports import write
from aim_tui.ui.session.file_contents import FileContents
from aim_tui.ui.session.ratings import RatingService
from aim_tui.ui.session.run_record import RunPlan, RunRecord
from aim_tui.ui.session.store_access import StoreAccess
from aim_tui.ui.session.undo_history import UndoHistory

if TYPE_CHECKING:
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.workspace import Workspace


_BUSY = "a job runs already; x cancels it"


@dataclass(frozen=True, slots=True)
class OpenEdits:
    """A file of edits that is open, with what is known of each."""

    plan: EditPlan
    request: RunRequest
    items: Sequence[Item]
    flaws: Sequence[Flaw]
    pairs: Sequence[InstructionPair]
    run: Run | None
    """What the store knew of it."""

    @property
    def rows(self) -> Sequence[EditRow]:
        """The edits, by item."""
        return self.plan.file.rows

    @property
    def left_out(self) -> int:
        """How many rows of the file are none of these."""
        return self.plan.file.listed - len(self.rows)


class EditService:
    """Verbs over one file of edits; a job that it started goes on while its screen is closed."""

    def __init__(self, workspace: Workspace, jobs: Jobs, store: StoreAccess, undo_history: UndoHistory) -> None:
        self._workspace = workspace
        self._store = store
        self._jobs = jobs
        self.undo_history = undo_history
        self._changed: set[int] = set()
        self._record: RunRecord | None = None
        self._job: RunningJob | None = None
        self.open: OpenEdits | None = None
        """What is shown; None until a file was opened."""
        self.results = Results(raw_plan(MEASURES), Context())
        self.agreement = AgreementService(store, lambda: (self.results, self.source))
        self.ratings = self._new_ratings()

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a job over these edits runs."""
        return self._job is not None and self._jobs.running is self._job

    @property
    def busy(self) -> bool:
        """Whether the worker has any job."""
        return self._jobs.running is not None

    @property
    def run_id(self) -> str | None:
        """The stored run that these numbers are of."""
        if self._record is not None and self._record.id is not None:
            return self._record.id
        return self.open.run.info.id if self.open is not None and self.open.run is not None else None

    @property
    def not_stored(self) -> str:
        """Why nothing is being stored, in a few words; empty where all is well."""
        return self._store.reason

    @property
    def source(self) -> str:
        """Where the edits come from."""
        return self.open.plan.file.path if self.open is not None else "no file"

    def activity(self) -> Activity:
        """A snapshot of what the worker is doing."""
        return replace(self._jobs.activity(), left=len(self.left()) if self._jobs.crashed else 0)

    def left(self) -> list[int]:
        """The edits with a number to come, and those whose images could not be read."""
        rows = self.results.rows
        return [row.item for row in rows if row.error is not None or row.status is Status.PENDING]

    def take_changed(self) -> set[int]:
        """The items that something else is known of since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    # -- a file ------------------------------------------------------------------------------------------------------

    async def open_file(self, wish: EditWish) -> None:
        """Read a file of edits and what the store knows of them; AimError where there are none."""
        if self.running:
            raise UsageError("edits are being scored", "x cancels that")
        edits = await asyncio.to_thread(_read, wish, self._workspace.profile, self._workspace.engine_settings())
        try:
            known = await self._store.look_into(lambda database: _look_up(database, edits), None)
        except AimError as error:
            self._store.failed(error)
            known = None
        self.open = replace(edits, run=known)
        if known is not None:
            self.results = known.results
            for row, item in zip(self.results.rows, edits.items, strict=True):
                row.data = item.data
        else:
            self.results = Results(edits.plan.plan(), Context())
            self.results.add(edits.items)
        self._record = self._job = None
        self._changed.clear()
        await self.ratings.close()
        # No rating of another file's edits may reach edits with the same ids.
        self.ratings = self._new_ratings()
        self.ratings.open(self.results.rows)

    def _new_ratings(self) -> RatingService:
        workspace, contents = self._workspace, EditContents(self.results.rows)
        rater, history = workspace.launch.rater, self.undo_history
        return RatingService(workspace.post, self._store, rater, lambda _: self.run_id, history, contents)

    # -- scoring -----------------------------------------------------------------------------------------------------

    def score_left(self) -> None:
        """Score what is not there yet, what could not be read, and edits of which an image has changed."""
        if self.busy:
            self._workspace.notify(_BUSY, "warning")
        elif self.open is not None:
            self._workspace.tasks.run(self._score_left(self.open))

    def score(self, items: Iterable[int]) -> None:
        """Score these edits anew."""
        if self.open is not None:
            self._submit(sorted(items), go_on=False, fresh=True)

    def restart_worker(self) -> None:
        """Start the worker again and go on with what is left."""
        self.score_left()

    async def _score_left(self, edits: OpenEdits) -> None:
        await self._drop_replaced()
        if edits is not self.open:
            return
        if not (left := self.left()):
            self._workspace.notify("every edit is scored; S scores all of them anew")
        else:
            self._submit(left, go_on=True)

    async def _drop_replaced(self) -> None:
        """Edits of which an image was replaced under its name are pending again."""
        results, contents = self.results, self._workspace.contents
        scored = [row for row in results.rows if row.facts is not None]
        replaced = await in_row_thread(lambda: [row for row in scored if contents.replaced(row)])
        if not replaced or results is not self.results:
            return
        for row in replaced:
            row.forget()
            self.ratings.look_at(row.id)
        self._changed.update(row.item for row in replaced)
        many = len(replaced) != 1
        self._workspace.notify(
            f"an image of {len(replaced)} edit{'s' * many} has changed since {'they were' if many else 'it was'} scored"
        )

    def _submit(self, items: list[int], *, go_on: bool, fresh: bool = False) -> None:
        edits = self.open
        assert edits is not None  # the callers check
        if self.busy:
            self._workspace.notify(_BUSY, "warning")
            return
        for item in items:
            self.results.reset(item)
        self._changed.update(items)
        results = self.results

        def on_event(event: Event) -> None:
            results.apply(event)
            self._heard(event)

        job = Job(edits.plan.families, Context(), fresh=fresh)
        plan = RunPlan(
            request=lambda: edits.request,
            job=job,
            plan=results.plan,
            rows=list(results.rows),
            go_on=go_on,
            models=tuple(results.models.values()),
        )
        self._record = RunRecord(self._store, plan)
        rows = (results.rows[item] for item in items)
        wanted = (Item(row.item, row.path, context=row.own) for row in rows)
        self._jobs.start(job, wanted, len(items), self._record, edits.plan.engine, on_event=on_event)
        self._job = self._jobs.running

    def _heard(self, event: Event) -> None:
        match event:
            case ImageRead(item) | ImageFailed(item):
                self._changed.add(item)
                self.ratings.rows_changed([self.results.rows[item]])
            case MetricBatch(_, values):
                self._changed.update(value.item for value in values)

    # -- export ------------------------------------------------------------------------------------------------------

    async def export(self, path: Path) -> int:
        """Write all edits; how many. ExportError where that cannot be."""
        if self.open is None:
            raise UsageError("there are no edits to write")
        records = EditRecords(self.results, self.open.plan.provenance(), await self.ratings.judged())
        await asyncio.to_thread(write, records, path)
        return len(records.rows())

    async def close(self) -> None:
        """Every entry is stored or refused when this returns."""
        await self.ratings.close()


class EditContents(FileContents):
    """Edits by id, identified by the content of both images and by the instruction."""

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__()
        self._rows = {row.id: row for row in rows}

    def of(self, path: str) -> str:
        """What stands for the edit of this id; UsageError where one of its images cannot be read."""
        from aim_tui.store.evidence import edit_identity

        row = self._rows[path]
        assert row.edit is not None  # every row is one
        return edit_identity(super().of(row.edit.source), super().of(row.path), row.instruction)

    def known(self, row: Row) -> str | None:
        """The same of an edit whose images were read."""
        from aim_tui.store.evidence import judged_edit

        judged = judged_edit(row)
        return judged.sha256 if judged is not None else None

    def place(self, path: str) -> str:
        """Where the edited image lies."""
        return self._rows[path].path


def _read(wish: EditWish, profile: Profile, engine: EngineSettings) -> OpenEdits:
    """Read the file and plan what to score; in a thread."""
    from aim_tui.inputs.edits import parse_edits
    from aim_tui.runs.edit_plan import plan

    file = parse_edits(wish.data, wish.columns)
    # A rating belongs to an id: of several edits with one id, the first counts.
    first: dict[str, EditRow] = {}
    for row in file.rows:
        first.setdefault(row.id, row)
    rows = tuple(first.values())
    if not rows:
        shown = "; ".join(f"{flaw.where}: {flaw.problem}" for flaw in file.flaws[:3]) or "the file is empty"
        raise UsageError(f"{wish.data} holds no edits ({shown})", f"look at it: aim-tui inspect {wish.data}")
    edit_plan = plan(profile, engine, replace(file, rows=rows), wish)
    pairs = pairs_of([row.truth for row in rows])
    return OpenEdits(edit_plan, edit_plan.request(models_needed=False), edit_plan.items(), file.flaws, pairs, None)


def _look_up(database: Any, edits: OpenEdits) -> Run | None:
    from aim_tui.store.runs import Runs

    return Runs(database).latest(edits.request, edits.items)
