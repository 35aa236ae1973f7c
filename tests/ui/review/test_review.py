"""Reviewing: one image after another by keys alone, what is said of each stored before it is shown."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.ratings.opinions import Opinion
from aim_tui.store.database import Database
from aim_tui.store.judgements import JudgementKind, Judgements
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.review.screen import ReviewScreen
from aim_tui.ui.session import store_access

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def ratings(store: Path) -> dict[str, object]:
    with Database.open(store, read_only=True) as database:
        held = Judgements(database).current(JudgementKind.RATING)
    return {said.image.path.rpartition("/")[2]: said.value for raters in held.values() for said in raters.values()}


async def review(app: Any, *, settled: bool = True) -> None:
    """Open the review on the first image, when keys are trusted."""
    await app.until(lambda: app.rows and app.app.screen.scores.current is not None)
    if settled:
        await app.until(app.app.late_input.settled)
    await app.press("enter")
    await app.until(lambda: isinstance(app.app.screen, ReviewScreen))


async def quiet(app: Any) -> None:
    """Everything that was said is stored or refused, and the screen has heard."""
    await app.until(lambda: not app.session.ratings.waiting)
    await app.settle()


async def test_a_digit_rates_and_goes_on(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        await app.shows("1/8  img_0.png")
        await app.press("4", "2", "5")
        await app.shows("4/8  img_3.png")
        await quiet(app)
        assert ratings(store) == {"img_0.png": 4, "img_1.png": 2, "img_2.png": 5}
        await app.press("k", "k")
        await app.shows("★★☆☆☆ 2")
        await app.press("0")
        await app.shows("not rated")
        assert "2/8  img_1.png" in app.text()
        await quiet(app)
        assert ratings(store) == {"img_0.png": 4, "img_2.png": 5}
        await app.press("escape")
        await app.until(lambda: app.app.screen.scores.current.item == 1)


async def test_the_screen_shows_a_rating_only_when_it_is_in_the_store(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        await app.press("G", "3")
        # Read at the moment of showing: what is on the screen has survived a kill.
        await app.until(lambda: "★★★☆☆ 3" in app.text())
        assert ratings(store) == {"img_7.png": 3}


async def test_rejecting_goes_on_and_taking_back_stays(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        await app.press("x")
        await app.shows("2/8")
        await app.press("k")
        await app.shows("✗ rejected")
        await app.press("x")
        await app.until(lambda: "✗" not in app.text())
        assert "1/8" in app.text()


async def test_a_note_is_asked_for_and_shown_and_its_digits_are_no_ratings(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        await app.press("n")
        await app.shows("About img_0.png")
        await app.type("5 windows [/b]")
        await app.press("enter")
        await app.shows("✎ 5 windows [/b]")
        await quiet(app)
        assert app.session.ratings.mine == {str(folder / "img_0.png"): Opinion(note="5 windows [/b]")}


async def test_undo_goes_back_to_the_image_it_is_about(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        await review(app)
        await app.press("4", "x", "G", "u")
        await app.shows("2/8  img_1.png")
        await app.press("u")
        await app.shows("1/8  img_0.png")
        await quiet(app)
        assert not app.session.ratings.mine
        await app.press("u")
        await app.shows("nothing to undo")


async def test_the_next_unrated_image_is_one_key_away(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        desk = app.session.ratings
        await app.until(lambda: app.rows)
        for number in (0, 1, 3):
            await desk.rate(str(folder / f"img_{number}.png"), 3)
        await desk.reject(str(folder / "img_4.png"), True)
        await review(app)
        await app.press("right_square_bracket")
        await app.shows("3/8")
        await app.press("right_square_bracket")
        await app.shows("6/8")
        await app.press("left_square_bracket")
        await app.shows("3/8")
        await app.press("left_square_bracket")
        await app.shows("no unrated image before")


async def test_the_tables_filter_carries_over_and_the_review_has_its_own(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        await app.until(lambda: app.rows)
        for number in (0, 2):
            await app.session.ratings.rate(str(folder / f"img_{number}.png"), 3)
        await app.press("f")
        await app.type("unrated")
        await app.press("enter")
        await app.until(lambda: len(app.app.screen.scores.order) == 6)
        await review(app)
        await app.shows("1/6  img_1.png")
        assert "filter unrated" in app.text()
        # What was just rated stays until the list is made anew.
        await app.press("5")
        await app.shows("2/6  img_3.png")
        await app.press("k")
        await app.shows("★★★★★ 5")
        await app.press("f")
        await app.press(*["backspace"] * 7)
        await app.type("rating>=3")
        await app.press("enter")
        await app.shows("2/3  img_1.png")
        await app.press("f")
        await app.type(" & rating>5")
        await app.press("enter")
        await app.shows("no image passes")
        await app.press("escape")
        await app.shows("2/3")


async def test_finding_goes_to_a_name_and_escape_comes_back(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        await app.press("slash")
        await app.type("_5")
        await app.shows("6/8  img_5.png")
        await app.press("escape")
        await app.shows("1/8")
        await app.press("slash")
        await app.type("_5")
        await app.press("enter")
        await app.shows("6/8")
        assert not app.session.ratings.waiting
        assert not app.session.ratings.mine


async def test_scores_that_arrive_meanwhile_are_shown(open_app: Any, folder: Path, store: Path, gate: Any) -> None:
    async with open_app(folder, store=store, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await review(app)
        await app.shows("no final score")
        gate.let(1)
        await app.shows("1st of 1")
        assert "a scripted caption of" in app.text()
        gate.let(20)
        await app.all_scored()
        await app.press("G")
        await app.shows("8th of 8")


async def test_others_ratings_stand_apart(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, rater="ann") as app:
        await app.until(lambda: app.rows)
        await app.session.ratings.rate(str(folder / "img_0.png"), 2)
    async with open_app(folder, store=store, rater="bob") as app:
        await review(app)
        await app.shows("ann: ★★☆☆☆ 2")
        assert "not rated" in app.text()
        assert "bob rates" in app.text()


async def test_what_cannot_be_stored_is_not_shown_and_the_review_comes_back_to_it(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_access, "_TIMEOUT", 0.05)
    Database.open(store).close()
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with open_app(folder, store=store, toasts=True) as app:
        await review(app)
        await app.press("j", "4", "5", "2")
        await app.shows("not stored: rating 4 of img_1.png")
        await quiet(app)
        await app.shows("2/8  img_1.png")
        assert "not rated" in app.text()
        assert not app.session.ratings.mine
        other.execute("ROLLBACK")
        await app.press("3")
        await quiet(app)
    other.close()
    assert ratings(store) == {"img_1.png": 3}


async def test_keys_that_may_be_a_terminals_answer_rate_nothing(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await review(app)
        now = [100.0]
        late_input = LateInput(lambda: now[0])
        app.app.screen._trusted = late_input.settled
        # The first half second, then an answer in one piece.
        late_input.add("4", now[0])
        await app.press("4")
        assert "1/8" in app.text()
        now[0] += 1
        for character in "\x1b[?62;4":
            late_input.add(character, now[0])
        await app.press("4")
        assert "1/8" in app.text()
        now[0] += 1
        late_input.add("4", now[0])
        await app.press("4")
        await app.shows("2/8")
        await quiet(app)
    assert ratings(store) == {"img_0.png": 4}


@pytest.mark.parametrize(
    ("size", "least"),
    [((40, 10), (40, 3)), pytest.param((80, 24), (44, 18), marks=pytest.mark.slow), ((120, 40), (70, 34))],
)
async def test_image_and_facts_both_have_room(
    open_app: Any, folder: Path, store: Path, size: tuple[int, int], least: tuple[int, int]
) -> None:
    async with open_app(folder, store=store, size=size, start_scoring=True) as app:
        await app.all_scored()
        await review(app)
        await app.shows("final")
        pixels = app.app.screen.query_exactly_one("#preview-pixels").size
        assert (pixels.width >= least[0], pixels.height >= least[1]) == (True, True), pixels
        for key in ("4", "x", "u", "n", "escape", "f", "escape", "e", "escape", "z", "escape", "question_mark", "q"):
            await app.press(key)
        await app.press("q")
        await app.until(lambda: not isinstance(app.app.screen, ReviewScreen))
