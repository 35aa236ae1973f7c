"""Edits in the application with the real worker: what the command would say, shown and stored."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from typing import TYPE_CHECKING

from aim_tui.inputs.edits import read_edits
from aim_tui.runs.edit_plan import EditWish, plan
from aim_tui.settings import paths
from aim_tui.settings.settings import load_settings
from aim_tui.store.database import Database
from aim_tui.store.runs import Runs
from aim_tui.ui.app import AimApp
from aim_tui.ui.launch import Launch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAIRS = 3


async def test_the_sample_edits_are_scored_by_the_real_worker_and_right_instructions_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AIM_TUI_IMAGES", "none")
    sample = paths.sample_data() / "edits"
    data, store = tmp_path / "data.json", tmp_path / "store.db"
    shutil.copytree(sample / "images", tmp_path / "images")
    samples = json.loads((sample / "adversarial_dataset.json").read_text())["samples"]
    data.write_text(json.dumps({"samples": samples[: 2 * PAIRS]}))
    settings = load_settings()
    profile = settings.profile("sample")
    launch = Launch(folder=tmp_path, profile=profile, store=store, edits=EditWish(str(data)))
    app = AimApp(launch)

    async def until(condition: object) -> None:
        deadline = time.monotonic() + 400
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    async with app.run_test(size=(100, 30)) as pilot:
        desk = app.session.edits
        await until(lambda: desk.open is not None)
        await pilot.press("s")
        await until(lambda: desk.running)
        await until(lambda: not desk.busy and not app.session.jobs.storing)
        assert [row.status for row in desk.results.rows] == ["ok"] * 2 * PAIRS
        words = f"right wins {PAIRS} of {PAIRS} pairs"
        await until(lambda: words in app.export_screenshot().replace("&#160;", " "))
    with Database.open(store, read_only=True) as database:
        found = plan(profile, launch.engine_settings(profile), read_edits(data), EditWish(str(data)))
        run = Runs(database).latest(found.request(models_needed=True), found.items())
    assert run is not None
    assert run.info.state == "done"
    assert [row.raws for row in run.results.rows] == [row.raws for row in desk.results.rows]
    assert sum(len(row.raws) for row in run.results.rows) == 2 * PAIRS * 7
