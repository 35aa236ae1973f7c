"""What is to be scored becomes a job and a run: the marked rows, all of them, or what is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.jobs import Job
from aim_tui.ui.concurrency import with_pauses
from aim_tui.ui.session.messages import Said
from aim_tui.ui.session.run_record import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aim_tui.core.scoring.results import Row
    from aim_tui.store.records import RunRequest
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.rows import Rows
    from aim_tui.ui.session.run_record import RunRecord
    from aim_tui.ui.session.session import Session

_STORED = "this is a stored run; esc goes back to the folder, where s scores"


class ScoringDesk:
    """Asks for jobs; `ui.jobs` runs them."""

    def __init__(self, session: Session, jobs: Jobs, rows: Rows) -> None:
        self._session = session
        self._jobs = jobs
        self._rows = rows

    def score(self, items: Sequence[int]) -> None:
        """Score these rows anew on every metric that is asked for."""
        rows = self._session.results.rows
        self._submit([rows[item] for item in items], self._session.plan.metrics)

    async def score_left(self) -> None:
        """Score what is not there yet or was computed against something else, on the metrics that need it."""
        session = self._session
        rows, metrics = await self._left()
        if not rows and session.results.rows and not session.problem and session.viewed is None:
            session.say(Said("everything is scored; S scores all of it anew"))
        else:
            self._submit(rows, metrics, go_on=True)

    def score_new(self, items: Sequence[int]) -> None:
        """Score images that have just appeared; the run of the others goes on with them."""
        rows = self._session.results.rows
        self._submit([rows[item] for item in items], self._session.plan.metrics, go_on=True, quiet=True)

    def score_again(self, item: int) -> None:
        """Score one image on what is not there or out of date."""
        row, results = self._session.results.rows[item], self._session.results
        metrics = results.plan.metrics
        lacks = tuple(metric for metric in metrics if metric not in row.raws or row.stale(metric, results.context))
        if lacks:
            self._submit([row], lacks, go_on=True, quiet=True)

    def score_interrupted(self) -> bool:
        """Go on with what the job that the worker died with has left; False where that is nothing."""
        job, rows = self._jobs.interrupted, self._session.results.rows
        if job is None:
            return False
        metrics = tuple(metric for metric in job.job.metrics if metric in self._session.plan.metrics)
        left = [rows[item] for item in job.unfinished] if metrics else []
        if left:
            self._submit(left, metrics, go_on=True)
        return bool(left)

    async def _left(self) -> tuple[list[Row], tuple[str, ...]]:
        """The rows that lack an asked value, and the metrics that any of them lacks."""
        results = self._session.results
        while True:
            context, plan = results.context, results.plan
            rows: list[Row] = []
            lacking: set[str] = set()
            async for row in with_pauses(results.rows):
                lacks = [metric for metric in plan.metrics if metric not in row.raws or row.stale(metric, context)]
                if lacks:
                    rows.append(row)
                    lacking.update(lacks)
            if results is not self._session.results:
                # Another folder is shown by now: what was pressed for this one is not done to that one.
                return [], ()
            if (context, plan) == (results.context, results.plan):
                return rows, tuple(metric for metric in plan.metrics if metric in lacking)

    def _submit(self, rows: list[Row], metrics: tuple[str, ...], *, go_on: bool = False, quiet: bool = False) -> None:
        session = self._session
        rows = session.watching.whole(rows)
        if session.running is not None:
            session.say(Said("a job runs already; x cancels it", "warning"))
        elif session.problem or session.viewed is not None:
            session.say(Said(session.problem or _STORED, "warning"))
        elif session.models_missing:
            session.say(Said(f"{session.models_missing}; M shows what can be done", "warning"))
        elif not rows:
            session.say(Said("there are no images here to score", "warning"))
        else:
            session.memory.judge_against(session.context)
            # Its items are made while the worker gets ready: those of 100,000 rows take a tenth of a second.
            job = Job(metrics, session.context)
            items = (Item(row.item, row.path, context=row.own) for row in rows)
            record = self._new_record(job, rows, go_on=go_on)
            self._jobs.start(job, items, len(rows), record, session.engine(), quiet=quiet)

    def _new_record(self, job: Job, rows: Sequence[Row], *, go_on: bool) -> RunRecord:
        session, known = self._session, self._rows
        asked, plan, folder, engine = session.asked, session.plan, str(session.listing.folder), session.engine()
        not_asked, since = session.not_asked, dict(known.since)
        known.since.update(dict.fromkeys((row.path for row in rows), time.time_ns()))
        # Scoring what is left makes the picture of the folder whole, and so is its run; scoring some images anew is a
        # run of those.
        of_run = list(session.results.rows) if go_on else rows

        def request() -> RunRequest:
            from aim_tui.runs.provenance import run_request

            return run_request(job.context, plan, asked.profile, engine, folder=folder, not_asked=not_asked)

        made = Plan(request, job, plan, of_run, since, go_on)
        return session.watching.record(made, whole=len(of_run) == len(session.results.rows))
