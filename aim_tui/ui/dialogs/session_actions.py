"""Verbs that ask something first. Each is awaited in a Textual worker, since it waits for an answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.text import printable
from aim_tui.exports.edits import EditRecords
from aim_tui.exports.images import ImageRecords
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.crash import CrashScreen
from aim_tui.ui.session.exports import export_path, listed_endings, path_problem, provenance, write_rows

if TYPE_CHECKING:
    from textual.app import App

    from aim_tui.ui.session.edits import EditService
    from aim_tui.ui.session.scoring import ScoringService
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


async def restart_worker(app: App[int], service: ScoringService | EditService, things: str = "images") -> None:
    """Say why the worker died, and start it again."""
    activity = service.activity()
    if activity.crash is None:
        return
    if await app.push_screen_wait(CrashScreen(activity.crash, activity.left, things)):
        service.restart_worker()


async def export_rows(app: App[int], session: Session) -> str:
    """Write all rows to a file; what to notify, or an empty text if cancelled. AimError where it cannot be written."""
    workspace = session.workspace

    async def write(path: Path) -> int:
        results = workspace.results
        source = provenance(workspace.profile, workspace.engine_settings(), workspace.skipped)
        await asyncio.to_thread(write_rows, path, results, source, await session.ratings.judged())
        return len(results.rows)

    about = f"All rows as {listed_endings(ImageRecords)}; an existing file is replaced."
    return await export_to_file(app, about, f"{workspace.listing.folder}/scores.csv", path_problem, write, "rows")


async def export_edits(app: App[int], service: EditService) -> str:
    """The same for the edits of a file."""

    def problem(text: str) -> str:
        if text and str(export_path(text).absolute()) == service.source:
            return "that is the file the edits come from"
        return path_problem(text, EditRecords)

    about = f"All edits with their numbers and ratings as {listed_endings(EditRecords)}; an existing file is replaced."
    suggestion = f"{os.path.dirname(service.source)}/edit_scores.json"  # as text: any bytes
    return await export_to_file(app, about, suggestion, problem, service.export, "edits")


async def export_to_file(
    app: App[int],
    about: str,
    suggestion: str,
    problem: Callable[[str], str],
    write: Callable[[Path], Awaitable[int | None]],
    things: str = "",
) -> str:
    """Ask for a path and write there; what to notify: how many `things`, where `write` counts them."""
    text = await app.push_screen_wait(AskScreen("Export", about, printable(suggestion), problem))
    if text is None:
        return ""
    path = export_path(text)
    count = await write(path)
    return f"wrote {path}" if count is None else f"wrote {count} {things} to {path}"


def copy_text(app: App[int], text: str, what: str) -> None:
    """Send a text to the terminal's clipboard."""
    # OSC 52 has no answer: tmux drops it unless it is told not to, so nobody can say that it arrived.
    app.copy_to_clipboard(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    app.notify(f"{what} sent to the terminal's clipboard; ctrl+s writes a file", markup=False, timeout=3)
