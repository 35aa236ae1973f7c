"""What commands have found: the way to the screens that show it, and from there to the images."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from aim_tui.core.embeddings.saved_results import CategoriesFound, Findings
from aim_tui.core.text import printable, printable_name
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.review.image_review import review
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.session.exports import export_path

if TYPE_CHECKING:
    from aim_tui.core.embeddings.categories import Category
    from aim_tui.ui.session.session import Session


async def show_findings(app: App[int], session: Session, late_input: LateInput) -> None:
    """What the application was opened with, else what is in a file that is asked for."""
    # Neither these screens nor numpy behind them have to be there for the first paint.
    from aim_tui.core.embeddings.saved_results import CategoriesFound, MatrixFound
    from aim_tui.ui.embeddings.categories import CategoriesScreen
    from aim_tui.ui.embeddings.classes import ClassesScreen
    from aim_tui.ui.embeddings.matrix import MatrixScreen

    found = session.workspace.launch.findings or await _ask(app, session)
    if isinstance(found, CategoriesFound):
        of = found

        async def review(category: Category) -> None:
            await _review(app, session, late_input, of, category)

        await app.push_screen_wait(CategoriesScreen(found, review))
    elif isinstance(found, MatrixFound):
        matrix = found

        async def review_image(order: Sequence[int], place: int) -> int:
            return await _review_image(app, session, late_input, matrix.paths, order, place)

        await app.push_screen_wait(MatrixScreen(found, session.workspace.launch.reading, review_image))
    elif found is not None:
        await app.push_screen_wait(ClassesScreen(found, session.workspace.launch.reading))


async def _ask(app: App[int], session: Session) -> Findings | None:
    from aim_tui.inputs.saved_results import read_findings

    text = await app.push_screen_wait(
        AskScreen(
            "Open results",
            "What `aim-tui categories`, `classify` or `matrix` wrote with -o FILE.json.",
            printable(f"{session.workspace.listing.folder}/"),
            lambda text: "" if os.path.isfile(export_path(text)) else "there is no such file",
        )
    )
    if text is None:
        return None
    try:
        return await asyncio.to_thread(read_findings, export_path(text))
    except AimError as error:
        session.workspace.notify(str(error), "error")
        return None


async def _review(
    app: App[int], session: Session, late_input: LateInput, found: CategoriesFound, category: Category
) -> None:
    """Go to the folder of a category, score what is left against its prompt, and look at one image after the other."""
    folder = Path(found.root) / category.name
    if session.workspace.running is not None:
        session.workspace.notify("a job runs in another folder; x there cancels it", "warning")
        return
    if session.workspace.listing.folder != folder:
        await session.folders.open(folder)
    rows = session.workspace.results.rows
    if session.workspace.listing.folder != folder or not rows:
        session.workspace.notify(f"there are no images in {printable(str(folder))}", "warning")
        return
    session.setup.set_prompt(session.workspace.context.topic, category.prompt)
    session.scoring.score_left()
    await review(app, session, Arrangement(order=range(len(rows))), 0, frozenset(), late_input)


async def _review_image(
    app: App[int], session: Session, late_input: LateInput, paths: Sequence[str], order: Sequence[int], place: int
) -> int:
    """Go to the folder of an image, and review those of the paths that lie there in their order; where that ended.

    Neither the prompt changes nor anything is scored: an image is looked at among many texts here.
    """
    folder = Path(paths[place]).parent
    if session.workspace.viewed is not None or session.workspace.listing.folder != folder:
        if session.workspace.running is not None:
            session.workspace.notify(
                f"a job runs elsewhere than in {printable(str(folder))}; x there cancels it", "warning"
            )
            return place
        await session.folders.open(folder)
    items = {row.path: item for item, row in enumerate(session.workspace.results.rows)}
    places = {items[path]: other for other in order if (path := paths[other]) in items}
    here = items.get(paths[place])
    if here is None:
        session.workspace.notify(f"{printable_name(paths[place])} is not there any more", "warning")
        return place
    return places[await review(app, session, Arrangement(order=list(places)), here, frozenset(), late_input)]
