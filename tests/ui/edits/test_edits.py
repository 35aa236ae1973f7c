"""The Edits screen: scored live, stored before it is shown, taken up again, judged; nothing is lost."""

from __future__ import annotations

import csv
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from aim_tui.core.scoring.plan import Status
from aim_tui.runs.edit_plan import EditWish
from aim_tui.store.database import Database
from aim_tui.store.judgements import JudgementKind, Judgements
from aim_tui.store.records import RunKind
from aim_tui.store.runs import Runs
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.edits.review import EditReviewScreen
from aim_tui.ui.edits.screen import EditsScreen
from aim_tui.ui.edits.table import EditTable
from aim_tui.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

LONG = "please turn the whole forest to autumn, add a second cabin on the left, and let it snow until the roof is white"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def data(make_folder: Any) -> Path:
    """Six edits: two matched pairs, one whose target is broken, one with a long instruction."""
    folder: Path = make_folder("source.png", "t0.png", "t1.png", "t2.png", "odd.png")
    (folder / "broken.png").write_text("this is no image")
    rows = [
        ("right_0", "t0.png", "add a lake", {"original_id": "a", "is_correct": True}),
        ("wrong_0", "t0.png", "a wrong lake", {"original_id": "a", "is_correct": False, "error_type": "opposite"}),
        ("right_1", "t1.png", "make it night", {"original_id": "b", "is_correct": True}),
        ("wrong_1", "odd.png", "wrong: make it day", {"original_id": "b", "is_correct": False}),
        ("lost", "broken.png", "take [/x] away", {}),
        ("long", "t2.png", LONG, {}),
    ]
    samples = [
        {"id": id, "source_image": "source.png", "target_image": target, "instruction": words, **truth}
        for id, target, words, truth in rows
    ]
    path = folder / "data.json"
    path.write_text(json.dumps({"samples": samples}))
    return path


def table(app: Any) -> EditTable:
    found: EditTable = app.app.screen.query_one(EditTable)
    return found


async def opened(app: Any) -> None:
    await app.until(lambda: isinstance(app.app.screen, EditsScreen) and table(app).keys)
    await app.until(app.app.late_input.settled)


async def scored(app: Any) -> None:
    await app.until(lambda: app.session.workspace.running is None and not app.session.jobs.storing)
    await app.shows("5 of 6 scored")


async def answer(app: Any, text: str) -> None:
    """Fill a field at once: a key for each letter of a long path takes many seconds."""
    app.app.screen.query_one(Input).value = text
    await app.press("enter")


