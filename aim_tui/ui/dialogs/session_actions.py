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

if TYPE_CHECKING:
    from textual.app import App

    from aim_tui.ui.session.session import Session

# A job that has worked longer than this is not cancelled without a question.
_WORTH_ASKING_SECONDS = 60.0


async def cancel_job(app: App[int], session: Session) -> None:
    """End the job, after a question where much has been done."""
    activity = session.scoring.activity()
    if (running := session.workspace.running) is not None and activity.seconds > _WORTH_ASKING_SECONDS:
        question = ConfirmScreen("Cancel the job?", lambda: f"{running.so_far} They are kept.", "Cancel it", "Go on")
        if not await app.push_screen_wait(question):
            return
    session.scoring.cancel()


async def restart_worker(app: App[int], session: Session) -> None:
    """Say why the worker died, and start it again."""
    activity = session.scoring.activity()
    if activity.crash is None:
        return
    if await app.push_screen_wait(CrashScreen(activity.crash, activity.left)):
        session.scoring.restart_worker()


async def export_rows(app: App[int], session: Session) -> str:
    """Write all rows to a file; what to notify, or an empty text if cancelled. AimError where it cannot be written."""
    text = await app.push_screen_wait(
        AskScreen(
            "Export",
            f"All rows as {listed_endings(ImageRecords)}; an existing file is replaced.",
            printable(f"{session.workspace.listing.folder}/scores.csv"),
            path_problem,
        )
    )
    if text is None:
        return ""
    workspace = session.workspace
    path, results = export_path(text), workspace.results
    source = provenance(workspace.profile, workspace.engine_settings(), workspace.skipped)
    await asyncio.to_thread(write_rows, path, results, source, await session.ratings.judged())
    return f"wrote {len(results.rows)} rows to {path}"
