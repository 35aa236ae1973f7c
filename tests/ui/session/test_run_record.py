"""Every job is a run in the store, and opening a folder shows what its runs found; trouble with it stops nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.store.records import RunInfo

LETTER = b"a letter to my aunt, and not a database at all" * 100

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def letter(store: Path) -> Path:
    store.parent.mkdir()
    store.write_bytes(LETTER)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


def history(store: Path) -> list[RunInfo]:
    with Database.open(store) as database:
        return Runs(database).history()


def finals(store: Path, number: int = 0) -> list[float | None]:
    with Database.open(store) as database:
        runs = Runs(database)
        return [row.final for row in runs.load(runs.history()[number].id).results.rows]


async def ended(app: Any) -> None:
    """Let the run come to its end in the store as well."""
    await app.until(lambda: app.session.workspace.running is None and not app.session.jobs.storing)


async def test_a_job_is_a_run_with_every_value_that_the_screen_shows(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
        shown = [row.final for row in app.rows]
    (run,) = history(store)
    assert run.state is RunState.DONE
    assert (run.images, run.begun, run.folder, run.prompt) == (8, 8, str(folder), app.session.workspace.context.prompt)
    assert run.summary is not None
    assert run.summary.mean == pytest.approx(sum(shown) / 8)
    assert finals(store) == shown


async def test_opening_again_shows_the_scores_without_a_worker(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
        shown = [row.final for row in app.rows]
        captions = [row.caption for row in app.rows]
    async with open_app(folder, store=store, worker=["--no-model"], toasts=True) as app:
        await app.until(lambda: len(app.scored) == 8)
        assert [row.final for row in app.rows] == shown
        assert [row.caption for row in app.rows] == captions
        await app.press("s")
        await app.shows("everything is scored")
    assert len(history(store)) == 1


async def test_what_was_made_against_another_prompt_comes_back_as_stale(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
    async with open_app(folder, store=store, prompt="another prompt") as app:
        await app.until(lambda: len(app.scored) == 8)
        context = app.session.workspace.context
        assert all(row.stale("clip", context) and not row.stale("blip2", context) for row in app.rows)
        await app.press("s")
        await app.until(lambda: not any(row.stale("clip", context) for row in app.rows))
        await ended(app)
        shown = [row.final for row in app.rows]
    newest, oldest = history(store)
    assert (newest.prompt, newest.begun) == ("another prompt", 8)
    assert oldest.prompt != newest.prompt
    # The captions were not made again, and are in the new run all the same.
    assert finals(store) == shown


async def test_another_models_values_are_not_shown(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
    async with open_app(folder, store=store, profile="large") as app:
        await app.until(lambda: not app.session.workspace.recalling)
        assert app.scored == []


async def test_a_file_that_was_exchanged_is_left_to_score(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
    (folder / "img_7.png").replace(folder / "img_3.png")
    async with open_app(folder, store=store) as app:
        await app.until(lambda: len(app.scored) == 6)
        assert app.rows[3].final is None
        await app.press("s")
        await app.all_scored()
        assert app.session.workspace.running is None


async def test_a_cancelled_run_goes_on_as_the_same_run(open_app: Any, folder: Path, store: Path, gate: Any) -> None:
    worker = ["--gate", str(gate.path)]
    async with open_app(folder, store=store, worker=worker) as app:
        await app.press("s")
        gate.let(3)
        await app.until(lambda: app.scored == [0, 1, 2])
        await app.press("x")
        gate.let(1)
        await ended(app)
    (run,) = history(store)
    assert (run.state, run.begun) == (RunState.CANCELLED, 3)
    async with open_app(folder, store=store, worker=worker) as app:
        await app.until(lambda: len(app.scored) == 3)
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        assert [item.id for item in app.session.workspace.running.job.items] == [3, 4, 5, 6, 7]
        gate.let(20)
        await app.all_scored()
        shown = [row.final for row in app.rows]
    (run,) = history(store)
    assert (run.state, run.begun) == (RunState.DONE, 8)
    assert finals(store) == shown


async def test_quitting_while_a_job_runs_keeps_what_is_scored(
    open_app: Any, folder: Path, store: Path, gate: Any
) -> None:
    async with open_app(folder, store=store, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        gate.let(5)
        await app.until(lambda: len(app.scored) == 5)
    (run,) = history(store)
    assert (run.state, run.begun) == (RunState.CANCELLED, 5)


async def test_a_crash_ends_the_run_as_failed_and_a_restart_goes_on_in_it(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store, worker=["--crash-after", "5"]) as app:
        await app.press("s")
        await app.shows("3 images left")
        await ended(app)
        (run,) = history(store)
        assert (run.state, run.begun) == (RunState.FAILED, 5)
        await app.press("W", "y")
        await app.all_scored()
        await ended(app)
    (again,) = history(store)
    assert (again.id, again.state, again.begun) == (run.id, RunState.DONE, 8)


async def test_marked_images_are_a_run_of_their_own(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("space", "j", "space", "s")
        await app.until(lambda: app.session.workspace.running is None and app.scored == [0, 2])
    (run,) = history(store)
    assert (run.state, run.images, run.begun) == (RunState.DONE, 2, 2)


async def test_a_model_that_cannot_be_had_leaves_no_run(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, worker=["--no-model"], toasts=True) as app:
        await app.press("s")
        await app.shows("the model scripted/clip is not here")
    assert history(store) == []


async def test_the_worker_is_told_of_the_store(open_app: Any, folder: Path, store: Path, tmp_path: Path) -> None:
    told = tmp_path / "configured"
    async with open_app(folder, store=store, worker=["--configured", str(told)]) as app:
        await app.until(lambda: told.exists() and str(store).encode() in told.read_bytes())


async def test_a_store_that_is_none_is_said_and_marked_and_scoring_goes_on(
    open_app: Any, folder: Path, letter: Path
) -> None:
    async with open_app(folder, store=letter, toasts=True) as app:
        await app.shows("--store")
        await app.press("s")
        await app.all_scored()
        await app.shows("! not stored: is not a database")
    assert await asyncio.to_thread(letter.read_bytes) == LETTER


async def test_a_locked_store_is_waited_for_and_then_has_everything(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.store_access._TIMEOUT", 0.05)
    Database.open(store).close()
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
        await app.shows("! not stored: has been locked by another program")
        other.execute("COMMIT")
        await ended(app)
        await app.until(lambda: "not stored" not in app.text())
    other.close()
    assert [run.begun for run in history(store)] == [8]


async def test_a_store_that_can_only_be_read_still_shows_what_it_holds(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
    # As root nothing is forbidden, so the check says what it would say to others.
    from aim_tui.store import database
    from aim_tui.store.errors import StoreError

    def refuse(path: Path) -> None:
        raise StoreError(f"the store {path} is read-only", "name another store with --store")

    monkeypatch.setattr(database, "check_writable", refuse)
    async with open_app(folder, store=store) as app:
        await app.until(lambda: len(app.scored) == 8)
        await app.press("S")
        await app.until(lambda: app.session.workspace.running is None)
        await app.shows("! not stored: is read-only")


async def test_the_loop_never_waits_for_the_store(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_tui.ui.session import store_access

    loop = asyncio.get_running_loop()
    real, threads = store_access.StoreAccess._do, []

    def noticed(self: Any, *arguments: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            threads.append("another")
        else:
            threads.append("the loop's")
        return real(self, *arguments)

    monkeypatch.setattr(store_access.StoreAccess, "_do", noticed)
    async with open_app(folder, store=store) as app:
        await app.press("s")
        await app.all_scored()
    assert loop.is_running()
    assert set(threads) == {"another"}