def stored(store: Path) -> list[Any]:
    with Database.open(store, read_only=True) as database:
        runs = Runs(database)
        return [runs.load(info.id) for info in runs.history(kind=RunKind.EDITS)]


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow), (40, 10)])
async def test_edits_are_scored_and_told_of(open_app: Any, data: Path, store: Path, size: tuple[int, int]) -> None:
    async with open_app(data.parent, store=store, size=size, edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        await app.until(
            lambda: (
                app.session.workspace.running is None
                and not app.session.jobs.storing
                and not app.session.edits.left()[1:]
            )
        )
        if size == (40, 10):
            return
        await scored(app)
        assert app.session.edits.activity().crash is None
        await app.shows("the right one wins")
        await app.shows("★ add a lake")
        await app.press("G")
        await app.until(lambda: all(word in app.text() for word in LONG.split()))
        await app.press("k")
        await app.shows("the target holds text")
        await app.press("k")
        await app.shows("out of memory at")
        (run,) = stored(store)
        assert run.info.state == "done"
        assert [row.status for row in run.results.rows] == ["ok", "ok", "ok", "partial", "failed", "ok"]
        await app.press("e")
        await app.shows("edit_score = ")
        await app.shows("lower is better")


async def test_each_number_is_in_the_store_before_it_is_shown_and_progress_counts_edits(
    open_app: Any, data: Path, store: Path, gate: Any
) -> None:
    worker = ["--gate", str(gate.path)]
    async with open_app(data.parent, store=store, worker=worker, edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        gate.let(2)
        await app.shows("2/6")
        results = app.session.edits.results
        shown = {row.item for row in results.rows if row.status is not Status.PENDING}
        (run,) = stored(store)
        assert shown == {0, 1}
        assert shown <= {row.item for row in run.results.rows if row.status is not Status.PENDING}
        await app.press("x")
        gate.let(1)
        await app.until(lambda: app.session.workspace.running is None and not app.session.jobs.storing)
        assert stored(store)[0].info.state == "cancelled"
        gate.let(10)
        await app.press("s")
        await scored(app)
        (again,) = stored(store)
        assert (again.info.id, again.info.state) == (run.info.id, "done")


async def test_a_run_that_was_cut_off_is_taken_up_where_it_stopped(open_app: Any, data: Path, store: Path) -> None:
    wish = EditWish(str(data))
    async with open_app(data.parent, store=store, worker=["--crash-after", "3"], edits=wish) as app:
        await opened(app)
        await app.press("s")
        await app.shows("W restarts it")
        await app.until(lambda: not app.session.jobs.storing)
        assert app.session.edits.left() == [3, 4, 5]
    async with open_app(data.parent, store=store, edits=wish) as app:
        await opened(app)
        await app.shows("3 of 6 scored")
        assert app.session.edits.left() == [3, 4, 5]
        await app.press("s")
        await scored(app)
    (run,) = stored(store)
    assert run.results.rows[5].status == "ok"
    async with open_app(data.parent, store=store, edits=wish) as app:
        await opened(app)
        await app.shows("5 of 6 scored")


async def test_an_edit_of_which_an_image_is_replaced_is_scored_again(open_app: Any, data: Path, store: Path) -> None:
    async with open_app(data.parent, store=store, edits=EditWish(str(data)), toasts=True) as app:
        await opened(app)
        await app.press("s")
        await scored(app)
        other = data.with_name("other.tmp")
        other.write_bytes(data.with_name("t1.png").read_bytes() + b" ")
        other.replace(data.with_name("t0.png"))
        before = app.session.edits.results.rows[0].facts.sha256
        await app.press("s")
        await app.shows("an image of 2 edits has changed")
        await scored(app)
        assert app.session.edits.results.rows[0].facts.sha256 != before


async def test_a_worker_that_is_killed_is_started_again_and_goes_on(
    open_app: Any, data: Path, store: Path, gate: Any
) -> None:
    worker = ["--gate", str(gate.path)]
    async with open_app(data.parent, store=store, worker=worker, edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        gate.let(1)
        await app.shows("1/6")
        os.kill(app.session.jobs.pid, signal.SIGKILL)
        await app.shows("5 edits left · W restarts it")
        await app.press("W")
        await app.shows("go on with the 5 edits")
        gate.let(10)
        await app.press("enter")
        await scored(app)


async def test_a_rating_is_of_the_edit_and_not_of_its_image(open_app: Any, data: Path, store: Path) -> None:
    wish = EditWish(str(data))
    async with open_app(data.parent, store=store, rater="ann", toasts=True, edits=wish) as app:
        await opened(app)
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, EditReviewScreen))
        await app.press("5", "2", "x")
        await app.until(lambda: not app.session.edits.ratings.waiting)
        await app.press("u")
        await app.shows("undone: rejection of right_1; U redoes it")
        await app.press("n")
        await app.type("dull")
        await app.press("enter")
        await app.until(lambda: not app.session.edits.ratings.waiting)
        await app.press("q")
        await app.shows("Rate")
    with Database.open(store, read_only=True) as database:
        judgements = Judgements(database)
        ratings = judgements.current(JudgementKind.RATING)
        assert {word.value for said in ratings.values() for word in said.values()} == {2, 5}
        assert {rater for said in ratings.values() for rater in said} == {"ann"}
        # The same images under another instruction: two edits, one target.
        assert {word.image.path for said in ratings.values() for word in said.values()} == {str(data.parent / "t0.png")}
        assert not judgements.current(JudgementKind.REJECT)
    async with open_app(data.parent, store=store, rater="bob", edits=wish) as app:
        await opened(app)
        await app.shows("ann: ★★★★★ 5")
        await app.press("f", *"rated", "enter")
        await app.shows("0/6")


async def test_edits_are_sorted_filtered_found_and_exported(open_app: Any, data: Path, store: Path) -> None:
    async with open_app(data.parent, store=store, rater="ann", edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        await scored(app)
        await app.press("f", *"wrong", "enter")
        await app.shows("2/6")
        assert list(table(app).keys) == [1, 3]
        await app.press("p")
        await app.press("escape")
        assert list(table(app).keys) == list(range(6))
        await app.press("slash", *"night", "enter")
        assert table(app).cursor_key == 2
        await app.press("p")
        assert table(app).cursor_key == 3
        await app.press("comma", "e")
        await app.until(lambda: table(app).sort.column == "edit_score")
        assert list(table(app).keys) == [0, 2, 5, 1, 3, 4]
        await app.press("comma", "N")
        await app.until(lambda: list(table(app).keys) == [3, 4, 5, 2, 0, 1])
        await app.press("comma", "a", "escape", "comma", "o")
        await app.until(lambda: list(table(app).keys) == [0, 1, 2, 3, 4, 5])
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, EditReviewScreen))
        await app.press("f", *"wrong", "enter")
        await app.shows("/2  wrong_")
        await app.press("q")
        await app.until(lambda: isinstance(app.app.screen, EditsScreen))
        assert list(table(app).keys) == [0, 1, 2, 3, 4, 5], "a filter of the review is the review's own"
        await app.press("ctrl+s")
        await app.until(lambda: "Export" in app.text())
        await answer(app, str(data))
        await app.shows("that is the file the edits come from")
        out = data.parent / "out.csv"
        await answer(app, str(out))
        await app.until(out.exists)
    rows = list(csv.DictReader(out.open()))
    assert [row["id"] for row in rows] == ["right_0", "wrong_0", "right_1", "wrong_1", "lost", "long"]
    assert rows[0]["edit_score"] == "0.5"
    assert rows[4]["edit_score"] == ""
    assert "not an image" in rows[4]["error"]


