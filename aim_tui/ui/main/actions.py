"""What the main screen does after a question: search by text, go to another folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from aim_tui.errors import AimError
from aim_tui.ui.dialogs.confirm import ConfirmScreen

if TYPE_CHECKING:
    from aim_tui.ui.scores.score_pane import ScorePane
    from aim_tui.ui.session.session import Session


async def search(scores: ScorePane, session: Session, text: str) -> None:
    """Rank the rows by their similarity to a text, or show why that is impossible."""
    rows = session.workspace.results.rows
    try:
        similarity = await session.search.search(text, rows)
    except AimError as error:
        scores.search_failed(text)
        session.workspace.notify(str(error), "warning")
        return
    # Meanwhile the user may have given up, or gone to another folder.
    if scores.searching == text and rows is session.workspace.results.rows:
        scores.show_likeness(similarity)


async def open_folder(
    app: App[int], session: Session, folder: Path, paths: Sequence[str] = (), *, recursive: bool = False
) -> None:
    """Show the images of another folder, or other images of this one, after a question where a job runs."""
    if (running := session.workspace.running) is not None:
        kept = "Leaving ends the job; what is scored is kept and comes back with the folder."
        question = ConfirmScreen("Leave this folder?", lambda: f"{running.so_far} {kept}", "Leave", "Stay")
        if not await app.push_screen_wait(question):
            return
    session.folders.open(folder, paths, recursive=recursive)
