"""Verbs that ask something first. Each is awaited in a Textual worker, since it waits for an answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from aim_tui.core.metrics.registry import other_metrics
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.crash import CrashScreen
from aim_tui.ui.main.weights import Weighing, WeightsScreen
from aim_tui.ui.session.exports import export, export_path, path_problem
from aim_tui.ui.session.messages import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from textual.app import App

    from aim_tui.core.metrics.registry import MetricSpec
    from aim_tui.core.scoring.results import Row
    from aim_tui.runs.edit_plan import EditWish
    from aim_tui.ui.late_input import Typed
    from aim_tui.ui.main.score_pane import ScorePane
    from aim_tui.ui.session.arrangement import Arrangement
    from aim_tui.ui.session.session import Session

# A job that has worked longer than this is not cancelled without a question.
_WORTH_ASKING_SECONDS = 60.0


async def cancel_job(app: App[int], session: Session) -> None:
    """End the job, after a question where much has been done."""
    activity = session.activity()
    if (running := session.running) is not None and activity.seconds > _WORTH_ASKING_SECONDS:
        asked = ConfirmScreen("Cancel the job?", lambda: f"{running.so_far} They are kept.", "Cancel it", "Go on")
        if not await app.push_screen_wait(asked):
            return
    session.cancel()


async def restart_worker(app: App[int], session: Session) -> None:
    """Say why the worker died, and start it again."""
    activity = session.activity()
    if activity.crash is None:
        return
    if await app.push_screen_wait(CrashScreen(activity.crash, activity.left)):
        session.restart_worker()


async def search(scores: ScorePane, session: Session, text: str, say: Callable[[Said], None]) -> None:
    """Rank the rows by how near they are to a text, or say why that cannot be."""
    rows = session.results.rows
    try:
        likeness = await session.searching.search(text, rows)
    except AimError as error:
        scores.search_failed(text)
        say(Said(str(error), "warning"))
        return
    # Meanwhile the user may have given up, or gone to another folder.
    if scores.searching == text and rows is session.results.rows:
        scores.show_likeness(likeness)


async def open_folder(app: App[int], session: Session, folder: Path) -> None:
    """Go to another folder, after a question where a job runs in this one."""
    if (running := session.running) is not None:
        kept = "Leaving ends the job; what is scored is kept and comes back with the folder."
        asked = ConfirmScreen("Leave this folder?", lambda: f"{running.so_far} {kept}", "Leave", "Stay")
        if not await app.push_screen_wait(asked):
            return
    session.open_folder(folder)


async def browse_history(app: App[int], session: Session) -> None:
    """Look at stored runs, and open one in place of the folder."""
    # Neither it nor numpy behind it has to be there for the first paint.
    from aim_tui.ui.history.screen import HistoryScreen

    run = await app.push_screen_wait(HistoryScreen(session.store, session.folder))
    if run is None:
        return
    if (running := session.running) is not None:
        kept = "Opening a stored run ends the job; what is scored is kept."
        asked = ConfirmScreen("End the job?", lambda: f"{running.so_far} {kept}", "Open the run", "Stay")
        if not await app.push_screen_wait(asked):
            return
    session.open_run(run)


async def show_heatmap(app: App[int], session: Session, order: Sequence[int], item: int) -> int:
    """Which regions of an image count; the item that was looked at last."""
    from aim_tui.ui.heatmap.screen import Gallery, HeatmapScreen

    gallery = Gallery(session.results.rows, order, item)
    screen = HeatmapScreen(session.maps, gallery, session.context, session.launch.reading)
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen


async def review(
    app: App[int], session: Session, arrangement: Arrangement, item: int, marks: AbstractSet[int], typed: Typed
) -> int:
    """Look at one image after another and judge them; the item that was looked at last."""
    from aim_tui.ui.review.screen import ReviewScreen

    seen = await app.push_screen_wait(ReviewScreen(session, arrangement, item, marks, typed.settled))
    return item if seen is None else seen


async def compare_images(
    app: App[int], session: Session, order: Sequence[int], item: int, marks: AbstractSet[int]
) -> int:
    """The image beside marked ones and the reference; the item that was looked at last."""
    from aim_tui.ui.compare.screen import PairScreen, companions

    others = companions(session.results, order, item, marks)
    if not others:
        app.notify(
            "nothing to compare with: space marks an image in the table, r makes one the reference",
            severity="warning",
            markup=False,
        )
        return item
    screen = PairScreen(session.results, session.maps, session.launch.reading, order, item, others)
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen


async def show_grid(
    app: App[int],
    session: Session,
    arrangement: Arrangement,
    item: int,
    marks: AbstractSet[int],
    marked: Callable[[AbstractSet[int]], None],
    typed: Typed,
) -> int:
    """All that is shown as thumbnails; the item that was looked at last."""
    from aim_tui.ui.review.grid import GridScreen
    from aim_tui.ui.review.thumbnail_grid import About

    def about(row: Row) -> About:
        stale = any(row.stale(metric, session.context) for metric in session.plan.metrics)
        return About(session.judging.opinion(row.path), stale)

    async def review_from(item: int, marks: AbstractSet[int]) -> int:
        # A filter in the review is the review's own.
        return await review(app, session, replace(arrangement), item, marks, typed)

    rows, policy = session.results.rows, session.launch.reading
    screen = GridScreen(rows, arrangement.order, item, marks, policy, marked, review_from, about)
    seen = await app.push_screen_wait(screen)
    return item if seen is None else seen


async def duel(app: App[int], session: Session, order: Sequence[int], marks: AbstractSet[int]) -> None:
    """Blind duels between the marked images, or all that are shown where none is marked."""
    from aim_tui.ui.duel.screen import DuelScreen
    from aim_tui.ui.duel.service import DuelDesk, find_duellists, size_problem

    items = sorted(marks) or order
    if problem := size_problem(len(items)):
        session.say(Said(problem, "warning"))
        return
    rows = [session.results.rows[item] for item in items]
    paths, failed = [row.path for row in rows], {row.path for row in rows if row.error is not None}
    try:
        found = await asyncio.to_thread(find_duellists, paths, failed, session.launch.reading)
        desk = await DuelDesk.open(session.store, session.judging.rater, session.folder, found, session.run_of)
    except AimError as error:
        session.say(Said(str(error), "error"))
        return
    await app.push_screen_wait(DuelScreen(desk, session.launch.reading, {row.path: row.final for row in rows}))


async def correlate(app: App[int], session: Session) -> None:
    """How far the metrics agree with what people said of these images."""
    from aim_tui.ui.correlation.screen import CorrelationScreen

    await app.push_screen_wait(CorrelationScreen(session.agreement, session.launch.reading, session.folder))


async def show_edits(app: App[int], session: Session, typed: Typed, wish: EditWish | None = None) -> None:
    """The edits of a file: those that are wanted, those that are open, or else those of a file that is asked for."""
    from aim_tui.ui.edits.screen import EditsScreen, open_edits_dialog

    asked = wish is not None or session.edits.running
    if not asked and not await app.push_screen_wait(open_edits_dialog(session.edits, session.folder)):
        return
    await app.push_screen_wait(EditsScreen(session.edits, session.launch.reading, typed.settled, wish))


async def of_packages() -> list[MetricSpec]:
    """The metrics of other packages; only who asks for the list pays for looking through what is installed."""
    from aim_tui.core.metrics import plugins

    return await asyncio.to_thread(plugins.every)


async def weigh(app: App[int], session: Session) -> None:
    """Weigh the metrics otherwise; no model runs."""
    present = Weighing(session.weights, session.enabled)
    weighing = await app.push_screen_wait(
        WeightsScreen(present, session.profile.rules, session.not_asked, other_metrics(), of_packages)
    )
    if weighing is not None and (problem := session.set_weights(weighing.weights, weighing.enabled)):
        app.notify(problem, severity="error", markup=False)


async def export_rows(app: App[int], session: Session) -> Said | None:
    """Write all rows to a file; returns what came of it. AimError where it cannot be written."""
    text = await app.push_screen_wait(
        AskScreen(
            "Export",
            "All rows as .csv, .json or .jsonl; an existing file is replaced.",
            printable(f"{session.listing.folder}/scores.csv"),
            path_problem,
        )
    )
    if text is None:
        return None
    path, results = export_path(text), session.results
    engine = session.launch.engine_settings(session.profile)
    asked = (session.profile, engine, session.not_asked, await session.judging.judged())
    await asyncio.to_thread(export, path, results, *asked)
    return Said(f"wrote {len(results.rows)} rows to {path}")
