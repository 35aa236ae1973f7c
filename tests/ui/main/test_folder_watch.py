"""A folder that a generator fills: its images appear once they are whole, are scored, and disturb nobody."""

from __future__ import annotations

import io
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from aim_tui.ui.session.folder_watch import WatchMode

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def old(folder: Path) -> Path:
    """The folder of eight, which nobody has written to for an hour."""
    for path in folder.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    return folder


def png() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 48), 80).save(stream, format="PNG")
    return stream.getvalue()


def runs(store: Path) -> list[Any]:
    with Database.open(store) as database:
        made = Runs(database)
        return [made.load(info.id) for info in made.history()]


def names(app: Any) -> list[str]:
    return [row.path.rpartition("/")[2] for row in app.rows]


async def test_an_image_appears_as_being_written_then_as_a_row_that_is_scored(
    open_app: Any, old: Path, store: Path
) -> None:
    whole = png()
    async with open_app(old, size=(140, 40), store=store, watch=True) as app:
        await app.shows("watching")
        (old / "new_9.png").write_bytes(whole[: len(whole) // 2])
        await app.until(lambda: str(old / "new_9.png") in app.session.workspace.unfinished_files)
        await app.shows("1 being written")
        await app.shows("… new_9.png")
        assert "new_9.png" not in names(app)
        (old / "new_9.png").write_bytes(whole)
        await app.until(lambda: len(app.rows) == 9 and app.rows[8].final is not None)
        await app.until(lambda: "being written" not in app.text() and "… new" not in app.text())
        await app.shows("9 images")
        assert app.scored == [8], "what was there waits for s"


async def test_what_appears_moves_neither_cursor_nor_marks_and_takes_its_place_in_order_and_filter(
    open_app: Any, old: Path
) -> None:
    async with open_app(old) as app:
        scores = app.app.screen.scores
        await app.press("s")
        await app.all_scored()
        await app.press("comma", "N", "f")
        await app.type("name~img")
        await app.press("enter", "g", "j", "j", "space", "F")
        await app.until(lambda: scores.current.item == 4 and scores.marks == {5})
        for name in ("img_9.png", "other.png", "img_55.png"):
            (old / name).write_bytes(png())
        await app.until(lambda: len(app.scored) == 11 and len(scores.order) == 10)
        assert [names(app)[item] for item in scores.order[:3]] == ["img_55.png", "img_9.png", "img_7.png"]
        assert (scores.current.item, scores.marks, scores.expression) == (4, {5}, "name~img")
        assert app.app.screen.preview is not None
        await app.shows("10/11")


async def test_the_switch_turns_from_scoring_to_showing_to_nothing_and_is_back_after_a_restart(
    open_app: Any, old: Path, tmp_path: Path
) -> None:
    async with open_app(old, state=tmp_path / "state") as app:
        assert not app.session.folder_watch.on
        await app.press("F", "F")
        await app.shows("watching, not scoring")
        (old / "img_9.png").write_bytes(png())
        await app.until(lambda: len(app.rows) == 9)
    async with open_app(old, state=tmp_path / "state") as app:
        assert app.session.folder_watch.mode is WatchMode.SHOW
        (old / "img_10.png").write_bytes(png())
        await app.until(lambda: len(app.rows) == 10)
        assert app.session.workspace.running is None
        assert app.scored == []
        await app.press("F")
        await app.until(lambda: not app.session.folder_watch.on and "watching" not in app.text())
    async with open_app(old, state=tmp_path / "state") as app:
        assert app.session.folder_watch.mode is WatchMode.OFF


async def test_all_that_appears_is_one_run_with_what_was_scored_before(open_app: Any, old: Path, store: Path) -> None:
    async with open_app(old, store=store, watch=True) as app:
        await app.press("s")
        await app.all_scored()
        for number in (10, 11, 12):
            (old / f"img_{number}.png").write_bytes(png())
            await app.until(lambda: len(app.rows) == number - 1)  # noqa: B023 - waited for here
            await app.all_scored()
        shown = [row.final for row in app.rows]
        (run,) = runs(store)
        assert run.info.state is RunState.RUNNING, "it is open for more"
        assert [row.final for row in run.results.rows] == shown, "and what is shown is in it"
    (run,) = runs(store)
    assert (run.info.state, run.info.images, run.info.summary.n_ok) == (RunState.DONE, 11, 11)
    assert [row.final for row in run.results.rows] == shown


async def test_another_prompt_ends_the_run_and_the_next_image_begins_another(
    open_app: Any, old: Path, store: Path
) -> None:
    async with open_app(old, store=store, watch=True) as app:
        (old / "img_10.png").write_bytes(png())
        await app.until(lambda: app.scored == [8])
        app.session.setup.set_prompt("another topic", "another prompt")
        (old / "img_11.png").write_bytes(png())
        await app.until(lambda: app.scored == [8, 9])
    later, first = runs(store)
    assert (first.info.prompt, first.info.images) == ("Only one wooden cabin", 9)
    assert (later.info.prompt, later.info.images, later.results.rows[8].final) == ("another prompt", 10, None)
    assert {run.info.state for run in (first, later)} == {RunState.DONE}


async def test_images_that_come_while_a_job_runs_are_scored_after_it(open_app: Any, old: Path, gate: Any) -> None:
    async with open_app(old, worker=["--gate", str(gate.path)], watch=True) as app:
        await app.press("s")
        gate.let(3)
        await app.until(lambda: len(app.scored) == 3)
        (old / "img_10.png").write_bytes(png())
        await app.until(lambda: len(app.rows) == 9)
        gate.let(5)
        await app.until(lambda: len(app.scored) == 8)
        gate.let(1)
        await app.until(lambda: app.scored == [*range(9)])


async def test_an_image_that_was_half_written_when_the_folder_was_opened_waits_and_does_not_fail(
    open_app: Any, old: Path
) -> None:
    whole = png()
    (old / "img_9.png").write_bytes(whole[:100])
    async with open_app(old, size=(140, 40), watch=True) as app:
        await app.until(lambda: str(old / "img_9.png") in app.session.workspace.unfinished_files)
        await app.press("S")
        await app.until(lambda: len(app.scored) == 8 and app.session.workspace.running is None)
        assert app.rows[8].error is None
        assert app.rows[8].raws == {}
        await app.shows("… img_9.png")
        (old / "img_9.png").write_bytes(whole)
        await app.until(lambda: len(app.scored) == 9)


async def test_a_folder_that_is_renamed_and_comes_back_is_survived(open_app: Any, old: Path) -> None:
    async with open_app(old, watch=True) as app:
        old.rename(old.with_name("elsewhere"))
        await app.shows("the folder is not there")
        assert len(app.rows) == 8
        shutil.copytree(old.with_name("elsewhere"), old)
        (old / "img_9.png").write_bytes(png())
        await app.until(lambda: len(app.rows) == 9 and app.scored == [8])
        await app.until(lambda: "not there" not in app.text())


async def test_an_empty_folder_fills(open_app: Any, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    async with open_app(folder, watch=True) as app:
        await app.shows("No images in this folder")
        (folder / "img_1.png").write_bytes(png())
        await app.all_scored()
        await app.until(lambda: app.app.screen.scores.current is not None)
        assert app.app.screen.info is not None
        await app.shows("img_1.png")


async def test_another_folder_is_not_watched_and_a_stored_run_neither(
    open_app: Any, old: Path, store: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with open_app(old, store=store, state=tmp_path / "state", watch=True) as app:
        await app.press("s")
        await app.all_scored()
        await app.session.folders.open(other)
        assert not app.session.folder_watch.on
        await app.session.folders.open(old)
        assert app.session.folder_watch.on
        (run,) = runs(store)
        app.session.folders.open_run(run)
        assert not app.session.folder_watch.on
        await app.press("F")
        assert app.session.folder_watch.mode is WatchMode.SCORE
        (old / "img_9.png").write_bytes(png())
        await app.press("escape")
        await app.until(lambda: len(app.rows) == 9 and app.session.folder_watch.on)