async def test_numbers_of_edits_are_held_against_truth_and_ratings(open_app: Any, data: Path, store: Path) -> None:
    async with open_app(data.parent, store=store, rater="ann", edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        await scored(app)
        await app.press("f", *"wrong", "enter", "i")
        await app.until(lambda: isinstance(app.app.screen, EditReviewScreen))
        await app.press("2", "4")
        await app.until(lambda: not app.session.edits.ratings.waiting)
        assert len(app.session.edits.ratings.mine) == 2
        await app.press("q", "K")
        await app.until(lambda: isinstance(app.app.screen, CorrelationScreen) and app.app.screen.analysis)
        screen = app.app.screen
        assert screen.cell.judgement.name == "is_correct"
        assert {judgement.name for judgement in screen.analysis.study.judgements} == {"is_correct", "rating"}
        screen.query_one("#samples").focus()
        current = screen.query_one("#samples").cursor_key
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, EditReviewScreen))
        await app.shows(current)
        await app.press("q")
        assert app.app.screen is screen
        await app.press("q")
        assert isinstance(app.app.screen, EditsScreen)


async def test_a_file_is_asked_for_and_one_that_is_none_says_why(open_app: Any, data: Path, tmp_path: Path) -> None:
    flawed = tmp_path / "flawed.jsonl"
    good = {"id": 1, "source_image": str(data.parent / "source.png"), "target_image": "gone.png", "instruction": "x"}
    flawed.write_text(f"{json.dumps(good)}\n{json.dumps({'id': 2, 'source_image': 'a'})}\n")
    async with open_app(data.parent) as app:
        await app.press("E")
        await app.until(lambda: isinstance(app.app.screen, AskScreen))
        await answer(app, str(tmp_path / "none.json"))
        await app.shows("none.json")
        await app.until(lambda: "reading" not in app.text())
        assert isinstance(app.app.screen, AskScreen)
        app.app.screen.query_one(Input).value = str(tmp_path / "flaw")
        await app.press("end", "tab")
        await app.until(lambda: "flawed.jsonl" in app.text())
        await app.press("enter")
        await opened(app)
        await app.shows("1 row left out: line 2 has no target_image")
        await app.shows("gone.png")


async def test_five_thousand_edits_are_no_more_than_those_in_view(open_app: Any, data: Path) -> None:
    row = {"source_image": "source.png", "target_image": "t0.png"}
    rows = [{"id": f"e{number}", "instruction": f"do {number}", **row} for number in range(5000)]
    many = data.parent / "many.json"
    many.write_text(json.dumps(rows))
    async with open_app(data.parent, edits=EditWish(str(many))) as app:
        await opened(app)
        await app.press("s")
        await app.shows("5000 of 5000 scored")
        await app.press("G")
        await app.shows("do 4999")


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("size", [(80, 24), pytest.param((40, 10), marks=pytest.mark.slow)])
async def test_every_key_of_the_screens_of_edits_can_be_pressed(
    open_app: Any, data: Path, store: Path, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_app(data.parent, store=store, size=size, edits=EditWish(str(data))) as app:
        await opened(app)
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is None and not app.session.edits.left()[1:])
        edits = app.app.screen

        async def go(way: tuple[str, ...]) -> None:
            while app.app.screen is not edits:
                app.app.pop_screen()
                await app.settle()
            if isinstance(app.app.focused, Input):
                await app.hit("escape")
            table(app).focus()
            for key in way:
                await app.hit(key)
            await app.until(lambda: (app.app.screen is edits) == (not way))

        for way in ((), ("i",), ("comma",), ("e",), ("o",), ("ctrl+s",)):
            await go(way)
            keys = [
                key
                for key, active in app.app.screen.active_bindings.items()
                if type(active.node).__module__.startswith("aim_tui.")
                and "quit" not in active.binding.action
                and not (active.node is edits and active.binding.action == "close")
            ]
            assert keys, way
            for key in keys:
                await go(way)
                await app.hit(key)
                assert app.app.is_running, f"{key} ended the application"
        await go(())
        await app.press("q")
        assert isinstance(app.app.screen, MainScreen)
