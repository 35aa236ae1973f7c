"""Slash, then tab: rows ranked by what they show, with the scripted worker's numbers and the store's embeddings."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aim_tui.inputs.file_identity import FileIdentity, content_hash
from aim_tui.store.cache import FeatureCache, FeatureKind, Space
from aim_tui.store.database import Database
from aim_tui.store.files import FileHashes, Stat
from aim_tui.ui.session.search import TextSimilarity

if TYPE_CHECKING:
    from pathlib import Path

SPACE = Space(FeatureKind.EMBEDDING, "scripted-clip", "scripted")


def contents(folder: Path) -> list[str]:
    """The SHA-256 of each of the eight images."""
    return [content_hash(str(folder / f"img_{number}.png")) for number in range(8)]


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Path:
    """What CLIP saw of the images: number n points to n tenths of a turn. Of the last one it has seen nothing."""
    path = tmp_path / "store.db"
    turns = [2 * math.pi * number / 10 for number in range(7)]
    vectors = np.array([[math.cos(turn), math.sin(turn)] for turn in turns], dtype=np.float32)
    with Database.open(path) as database:
        FeatureCache(database).put_vectors(SPACE, contents(folder)[:7], vectors)
    return path


async def scored(app: Any) -> None:
    await app.press("s")
    await app.all_scored()


def names(app: Any) -> list[str]:
    order = app.app.screen.scores.order
    return [app.rows[item].path[-5] for item in order]


async def search(app: Any, text: str) -> None:
    await app.press("slash", "tab")
    await app.type(text)
    await app.press("enter")


@pytest.mark.usefixtures("models_here")
@pytest.mark.parametrize("size", [(120, 40), pytest.param((80, 24), marks=pytest.mark.slow), (50, 15)])
async def test_rows_are_ranked_by_what_they_show_and_escape_gives_the_order_back(
    open_app: Any, folder: Path, store: Path, size: tuple[int, int]
) -> None:
    async with open_app(folder, store=store, size=size) as app:
        await scored(app)
        await app.press("comma", "f")
        await app.until(lambda: names(app) == list("01234567"))
        await search(app, "like 3")
        # 2 and 4 are equally near and come in their order; 7 was never seen and is last.
        await app.until(lambda: names(app) == list("32415067"))
        await app.shows("Cosine▼")
        await app.shows("1.0000")
        await app.shows("0.8090")
        assert app.app.screen.scores.current.path.endswith("img_3.png")
        if size[0] >= 80:
            assert "7 ranked, 1 not seen by CLIP" in app.text()
        await app.press("escape")
        await app.until(lambda: names(app) == list("01234567"))
        assert "Cosine" not in app.text() and "seen by CLIP" not in app.text()


@pytest.mark.usefixtures("models_here")
async def test_what_is_filtered_stays_filtered_and_another_column_ends_the_search(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store) as app:
        await scored(app)
        await app.press("f")
        await app.type("!img_3")
        await app.press("enter")
        await search(app, "like 3")
        await app.until(lambda: names(app) == list("2415067"))
        await app.press("comma", "n")
        await app.until(lambda: names(app) == list("0124567"))
        await app.shows("Filter  !img_3")
        assert "Cosine" not in app.text()


@pytest.mark.usefixtures("models_here")
async def test_a_search_that_cannot_be_answered_says_why_and_changes_nothing(
    open_app: Any, folder: Path, store: Path, tmp_path: Path
) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        await search(app, "like 3")
        await app.shows("CLIP has not seen these")
        assert names(app) == list("01234567") and "looking" not in app.text()
        await scored(app)
        await search(app, "broken")
        await app.shows("broken: cannot")
        assert names(app) == list("01234567")
    async with open_app(folder, toasts=True) as app:
        await search(app, "like 3")
        await app.shows("without a")


@pytest.mark.usefixtures("models_here")
async def test_tab_goes_back_to_names_with_what_was_typed(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await app.press("slash")
        await app.shows("tab: by what is shown")
        await app.press("tab")
        await app.type("img_5")
        assert app.app.screen.scores.current.path.endswith("img_0.png")
        await app.press("tab")
        await app.until(lambda: app.app.screen.scores.current.path.endswith("img_5.png"))
        await app.press("escape")
        await app.until(lambda: app.app.screen.scores.current.path.endswith("img_0.png"))


def test_equal_ones_come_in_their_order_and_unseen_ones_last() -> None:
    likeness = TextSimilarity("a", {5: 0.5, 1: 0.5, 3: -1.0}, 2)
    assert likeness.order([0, 1, 2, 3, 4, 5]) == [1, 5, 3, 0, 2, 4]


@pytest.mark.usefixtures("models_here")
async def test_what_a_command_has_embedded_is_found_without_scoring(open_app: Any, folder: Path, store: Path) -> None:
    images = [folder / f"img_{number}.png" for number in range(7)]
    for image in images:
        os.utime(image, ns=(10**18, 10**18))
    with Database.open(store) as database:
        stats = [Stat(str(image), FileIdentity.from_stat(image.stat())) for image in images]
        FileHashes(database).remember(zip(stats, contents(folder), strict=False))
    async with open_app(folder, store=store) as app:
        await search(app, "like 3")
        await app.until(lambda: names(app) == list("32415067"))
