"""What the main screen does after a question: search by text, go to another folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.errors import AimError
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.session.messages import Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.app import App

    from aim_tui.ui.main.score_pane import ScorePane
    from aim_tui.ui.session.session import Session


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
