"""One key undoes the last change whatever it was, another one redoes it, and both say in words what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from aim_tui.ui.edits.screen import EditsScreen
from aim_tui.ui.review.grid import GridScreen
from aim_tui.ui.review.image_review import ImageReviewScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def answer(app: Any, text: str) -> None:
    """Replace the proposal of a field and take it."""
    await app.until(lambda: isinstance(app.app.focused, Input))
    await app.press("ctrl+u", "end", "ctrl+u")
    await app.type(text)
    await app.press("enter")


async def ready(app: Any) -> None:
    """Wait until keys are no longer taken for a late answer of the terminal."""
    await app.until(app.app.late_input.settled)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def last_said(app: Any) -> str:
    return app.app.past_notifications[-1].text


async def test_marks_prompt_reference_and_weights_are_undone_in_one_order_and_redone(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder) as app:
        scores, workspace = app.app.screen.scores, app.session.workspace
        begun = (workspace.context, workspace.weights)
        await ready(app)
        await app.press("ctrl+a", "escape")
        assert last_said(app) == "8 marks cleared; u undoes"
        await app.press("u")
        assert last_said(app) == "undone: unmarking 8 images; U redoes it"
        assert scores.marks == app.app.screen.scores.marks == set(range(8))
        assert len(app.app.screen.files.marks) == 8
        await app.press("j", "r")
        assert last_said(app) == "reference: img_1.png, was none; u undoes"
        await app.press("p", "s", "enter")
        await app.press("w", "ctrl+u", "9", "enter")
        await app.until(lambda: len(app.app.screen_stack) == 1)
        changed = (workspace.context, workspace.weights)
        assert changed[0] != begun[0] and changed[1] != begun[1]
        await app.press("u", "u")
        assert last_said(app) == 'undone: prompt "Only one wooden cabins"; U redoes it'
        assert app.app.screen.form.prompt == "Only one wooden cabin"
        await app.press("u")
        assert last_said(app) == "undone: reference img_1.png; U redoes it"
        assert (workspace.context, workspace.weights) == begun
        await app.press("U", "U", "U")
        assert (workspace.context, workspace.weights) == changed
        await app.press("U")
        assert last_said(app) == "nothing to redo"
        # What belongs to rows that are gone is not undone in others.
        other = folder / "other"
        other.mkdir()
        await app.session.folders.open(other)
        await app.until(lambda: not app.rows)
        await app.press("u")
        assert last_said(app) == "nothing to undo; changes of rows that are no longer shown stay"
        assert workspace.context == changed[0]


async def test_review_and_grid_undo_too_and_show_where_it_was(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder, store=tmp_path / "store.db", reference=str(folder / "img_3.png")) as app:
        ratings, table = app.session.ratings, app.app.screen.scores
        await ready(app)
        await app.press("i")
        await app.until(lambda: isinstance(app.app.screen, ImageReviewScreen))
        await app.press("5", "r")
        assert last_said(app) == "reference: img_1.png, was img_3.png; u undoes"
        await app.press("u", "G", "u")
        assert last_said(app) == "undone: rating 5 of img_0.png; U redoes it"
        assert app.session.workspace.context.reference == str(folder / "img_3.png")
        await app.shows("1/8  img_0.png")
        assert not ratings.mine
        await app.press("G", "U")
        assert last_said(app) == "redone: rating 5 of img_0.png; u undoes it"
        await app.shows("1/8  img_0.png")
        assert ratings.opinion(str(folder / "img_0.png")).rating == 5
        await app.press("q", "t")
        await app.until(lambda: isinstance(app.app.screen, GridScreen))
        grid = app.app.screen.grid
        await app.press("space", "space", "u")
        assert last_said(app) == "undone: marking img_1.png; U redoes it"
        assert grid.marks == table.marks == {0}
        await app.press("u", "u")
        assert (grid.marks, table.marks, grid.current) == (set(), set(), 0)
        await app.press("U", "U")
        assert (grid.marks, table.marks) == ({0}, {0})
        assert ratings.mine


async def test_a_rating_is_in_the_store_again_when_redo_says_so(open_app: Any, folder: Path, tmp_path: Path) -> None:
    path = str(folder / "img_2.png")
    async with open_app(folder, store=tmp_path / "store.db", rater="ann") as app:
        history, ratings = app.session.undo_history, app.session.ratings
        await ratings.rate(path, 4)
        await ratings.reject(path, True)
        await history.undo()
        await history.undo()
        # What was rated has that rating again, also where another image has come into its place.
        content = ratings._contents[path]
        (folder / "img_2.png").write_bytes((folder / "img_3.png").read_bytes())
        await history.redo()
        held = await app.session.store.judged(lambda judgements: judgements.opinions(), {})
        assert {sha256: raters["ann"].rating for sha256, raters in held.items()} == {content: 4}
        await history.undo()
        held = await app.session.store.judged(lambda judgements: judgements.opinions(), {})
        assert held == {}


async def test_a_copy_goes_ahead_and_undo_removes_it_after_a_question_also_after_a_restart(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    state = tmp_path / "state" / "aim-tui"
    async with open_app(folder, state=state) as app:
        await app.press("b", "c")
        await answer(app, str(first))
        await app.until(lambda: len(app.app.screen_stack) == 1 and first.exists())
        assert last_said(app) == "1 image copied; u undoes"
        await app.press("j", "b", "c")
        await answer(app, str(second))
        await app.until(lambda: len(app.app.screen_stack) == 1 and second.exists())
        await app.press("space", "i", "u", "u")
        assert "the last change is the copy of 1 image: q goes back" in last_said(app)
        await app.press("q", "u")
        await app.shows("Undo the copy?")
        await app.press("n")
        assert names(second) == ["img_1.png"]
        await app.press("u", "y")
        await app.until(lambda: not second.exists())
        await app.press("U")
        assert last_said(app) == f"copying 1 image to {second} cannot be redone; b does it again"
        # Not only the last one: the one before it, too.
        await app.press("b", "u", "y")
        await app.until(lambda: not first.exists())
        await app.until(lambda: last_said(app) == f"undone: copying 1 image to {first}")
        await app.press("b", "c")
        await answer(app, str(first))
        await app.until(lambda: len(app.app.screen_stack) == 1 and first.exists())
    async with open_app(folder, state=state) as app:
        await app.until(lambda: app.session.undo_history.newest(app.session.file_transfer))
        await ready(app)
        await app.press("space", "u", "u")
        await app.shows("1 image that were copied")
        assert names(first) == ["img_2.png"]
        (first / "img_2.png").write_text("changed")
        await app.press("y")
        await app.shows("has changed since")
        await app.press("escape")
        assert names(first) == ["img_2.png"]
        await app.press("u")
        assert last_said(app) == "nothing to undo"


async def test_a_move_is_not_undone_while_a_job_runs_and_the_reason_is_said(
    open_app: Any, folder: Path, tmp_path: Path, gate: Any
) -> None:
    there = tmp_path / "there"
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("b", "m")
        await answer(app, str(there))
        await app.press("y")
        await app.until(lambda: len(app.rows) == 7)
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        await app.press("u")
        assert last_said(app) == "not undone: files are not moved while a job runs; x cancels it"
        gate.let(8)
        await app.until(lambda: app.session.workspace.running is None)
        await app.press("u", "y")
        await app.until(lambda: len(app.rows) == 8)
        assert not there.exists()


async def test_marks_of_edits_are_undone_there_and_forgotten_when_the_screen_is_left(
    open_app: Any, folder: Path
) -> None:
    data = folder.parent / "edits.csv"
    lines = [f"e{number},{folder}/img_{number}.png,{folder}/img_{number + 1}.png,redder" for number in range(3)]
    data.write_text("\n".join(["id,source,target,instruction", *lines]))
    async with open_app(folder) as app:
        await app.press("j", "space", "E")
        await answer(app, str(data))
        await app.until(lambda: isinstance(app.app.screen, EditsScreen) and app.app.screen.scores.current is not None)
        edits = app.app.screen.scores
        await app.press("space", "v", "j", "space")
        assert edits.marks == {0, 1, 2}
        await app.press("u")
        assert last_said(app) == "undone: marking 2 edits; U redoes it"
        assert edits.marks == {0}
        await app.press("u", "U", "q")
        await app.until(lambda: len(app.app.screen_stack) == 1)
        await app.press("u")
        assert last_said(app) == "undone: marking img_1.png; U redoes it"
