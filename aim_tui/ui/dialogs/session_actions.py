"""Verbs that ask something first. Each is awaited in a Textual worker, since it waits for an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aim_tui.core.text import printable
from aim_tui.exports.images import ImageRecords
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.crash import CrashScreen
from aim_tui.ui.session.exports import export_path, listed_endings, path_problem, provenance, write_rows
from aim_tui.ui.session.messages import Said

if TYPE_CHECKING:
    from textual.app import App

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


async def export_rows(app: App[int], session: Session) -> Said | None:
    """Write all rows to a file; returns what came of it. AimError where it cannot be written."""
    text = await app.push_screen_wait(
        AskScreen(
            "Export",
            f"All rows as {listed_endings(ImageRecords)}; an existing file is replaced.",
            printable(f"{session.listing.folder}/scores.csv"),
            path_problem,
        )
    )
    if text is None:
        return None
    path, results = export_path(text), session.results
    engine = session.launch.engine_settings(session.profile)
    source = provenance(session.profile, engine, session.not_asked)
    await asyncio.to_thread(write_rows, path, results, source, await session.judging.judged())
    return Said(f"wrote {len(results.rows)} rows to {path}")
