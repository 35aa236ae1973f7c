"""What people say of images is stored before it is shown, kept apart by rater, and refused aloud."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.ratings.opinions import Opinion
from aim_tui.store.database import Database
from aim_tui.store.judgements import Image, JudgementKind, Judgements
from aim_tui.store.runs import Runs
from aim_tui.ui.session import ratings, store_access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def locked(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """The store, written by another program that does not finish."""
    monkeypatch.setattr(store_access, "_TIMEOUT", 0.05)
    Database.open(store).close()
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def path_of(folder: Path, number: int) -> str:
    return str(folder / f"img_{number}.png")


def in_store(store: Path, kind: JudgementKind = JudgementKind.RATING) -> dict[tuple[str, str], object]:
    """What holds, by file name and rater."""
    with Database.open(store, read_only=True) as database:
        held = Judgements(database).current(kind)
    return {
        (said.image.path.rpartition("/")[2], rater): said.value
        for raters in held.values()
        for rater, said in raters.items()
    }


async def test_a_rating_is_in_the_store_when_the_desk_tells_of_it(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        desk, path = app.session.ratings, path_of(folder, 3)
        word, seen = desk.rate(path, 4), []
        while not word.done():
            # Whatever can be seen of it is on disk at that moment, in a connection of another program.
            if desk.opinion(path).rating is not None:
                seen.append(in_store(store))
            await asyncio.sleep(0)
        assert await word
        assert desk.opinion(path) == Opinion(rating=4)
        assert in_store(store) == {("img_3.png", "ann"): 4}
        assert all(found == {("img_3.png", "ann"): 4} for found in seen)


async def test_what_is_shown_while_the_store_is_slow_is_what_holds(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(folder, store=store) as app:
        desk, path = app.session.ratings, path_of(folder, 0)
        free, real = asyncio.Event(), app.session.store.judge

        async def slow(work: Any) -> Any:
            await free.wait()
            return await real(work)

        monkeypatch.setattr(app.session.store, "judge", slow)
        word = desk.rate(path, 2)
        await app.until(lambda: desk.waiting == 1)
        assert not desk.opinion(path)
        free.set()
        assert await word
        assert desk.opinion(path).rating == 2


async def test_the_raters_of_an_image_are_kept_apart(open_app: Any, folder: Path, store: Path) -> None:
    path = path_of(folder, 1)
    async with open_app(folder, store=store, rater="ann") as app:
        await app.session.ratings.rate(path, 5)
        await app.session.ratings.note(path, "sharp")
    async with open_app(folder, store=store, rater="bob") as app:
        desk = app.session.ratings
        await app.until(lambda: desk.others(path))
        assert not desk.opinion(path)
        assert await desk.rate(path, 2)
        assert desk.opinion(path) == Opinion(rating=2)
        assert desk.others(path) == {"ann": Opinion(rating=5, note="sharp")}
    assert in_store(store) == {("img_1.png", "ann"): 5, ("img_1.png", "bob"): 2}


async def test_the_rater_is_who_logged_in_where_none_is_named(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "carla")
    async with open_app(folder, store=store) as app:
        assert await app.session.ratings.rate(path_of(folder, 0), 1)
    assert in_store(store) == {("img_0.png", "carla"): 1}


async def test_undo_goes_back_over_every_kind_and_stops_where_the_session_began(
    open_app: Any, folder: Path, store: Path
) -> None:
    one, other = path_of(folder, 0), path_of(folder, 1)
    async with open_app(folder, store=store, rater="ann") as app:
        await app.session.ratings.rate(one, 3)
    async with open_app(folder, store=store, rater="ann", toasts=True) as app:
        desk = app.session.ratings
        await app.until(lambda: desk.opinion(one).rating == 3)
        for word in (desk.rate(one, 5), desk.reject(one, True), desk.note(other, "blurred"), desk.note(other, "fine")):
            assert await word
        steps = []
        while (undone := await app.session.undo_history.undo()) is not None:
            steps.append((undone.what, desk.opinion(one), desk.opinion(other)))
        three, five = Opinion(rating=3), Opinion(rating=5)
        assert steps == [
            ("note of img_1.png", Opinion(rating=5, rejected=True), Opinion(note="blurred")),
            ("note of img_1.png", Opinion(rating=5, rejected=True), Opinion()),
            ("rejection of img_0.png", five, Opinion()),
            ("rating 5 of img_0.png", three, Opinion()),
        ]
        # What was said in another session stays, and the user hears why.
        await app.shows("nothing to undo")
    assert in_store(store) == {("img_0.png", "ann"): 3}
    assert in_store(store, JudgementKind.REJECT) == in_store(store, JudgementKind.NOTE) == {}


async def test_undo_takes_back_the_own_word_when_the_same_rater_says_more_elsewhere(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        desk = app.session.ratings
        assert await desk.rate(path_of(folder, 0), 3)
        with Database.open(store) as database:
            Judgements(database).rate(Image("f" * 64, "/elsewhere.png"), 1, rater="ann")
        await app.session.undo_history.undo()
    assert in_store(store) == {("elsewhere.png", "ann"): 1}


async def test_a_rating_that_cannot_be_stored_is_not_shown_and_says_so(
    open_app: Any, folder: Path, store: Path, locked: sqlite3.Connection
) -> None:
    async with open_app(folder, store=store, rater="ann", toasts=True) as app:
        desk, path = app.session.ratings, path_of(folder, 3)
        # Two were typed ahead: they were meant to follow, and are refused with it.
        words = [desk.rate(path, 4), desk.rate(path_of(folder, 4), 5), app.session.undo_history.undo()]
        assert [await word for word in words] == [False, False, None]
        assert not desk.mine
        await app.shows("not stored: rating 4 of img_3.png")
        # A toast's lines stand beside the table's.
        said = " ".join(" ".join(line.partition("▌")[2] for line in app.text().splitlines()).split())
        assert "locked by another program" in said
        locked.execute("ROLLBACK")
        assert await desk.rate(path, 2)
    assert in_store(store) == {("img_3.png", "ann"): 2}


async def test_without_a_store_nothing_is_rated_and_the_reason_is_said(open_app: Any, folder: Path) -> None:
    async with open_app(folder, toasts=True) as app:
        assert not await app.session.ratings.rate(path_of(folder, 0), 4)
        assert not app.session.ratings.mine
        await app.shows("there is no store")


async def test_an_image_that_is_gone_cannot_be_rated(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        (folder / "img_2.png").unlink()
        assert not await app.session.ratings.rate(path_of(folder, 2), 4)
        await app.shows("No such file")
        assert not await app.session.undo_history.undo()


async def test_what_was_said_follows_the_content_and_not_the_name(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        await app.session.ratings.rate(path_of(folder, 0), 5)
        await app.session.ratings.reject(path_of(folder, 1), True)
    (folder / "img_0.png").rename(folder / "renamed.png")
    shutil.copy(folder / "renamed.png", folder / "copy.png")
    shutil.copy(folder / "img_7.png", folder / "img_1.png")
    async with open_app(folder, store=store, rater="ann") as app:
        desk = app.session.ratings
        await app.until(lambda: len(desk.mine) == 2)
        assert desk.mine == {str(folder / name): Opinion(rating=5) for name in ("renamed.png", "copy.png")}


async def test_images_that_are_too_many_to_read_are_known_when_they_are_looked_at(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        await app.session.ratings.rate(path_of(folder, 0), 5)
    (folder / "img_0.png").rename(folder / "renamed.png")
    monkeypatch.setattr(ratings, "_MOST_READ", 3)
    async with open_app(folder, store=store, rater="ann") as app:
        desk, path = app.session.ratings, str(folder / "renamed.png")
        await app.until(lambda: app.rows and desk.recalled)
        assert not desk.mine
        desk.look_at(path)
        await app.until(lambda: desk.opinion(path).rating == 5)


async def test_whoever_quits_at_once_loses_no_rating(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        for number in range(8):
            app.session.ratings.rate(path_of(folder, number), 1 + number % 5)
    assert len(in_store(store)) == 8


async def test_the_table_filters_sorts_and_shows_by_rating(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, rater="ann", size=(120, 30)) as app:
        desk, pane = app.session.ratings, app.app.screen.scores
        assert "Rate" not in app.text()
        for number, rating in ((1, 2), (4, 5), (6, 4)):
            await desk.rate(path_of(folder, number), rating)
        await desk.reject(path_of(folder, 5), True)
        await desk.note(path_of(folder, 0), "blurred sky")
        await app.shows("Rate")
        for expression, items in (
            ("rating>=4", [4, 6]),
            ("unrated", [0, 2, 3, 7]),
            ("rated & !rating>4", [1, 6]),
            ("rejected", [5]),
            ("noted & note~sky", [0]),
        ):
            await app.press("f")
            await app.type(expression)
            await app.press("enter")
            await app.until(lambda items=items: sorted(pane.order) == items)
            await app.press("escape")
        await app.press("comma", "r")
        await app.until(lambda: list(pane.order)[:3] == [4, 6, 1])


async def test_a_rating_remembers_the_stored_run_that_is_shown(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, start_scoring=True) as app:
        await app.all_scored()
        await app.until(lambda: not app.session.jobs.storing)
        ratings, path = app.session.ratings, path_of(folder, 0)
        await ratings.rate(path, 3)
        app.session.folders.open(folder)
        await app.until(lambda: app.session.scoring.run_of(path) is None)
        await ratings.reject(path, True)
        with Database.open(store) as database:
            runs = Runs(database)
            store_access = runs.load(runs.find("last"))
        app.session.folders.open_run(store_access)
        await ratings.rate_all([path], 4)
    with Database.open(store) as database:
        said = Judgements(database).history(hashlib.sha256((folder / "img_0.png").read_bytes()).hexdigest())
    run = store_access.info.id
    assert [(word.kind.value, word.run) for word in said] == [("rating", run), ("reject", None), ("rating", run)]


async def test_what_is_exported_has_every_raters_words(
    open_app: Any, folder: Path, store: Path, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256((folder / "img_1.png").read_bytes()).hexdigest()
    with Database.open(store) as database:
        Judgements(database).rate(Image(sha256, path_of(folder, 1)), 2, rater="bob")
    async with open_app(folder, store=store, rater="ann") as app:
        await app.until(lambda: len(app.rows) == 8)
        await app.session.ratings.rate(path_of(folder, 1), 4)
        await app.press("ctrl+s", "ctrl+u")
        await app.paste(str(tmp_path / "scores.csv"))
        await app.press("enter")
        await app.until((tmp_path / "scores.csv").exists)
    with (tmp_path / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["rating:ann"], row["rating:bob"]) for row in rows[:3]] == [("", ""), ("4.0", "2.0"), ("", "")]
