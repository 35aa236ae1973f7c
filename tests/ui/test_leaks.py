"""A screen that was left leaves nothing behind, however often it is opened: LEAK_TIMES says how often."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.screen import Screen
from textual.widget import Widget

pytestmark = pytest.mark.usefixtures("models_here")

# Keys from the table to each screen and dialog.
WAYS = ["i", "t", "z", "e", "A", "c", "H", "K", "D", "E", "O", "w", "b", "I", "M", "L"]
WAYS += ["p", "slash", "comma", "asterisk", "question_mark", "ctrl+s", "ctrl+p"]


async def open_and_leave(app: Any, way: str) -> None:
    await app.press(way)
    for _ in range(4):
        if len(app.app.screen_stack) == 1 and app.app.focused is not None and app.app.focused.id == "scores":
            break
        await app.press("escape")


def alive() -> dict[str, int]:
    """How many there are of what costs memory or a processor."""
    gc.collect()
    objects = gc.get_objects()
    return {
        "screens": sum(isinstance(one, Screen) for one in objects),
        "widgets": sum(isinstance(one, Widget) for one in objects),
        "images": sum(isinstance(one, Image.Image) for one in objects),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
    }


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("ways", "times"),
    [(["i", "z", "e", "w"], 8), pytest.param(WAYS, int(os.environ.get("LEAK_TIMES", "20")), marks=pytest.mark.slow)],
    ids=["few", "all"],
)
async def test_what_is_opened_often_leaves_nothing_behind(
    open_app: Any, folder: Path, tmp_path: Path, ways: list[str], times: int
) -> None:
    async with open_app(folder, size=(120, 40), store=tmp_path / "store.db") as app:
        await app.until(lambda: app.rows)
        for way in ways:
            for _ in range(3):
                await open_and_leave(app, way)
            before = alive()
            for _ in range(times):
                await open_and_leave(app, way)
            more = {what: count - before[what] for what, count in alive().items()}
            # The last ones that were closed may not be gone yet; a pool may start a thread late.
            assert more["screens"] <= 3, (way, more)
            assert more["widgets"] <= 100, (way, more)
            assert max(more["images"], more["threads"], more["tasks"]) <= 6, (way, more)
