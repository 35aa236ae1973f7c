"""Every terminal size gets a layout in which each pane has room for what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.ui.main.layout import share_out
from aim_tui.ui.scores.score_columns import lay_out, width_for_all_values
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.widgets.line_look import NARROW_TERMINAL

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

# (columns, rows), files beside the table, preview beside it, title
SIZES = [
    ((200, 60), True, True, True),
    ((160, 50), True, True, True),
    ((120, 40), False, True, True),
    ((80, 24), False, False, True),
    ((60, 24), False, False, True),
    ((80, 16), False, False, False),
    ((40, 10), False, False, False),
]


@pytest.mark.parametrize(
    ("size", "files", "preview", "title"),
    [
        each if each[0] in ((160, 50), (80, 24), (40, 10)) else pytest.param(*each, marks=pytest.mark.slow)
        for each in SIZES
    ],
)
async def test_panes_come_and_go_with_the_size(
    open_app: Any, folder: Path, size: tuple[int, int], files: bool, preview: bool, title: bool
) -> None:
    async with open_app(folder, size=size, start_scoring=True) as app:
        await app.all_scored()
        await app.settle()
        main = app.app.screen
        table = main.scores.query_one("#scores")
        assert (main.files.size.width > 0, main.preview.size.width > 0, main.heading.size.height > 0) == (
            files,
            preview,
            title,
        )
        assert table.size.width >= 40
        assert table.size.height >= 3
        assert not files or main.files.size.width >= 24
        assert not preview or main.preview.size.width >= 30
        assert main.form.prompt and "Prompt" in app.text()
        await app.press("o")
        assert main.files.has_focus
        assert main.files.size.width >= 24
        await app.press("o")
        assert table.has_focus


async def test_a_terminal_that_changes_its_size_is_followed(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(160, 50), start_scoring=True) as app:
        await app.all_scored()
        main = app.app.screen
        for (columns, rows), files, preview, _ in [*SIZES, *reversed(SIZES)]:
            await app.resize(columns, rows)
            assert (main.files.size.width > 0, main.preview.size.width > 0) == (files, preview)


@pytest.mark.parametrize("rated", [False, True])
@pytest.mark.parametrize("longest_name", [8, 60])
@pytest.mark.parametrize("rows", [8, 100_000])
@pytest.mark.parametrize("metrics", [("clip",), ("clip", "blip2"), ("clip", "blip2", "lpips")])
def test_no_width_loses_a_value_that_a_narrower_one_shows(
    metrics: tuple[str, ...], rows: int, longest_name: int, rated: bool
) -> None:
    around = ScoreTable.GUTTER + 1
    seen: set[str] = set()
    for width in range(60, 201):
        panes = share_out(width, width_for_all_values(metrics, rows, rated) + around)
        room = width - panes.files - panes.preview - around
        layout = lay_out(room, metrics, rows, longest_name, narrow=width < NARROW_TERMINAL, rated=rated)
        shown = {column.id for column in layout.columns if column.metric}
        assert shown >= seen, width
        seen = shown
    assert len(seen) == 2 * len(metrics)
    assert panes.files and panes.preview


async def test_panes_make_room_for_the_column_of_ratings(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(
        folder, size=(118, 24), reference=str(folder / "img_7.png"), store=tmp_path / "store.db", start_scoring=True
    ) as app:
        await app.all_scored()
        main = app.app.screen
        before = main.preview.size.width
        assert before and "norm" in app.text()
        await app.press("i")
        await app.until(app.app.late_input.settled)
        await app.press("4", "escape")
        await app.until(lambda: main.session.ratings.mine and main.preview.size.width < before)
        assert "Rate" in app.text() and "norm" in app.text()


async def test_the_files_beside_the_table_cost_no_metric(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(120, 40), reference=str(folder / "img_7.png"), start_scoring=True) as app:
        await app.all_scored()
        main = app.app.screen
        for columns in (120, 140, 157, 158, 160):
            await app.resize(columns, 40)
            await app.until(lambda columns=columns: main.size.width == columns)
            await app.shows("LPIPS ↓")
            assert "more" not in app.text(), columns


async def test_the_keyboard_never_stays_in_a_pane_that_went_away(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(160, 50)) as app:
        await app.press("o")
        assert app.app.screen.files.has_focus
        await app.resize(80, 24)
        focused = app.app.focused
        assert focused is not None and focused.size.width > 0


async def test_the_sample_notice_is_always_there_while_that_profile_is_used(open_app: Any, folder: Path) -> None:
    for size in ((160, 50), (80, 24), (40, 10)):
        async with open_app(folder, size=size, profile="sample") as app:
            await app.shows("sample models, to try out")
            for key in ("o", "m", "p"):
                await app.press(key)
                assert "sample models, to try out" in app.text()
                await app.press("escape")
