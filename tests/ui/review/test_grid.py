"""The contact sheet: thumbnails with scores, moved over by keys, marks shared with the table; large folders open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.events import MouseScrollDown

from aim_tui.core.outcomes import Failed, Present
from aim_tui.core.scoring.plan import score
from aim_tui.core.scoring.results import Row
from aim_tui.ui.review.grid import GridScreen
from aim_tui.ui.review.screen import ReviewScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")


def grid_of(app: Any, rows: Any) -> GridScreen:
    policy, history = app.session.workspace.launch.reading, app.session.undo_history
    return GridScreen(rows, range(len(rows)), 0, frozenset, policy, lambda _: None, None, history)


async def open_grid(app: Any) -> Any:
    await app.until(lambda: len(app.rows) == 8 and app.app.screen.scores.current is not None)
    await app.press("t")
    await app.until(lambda: isinstance(app.app.screen, GridScreen) and app.app.screen.grid.size.width > 0)
    return app.app.screen.grid


async def test_thumbnails_carry_name_and_final_score(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(120, 40), start_scoring=True) as app:
        await app.all_scored()
        await open_grid(app)
        await app.shows("▀")
        text = app.text()
        assert all(f"img_{number}.png" in text for number in range(8))
        assert f"{app.rows[3].final:.1f}" in text


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow), (40, 10)])
async def test_keys_move_and_the_table_follows(open_app: Any, folder: Path, size: tuple[int, int]) -> None:
    async with open_app(folder, size=size) as app:
        grid = await open_grid(app)
        await app.press("l")
        assert grid.position == 1
        await app.press("h", "j")
        assert grid.position == min(grid._columns, 7)
        await app.press("G")
        assert grid.position == 7
        await app.press("q")
        await app.until(lambda: not isinstance(app.app.screen, GridScreen))
        await app.until(lambda: app.app.screen.scores.current.item == 7)


async def test_marks_are_those_of_the_table(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        grid = await open_grid(app)
        await app.press("space", "l", "space")
        assert grid.marks == {0, 2}
        await app.press("q")
        await app.until(lambda: not isinstance(app.app.screen, GridScreen))
        assert app.app.screen.scores.marks == {0, 2}


async def test_enter_reviews_from_the_image_on_and_what_was_said_stands_at_the_thumbnails(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    async with open_app(folder, store=tmp_path / "store.db", size=(80, 24)) as app:
        await app.until(app.app.late_input.settled)
        grid = await open_grid(app)
        await app.press("l", "enter")
        await app.until(lambda: isinstance(app.app.screen, ReviewScreen))
        await app.shows("2/8")
        await app.press("4", "x")
        await app.until(lambda: not app.session.ratings.waiting)
        await app.press("q")
        await app.until(lambda: isinstance(app.app.screen, GridScreen) and grid.position == 3)
        await app.until(lambda: app.session.ratings.opinion(app.rows[2].path).rejected)
        lines = app.text().splitlines()
        assert [line.split() for line in lines if "pending" in line][0] == ["·", "pending"] + ["·", "pending", "4"] + [
            "·",
            "pending",
            "✗",
        ] + ["·", "pending"]


async def test_unscored_and_failed_thumbnails_are_told_apart(open_app: Any, make_folder: Any) -> None:
    folder = make_folder("img_0.png", "img_1.png", "img_2.png")
    (folder / "img_1.png").write_bytes(b"")
    rows = [Row(item, str(folder / f"img_{item}.png")) for item in range(3)]
    async with open_app(folder) as app:
        await app.until(lambda: app.rows)
        plan = app.session.workspace.plan
        for row, outcome in ((rows[0], Present(0.3)), (rows[1], Failed("is empty"))):
            row.scores = score(dict.fromkeys(plan.metrics, outcome), plan)
        rows[0].scores, rows[1].error = score(dict.fromkeys(plan.metrics, Present(0.3)), plan), "is empty"
        app.app.push_screen(grid_of(app, rows))
        await app.shows("· pending")
        assert f"{rows[0].final:.1f}" in app.text()
        assert "! failed" in app.text()


async def test_plus_and_minus_change_the_size(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        grid = await open_grid(app)
        before = grid._columns
        await app.press("plus")
        assert grid._columns < before
        await app.press("minus", "minus")
        assert grid._columns > before


async def test_the_wheel_is_not_undone_by_another_size_and_a_key_goes_back_to_the_cursor(
    open_app: Any, make_folder: Any
) -> None:
    folder = make_folder(*[f"img_{number:02}.png" for number in range(60)])
    async with open_app(folder, size=(80, 24)) as app:
        await app.until(lambda: len(app.rows) == 60)
        await app.press("t")
        await app.until(lambda: isinstance(app.app.screen, GridScreen) and app.app.screen.grid.max_scroll_y > 0)
        grid = app.app.screen.grid
        for _ in range(20):
            grid.post_message(MouseScrollDown(grid, 10, 4, 0, 1, 0, False, False, False))
        await app.until(lambda: grid.scroll_offset.y == 40)
        first = 40 // grid._cell_height * grid._columns
        for size in ((60, 24), (80, 20)):
            await app.pilot.resize_terminal(*size)
            await app.until(lambda size=size: grid.size.width == size[0])
            await app.shows(f"img_{first:02}.png")
            assert grid.position == 0
            assert "img_01.png" not in app.text()
        await app.press("g")
        await app.shows("img_01.png")


async def test_without_colours_there_are_names_and_numbers(
    open_app: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_TUI_IMAGES", "none")
    async with open_app(folder) as app:
        await open_grid(app)
        assert "img_7.png" in app.text()
        assert "▀" not in app.text()


async def test_only_what_is_near_is_read_of_a_hundred_thousand(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await open_grid(app)
        await app.press("q")
        await app.until(lambda: not isinstance(app.app.screen, GridScreen))
        path = app.rows[0].path
        rows = [Row(item, f"{path}.{item}") for item in range(100_000)]
        screen = grid_of(app, rows)
        app.app.push_screen(screen)
        await app.until(lambda: screen.grid.size.width > 0 and screen.grid._thumbnails._kept)
        await app.press("G")
        assert screen.grid.position == 99_999
        await app.shows("100000/100000")
        assert len(screen.grid._thumbnails._kept) <= 200
