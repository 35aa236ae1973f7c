"""Maps are asked of the worker, kept while they are true, and failures say why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.heatmaps import MapMethod
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_a_map_comes_with_the_score_of_the_words_that_are_on(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="one wooden cabin") as app:
        made = await app.session.heatmaps.heatmap(str(folder / "img_0.png"), MapMethod.RELEVANCE, {1})
        assert (made.method, made.text) == (MapMethod.RELEVANCE, "one cabin")
        assert (made.score, made.whole) == (0.02, 0.03)
        assert made.thirds()[0][0] == "top left"


async def test_a_map_that_was_made_is_kept_until_its_file_changes(folder: Path, open_app: Any) -> None:
    path = folder / "img_0.png"
    async with open_app(folder) as app:
        maps = app.session.heatmaps
        first = await maps.heatmap(str(path))
        assert await maps.heatmap(str(path)) is first
        path.write_bytes(path.read_bytes() + b"more")
        assert await maps.heatmap(str(path)) is not first


async def test_what_cannot_be_mapped_says_why(folder: Path, open_app: Any) -> None:
    path = str(folder / "img_0.png")
    async with open_app(folder, prompt="cabin") as app:
        maps = app.session.heatmaps
        for asked, said in (
            (maps.heatmap(str(folder / "broken.png")), "holds text"),
            (maps.heatmap(path, MapMethod.RELEVANCE, {0}), "all words are switched off"),
            (maps.difference(path, ""), "no reference"),
        ):
            with pytest.raises(AimError, match=said):
                await asked


async def test_a_map_waits_for_the_job_and_comes_after_it(folder: Path, open_app: Any, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        asked = asyncio.create_task(app.session.heatmaps.heatmap(str(folder / "img_0.png")))
        assert app.session.heatmaps.waits
        await app.until(lambda: app.session.scoring.activity().running)
        assert not asked.done()
        gate.let(8)
        assert (await asked).score is not None
        await app.all_scored()


async def test_a_worker_that_has_died_is_not_started_behind_the_users_back(folder: Path, open_app: Any) -> None:
    async with open_app(folder, worker=["--crash-after", "0"]) as app:
        await app.press("s")
        await app.until(lambda: app.session.scoring.activity().crash is not None)
        for asked in (app.session.heatmaps.heatmap(str(folder / "img_0.png")), app.session.heatmaps.tokens("a cabin")):
            with pytest.raises(AimError, match=r"has died.*W"):
                await asked
        assert app.session.scoring.activity().crash is not None
