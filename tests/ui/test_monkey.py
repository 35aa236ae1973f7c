"""Nothing that can be typed ends the application."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_tui.ui.app import AimApp
from aim_tui.ui.session import models
from tests.ui.monkey import rage

pytestmark = pytest.mark.usefixtures("models_here")

# `python -m tests.ui.monkey` sets other numbers.
COUNT = int(os.environ.get("MONKEY_KEYS", "0"))
SEED = int(os.environ.get("MONKEY_SEED", "1"))


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("count", [300, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_random_keys_texts_and_sizes_leave_it_open(
    open_app: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "FETCH_COMMAND", (sys.executable, "-c", ""))

    async def stays(app: AimApp) -> None:
        """What quits is tried by tests of its own."""

    monkeypatch.setattr(AimApp, "action_quit", stays)
    async with open_app(folder, size=(120, 40), store=tmp_path / "store.db") as app:
        await app.until(lambda: app.rows)
        await rage(app, SEED, COUNT or count)


@pytest.mark.parametrize("size", [(20, 5), (30, 12)])
async def test_the_list_of_commands_in_a_terminal_that_shrinks(
    open_app: Any, folder: Path, size: tuple[int, int]
) -> None:
    async with open_app(folder, size=(120, 40)) as app:
        await app.until(lambda: app.rows)
        await app.press("ctrl+p")
        await app.resize(*size)
        await app.press("pagedown", "pageup", "escape", "ctrl+p", "pagedown")
        for key in ("escape", "ctrl+p", "shift+up", "pageup", "pagedown"):
            app.app.simulate_key(key)
        await app.settle()
        assert app.app.is_running
