"""Scores images: the marked ones, all of them, or what is left becomes a job and a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.results import Row
from aim_tui.store.records import RunRequest
from aim_tui.ui.concurrency import with_pauses
from aim_tui.ui.session.activity import Activity
from aim_tui.ui.session.run_record import RunPlan, RunRecord, RunRecords

if TYPE_CHECKING:
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.replaced_files import ReplacedFileService
    from aim_tui.ui.session.workspace import Workspace

_STORED = "this is a stored run; esc goes back to the folder, where s scores"


class ScoringService:
    """Decides what a job computes; `Jobs` runs it."""

    def __init__(
        self, workspace: Workspace, jobs: Jobs, records: RunRecords, replaced_files: ReplacedFileService
    ) -> None:
        self._workspace = workspace
        self._replaced_files = replaced_files
        self._jobs = jobs
        self._records = records

    # -- what is going on --------------------------------------------------------------------------------------------

    def activity(self) -> Activity:
        """A snapshot of what the worker is doing."""
        return self._jobs.activity()

    @property
    def not_stored(self) -> str:
        """Why scores are not being stored, in a few words; empty while they are, or where there is no store."""
        return self._records.store.reason

    @property
    def keeps_scores(self) -> bool:
        """Whether scores are being stored."""
        return self._records.store.path is not None and self._records.store.problem is None

    def run_of(self, *paths: str) -> str | None:
        """The stored run that these images are shown with the scores of, where there is one."""
        viewed = self._workspace.viewed
        return viewed.id if viewed is not None else self._jobs.run_of(*paths)

    # -- jobs --------------------------------------------------------------------------------------------------------

    def score(self, items: Iterable[int]) -> None:
        """Score these rows anew on every metric of the plan; their files are read again."""
        rows = self._workspace.results.rows
        work = self._score_rows([rows[item] for item in sorted(items)], self._workspace.plan.metrics, fresh=True)
        self._workspace.tasks.run(work)

    def score_all(self) -> None:
        """Score every row anew."""
        self.score(range(len(self._workspace.results.rows)))

    def score_left(self) -> None:
        """Score what is not there yet or was computed against something else, on the metrics that need it."""
        self._workspace.tasks.run(self._score_left())

    def score_new(self, items: Sequence[int]) -> None:
        """Score images that have just appeared; the run of the others goes on with them."""
        rows = self._workspace.results.rows
        self._submit([rows[item] for item in items], self._workspace.plan.metrics, go_on=True, quiet=True)

    def update_scores(self, item: int) -> None:
        """Score one image on what is not there or out of date."""
        self._workspace.tasks.run(self._update_scores(item))

    def restart_worker(self) -> None:
        """Start the worker again and go on with what the job that was interrupted has left."""
        if not self._score_interrupted():
            self._workspace.tasks.run(self._jobs.ready(self._workspace.engine_settings()))

    def cancel(self) -> None:
        """End the job after the batch that runs; what is finished stays."""
        self._jobs.cancel()

    async def _score_rows(
        self,
        rows: list[Row],
        metrics: tuple[str, ...],
        *,
        go_on: bool = False,
        fresh: bool = False,
    ) -> None:
        results = self._workspace.results
        await self._drop_replaced(rows)
        # Another folder may be shown by now: what was pressed for this one is not done to that one.
        if results is self._workspace.results:
            self._submit(rows, metrics, go_on=go_on, fresh=fresh)

    async def _update_scores(self, item: int) -> None:
        results = self._workspace.results
        row = results.rows[item]
        await self._drop_replaced([row])
        metrics = results.plan.metrics
        lacking = tuple(metric for metric in metrics if metric not in row.raws or row.stale(metric, results.context))
        if lacking and results is self._workspace.results:
            self._submit([row], lacking, go_on=True, quiet=True)

    async def _drop_replaced(self, rows: Sequence[Row] | None = None) -> None:
        """No value of another file goes into the run, and images that were replaced bring their prompts again."""
        workspace = self._workspace
        if await self._replaced_files.check(rows, scored=True) and workspace.prompt_reading is not None:
            await asyncio.wait([workspace.prompt_reading])

    async def _score_left(self) -> None:
        workspace = self._workspace
        # What is left is known only once the store has been read.
        await workspace.recalled()
        await self._drop_replaced()
        rows, metrics = await self._left()
        if not rows and workspace.results.rows and not workspace.problem and workspace.viewed is None:
            workspace.notify("everything is scored; S scores all of it anew")
        else:
            self._submit(rows, metrics, go_on=True)

    def _score_interrupted(self) -> bool:
        """Go on with what the job that the worker died with has left; False where that is nothing."""
        job, rows = self._jobs.interrupted, self._workspace.results.rows
        if job is None:
            return False
        metrics = tuple(metric for metric in job.job.metrics if metric in self._workspace.plan.metrics)
        left = [rows[item] for item in job.unfinished] if metrics else []
        if left:
            # A row of which a value is there has it of the file that it was.
            self._workspace.tasks.run(self._score_rows(left, metrics, go_on=True))
        return bool(left)

    async def _left(self) -> tuple[list[Row], tuple[str, ...]]:
        """The rows that lack a value, and the metrics that any of them lacks."""
        results = self._workspace.results
        while True:
            context, plan = results.context, results.plan
            rows: list[Row] = []
            metrics_left: set[str] = set()
            async for row in with_pauses(results.rows):
                lacking = [metric for metric in plan.metrics if metric not in row.raws or row.stale(metric, context)]
                if lacking:
                    rows.append(row)
                    metrics_left.update(lacking)
            if results is not self._workspace.results:
                # Another folder is shown by now: what was pressed for this one is not done to that one.
                return [], ()
            if (context, plan) == (results.context, results.plan):
                return rows, tuple(metric for metric in plan.metrics if metric in metrics_left)

    def _submit(
        self,
        rows: list[Row],
        metrics: tuple[str, ...],
        *,
        go_on: bool = False,
        quiet: bool = False,
        fresh: bool = False,
    ) -> None:
        workspace = self._workspace
        if unfinished := workspace.unfinished_files:
            # A half of an image would fail.
            rows = [row for row in rows if row.path not in unfinished]
        if workspace.running is not None:
            workspace.notify("a job runs already; x cancels it", "warning")
        elif workspace.problem or workspace.viewed is not None:
            workspace.notify(workspace.problem or _STORED, "warning")
        elif workspace.models_missing:
            workspace.notify(f"{workspace.models_missing}; M shows what can be done", "warning")
        elif not rows:
            workspace.notify("there are no images here to score", "warning")
        else:
            workspace.saved_state.set_context(workspace.context)
            # Its items are made while the worker gets ready: those of 100,000 rows take a tenth of a second.
            job = Job(metrics, workspace.context, fresh=fresh)
            items = (Item(row.item, row.path, context=row.own) for row in rows)
            record = self._new_record(job, rows, go_on=go_on)
            self._jobs.start(job, items, len(rows), record, workspace.engine_settings(), quiet=quiet)

    def _new_record(self, job: Job, rows: Sequence[Row], *, go_on: bool) -> RunRecord:
        workspace = self._workspace
        profile, plan, engine = workspace.profile, workspace.plan, workspace.engine_settings()
        folder, skipped = str(workspace.listing.folder), workspace.skipped
        # Scoring what is left makes the picture of the folder whole, and so is its run; scoring some images anew is a
        # run of those.
        of_run = list(workspace.results.rows) if go_on else rows

        def request() -> RunRequest:
            from aim_tui.runs.provenance import run_request

            return run_request(job.context, plan, profile, engine, folder=folder, not_asked=skipped)

        run_plan = RunPlan(request, job, plan, of_run, workspace.contents.replaced, go_on)
        compared = (job.context, self._replaced_files.reference_content, workspace.item_prompts_version)
        setup = (workspace.results, compared, plan, profile, engine)
        return self._records.new(run_plan, setup, whole=len(of_run) == len(workspace.results.rows))
