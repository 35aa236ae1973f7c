"""Marks as in a file manager: their count is always seen, and an open range says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_the_count_is_seen_and_a_range_says_how_it_ends(
    open_app: Any, folder: Path, size: tuple[int, int]
) -> None:
    async with open_app(folder, size=size) as app:
        scores = app.app.screen.scores
        await app.press("space")
        await app.shows("● 1 marked")
        await app.press("v", "j", "j")
        await app.shows("RANGE ● 4 marked, v or esc ends")
        await app.press("escape")
        await app.until(lambda: "RANGE" not in app.text())
        assert scores.marks == {0, 1, 2, 3}
        await app.press("ctrl+r")
        await app.until(lambda: scores.marks == {4, 5, 6, 7})
        await app.press("ctrl+a")
        await app.shows("● 8 marked")
        await app.press("escape")
        await app.until(lambda: " marked" not in app.text())
        assert not scores.marks


async def test_marks_that_a_filter_hides_are_counted_as_such(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("space", "space", "f")
        await app.type("img_0")
        await app.press("enter", "j")
        await app.until(lambda: len(app.app.screen.scores.order) == 1)
        await app.press("ctrl+a")
        await app.shows("● 2 marked, 1 not shown")
