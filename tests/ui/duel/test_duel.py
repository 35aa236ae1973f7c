"""Blind duels: nothing tells which image is which, answers are stored before the next pair, and go on another day."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.plan import ScoringPlan, score
from aim_tui.core.scoring.results import Row
from aim_tui.settings.settings import load_settings
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError
from aim_tui.store.judgements import Duel, DuelOutcome, Judgements
from aim_tui.store.runs import Runs
from aim_tui.ui.duel.ranking import RankingScreen
from aim_tui.ui.duel.screen import DuelScreen
from aim_tui.ui.session.duel_series import MOST_IMAGES, selections, size_problem

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def duels(store: Path) -> list[Duel]:
    if not store.exists():
        return []
    with Database.open(store) as database:
        return Judgements(database).duels()


def move(folder: Path) -> Path:
    return folder.rename(folder.parent / "moved")


async def begin(app: Any, images: int = 8) -> Any:
    await app.until(lambda: len(app.rows) == images and not app.session.workspace.recalling)
    await app.press("D")
    await app.until(lambda: isinstance(app.app.screen, DuelScreen) and app.app.screen.pair is not None)
    return app.app.screen


async def answer(app: Any, key: str, count: int, store: Path) -> None:
    screen = app.app.screen
    await app.until(lambda: screen.pair is not None)
    await app.press(key)
    await app.until(lambda: len(duels(store)) == count and screen.pair is not None)


async def test_names_and_scores_are_not_on_the_screen(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, size=(80, 24), start_scoring=True) as app:
        await app.all_scored()
        await begin(app)
        await app.shows("which one is better?")
        text = app.text()
        assert "img_" not in text
        assert not any(f"{row.final:.1f}" in text for row in app.rows)


async def test_every_answer_is_stored_before_the_next_pair_comes(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_before: list[int] = []
    real = DuelScreen._next

    async def noticed(self: DuelScreen, busy: tuple[int, ...]) -> None:
        stored_before.append(len(duels(store)))
        await real(self, busy)

    monkeypatch.setattr(DuelScreen, "_next", noticed)
    async with open_app(folder, store=store) as app:
        await begin(app)
        for number, key in enumerate(("h", "right", "t", "space"), 1):
            await answer(app, key, number, store)
    assert stored_before == [0, 1, 2, 3, 4]
    said = duels(store)
    assert [duel.outcome for duel in said] == [
        DuelOutcome.LEFT,
        DuelOutcome.RIGHT,
        DuelOutcome.TIE,
        DuelOutcome.SKIP,
    ]
    assert len({duel.series for duel in said}) == 1
    assert {duel.rater for duel in said} == {app.session.ratings.rater}


async def test_undo_takes_the_last_answer_back_and_asks_the_same_pair_again(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store) as app:
        screen = await begin(app)
        first = screen.pair
        await answer(app, "h", 1, store)
        assert set(screen.pair).isdisjoint(first)
        await app.press("u")
        await app.until(lambda: screen.pair == first)
        assert duels(store) == []
        await app.press("u")
        await app.shows("no answer of this series to undo")


async def test_a_series_goes_on_in_another_application(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await begin(app)
        await answer(app, "h", 1, store)
        await answer(app, "l", 2, store)
        await app.press("q")
    folder = move(folder)
    async with open_app(folder, store=store) as app:
        await begin(app)
        await app.shows("2 answered")
        await answer(app, "h", 3, store)
    assert len({duel.left.sha256 for duel in duels(store)} | {duel.right.sha256 for duel in duels(store)}) >= 4


async def test_marked_images_are_a_series_of_their_own(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await begin(app)
        await answer(app, "h", 1, store)
        await app.press("q")
        await app.press("g", "space", "space", "space")
        screen = await begin(app)
        assert len(screen._series.images) == 3
        await answer(app, "h", 2, store)
    one, other = duels(store)
    assert one.series != other.series


async def test_an_answer_that_cannot_be_stored_is_said_and_the_pair_stays(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    async with open_app(folder, store=store) as app:
        screen = await begin(app)
        pair = screen.pair
        with monkeypatch.context() as patched:
            patched.setattr(Judgements, "duel", refuse)
            await app.press("h")
            await app.shows("not stored: the disk is full")
        assert screen.pair == pair
        await answer(app, "h", 1, store)
    assert len(duels(store)) == 1


def half_of(image: Path) -> bytes:
    """The beginning of an image that says what it is, and too little of the rest."""
    Image.effect_noise((400, 300), 90).save(image)
    return image.read_bytes()[: image.stat().st_size // 2]


async def test_files_that_are_no_images_take_no_part_and_are_counted(
    open_app: Any, make_folder: Any, store: Path
) -> None:
    folder = make_folder(*[f"img_{number}.png" for number in range(8)])
    (folder / "img_6.png").write_bytes(b"no image at all")
    (folder / "img_7.png").write_bytes((folder / "img_0.png").read_bytes())
    async with open_app(folder, store=store) as app:
        screen = await begin(app)
        await app.shows("1 cannot be read, 1 is a copy")
        assert [image.path[-5] for image in screen._series.images] == ["0", "1", "2", "3", "4", "5"]


async def test_what_turns_out_to_be_no_image_is_left_out_when_it_is_shown_and_no_duel(
    open_app: Any, make_folder: Any, store: Path
) -> None:
    folder = make_folder("img_0.png", "img_1.png", "img_2.png")
    broken, replaced = folder / "img_2.png", folder / "img_0.png"
    broken.write_bytes(half_of(broken))
    async with open_app(folder, store=store) as app:
        screen = await begin(app, images=3)
        if not screen._series.duellists.unreadable:
            # It is not among the first two, and skipping them brings it in.
            await app.press("s")
        await app.shows("1 left out (cannot be decoded")
        await app.shows("1 cannot be read")
        await app.until(lambda: screen.pair is not None)
        before = duels(store)
        assert str(broken) not in [side.path for duel in before for side in (duel.left, duel.right)]
        # One of the two that are left becomes another file, so nothing is left to compare it with.
        Image.new("RGB", (20, 20), "white").save(replaced)
        await app.pilot.resize_terminal(100, 30)
        await app.shows("the file is another one by now")
        await app.shows("this series ends here")
        await app.press("h", "s")
        assert duels(store) == before


async def test_a_terminal_without_images_says_so_at_once(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(folder, store=store) as app:
        await begin(app)
        await app.shows("this terminal shows no images here")
        assert "Left" not in app.text()
        await app.press("h", "t")
        assert duels(store) == []
        await answer(app, "s", 1, store)


async def test_a_duel_remembers_the_run_whose_scores_are_shown(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await begin(app)
        await answer(app, "h", 1, store)
        await app.press("q", "s")
        await app.all_scored()
        await app.until(lambda: not app.session.jobs.storing)
        await begin(app)
        await answer(app, "h", 2, store)
    with Database.open(store) as database:
        (run,) = Runs(database).history()
    assert [duel.run for duel in duels(store)] == [None, run.id]


async def test_the_ranking_is_shown_and_exported(open_app: Any, folder: Path, store: Path, tmp_path: Path) -> None:
    async with open_app(folder, store=store, size=(120, 40), start_scoring=True) as app:
        await app.all_scored()
        await begin(app)
        for number in range(1, 4):
            await answer(app, "h", number, store)
        await app.press("r")
        await app.until(lambda: isinstance(app.app.screen, RankingScreen))
        await app.shows("3 duels by")
        assert "95 % interval" in app.text()
        assert "img_0.png" in app.text()
        await app.press("ctrl+s", "ctrl+u")
        await app.paste(str(tmp_path / "ranking.csv"))
        await app.press("enter")
        await app.until(lambda: (tmp_path / "ranking.csv").exists())
    with (tmp_path / "ranking.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["rank"]) for row in rows] == list(range(1, 9))
    assert sum(int(row["wins"]) for row in rows) == 3
    assert sorted(int(row["final_rank"]) for row in rows) == list(range(1, 9))


async def test_panes_are_equal_and_stack_where_the_terminal_is_narrow(open_app: Any, folder: Path, store: Path) -> None:
    for size, stacked in (((80, 24), False), ((60, 50), True), ((40, 10), False)):
        async with open_app(folder, store=store, size=size) as app:
            screen = await begin(app)
            left, right = (pane.region for pane in screen._panes)
            # An odd number of lines cannot be shared equally.
            assert (left.width, 0) == (right.width, (right.height - left.height) // 2)
            assert (left.x == right.x) == stacked


def test_a_duel_needs_two_images() -> None:
    assert "needs two" in size_problem(1)
    assert size_problem(2) == ""


def test_of_too_many_images_the_best_the_first_and_a_sample_that_stays_the_same_are_offered() -> None:
    rows = [Row(number, f"/images/{number}.png") for number in range(MOST_IMAGES + 1)]
    assert list(selections(rows)) == ["first 50", "random 50"]
    for row in rows[60:]:
        row.scores = score(
            {"clip": Present(row.item / 2000)},
            ScoringPlan(("clip",), {"clip": 1.0}, load_settings().profile("aim").rules),
        )
    offered = selections(rows)
    assert offered["top 50"].items == list(range(MOST_IMAGES, MOST_IMAGES - 50, -1))
    assert offered["first 50"].items == list(range(50))
    sample = offered["random 50"].items
    assert len(set(sample)) == 50
    assert selections(rows[::-1])["random 50"].items == sample


async def test_too_many_images_meet_in_part_as_the_user_chooses(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.duel_series.MOST_IMAGES", 5)
    monkeypatch.setattr("aim_tui.ui.session.duel_series.FEWER", 3)
    async with open_app(folder, store=store) as app:
        await app.until(lambda: len(app.rows) == 8 and not app.session.workspace.recalling)
        await app.press("D")
        await app.shows("Duels between 5 images at most, of 8")
        await app.press("j", "j", "enter")
        assert not isinstance(app.app.screen, DuelScreen)
        await app.press("D")
        await app.shows("first 3")
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, DuelScreen) and app.app.screen.pair is not None)
        assert len(app.app.screen._series.images) == 3
