"""Quitting: at once while nothing runs, after a question while a job does; nothing outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("models_here")
@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_it_quits_at_once_while_nothing_runs(open_app: Any, folder: Path, key: str) -> None:
    async with open_app(folder) as app:
        await app.press(key)
        assert app.app.return_code == 0
        assert app.app.return_value == 0


@pytest.mark.usefixtures("models_here")
async def test_it_asks_while_a_job_runs_and_the_safe_answer_has_the_focus(
    open_app: Any, folder: Path, gate: Any
) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        await app.press("q")
        await app.shows("Quit while a job runs?")
        await app.press("enter")
        assert app.app.return_value is None
        await app.press("ctrl+q")
        await app.shows("Quit while a job runs?")
        await app.press("escape")
        assert app.app.return_value is None
        await app.press("q", "y")
        assert app.app.return_value == 0


@pytest.mark.usefixtures("models_here")
async def test_the_question_stays_true_while_the_job_goes_on(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        await app.press("q")
        await app.shows("0 of 8 images are scored")
        gate.let(3)
        await app.shows("3 of 8 images are scored")
        gate.let(5)
        await app.shows("8 of 8 images are scored")
        await app.press("n")
        assert app.app.return_value is None


@pytest.mark.usefixtures("models_here")
async def test_q_closes_the_top_thing_before_it_quits(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        for key in ("e", "question_mark", "z"):
            await app.press(key)
            assert len(app.app.screen_stack) == 2
            await app.press("q")
            assert len(app.app.screen_stack) == 1
        assert app.app.return_value is None


@pytest.mark.usefixtures("models_here")
async def test_a_worker_that_will_not_leave_is_ended_with_the_application(open_app: Any, folder: Path) -> None:
    async with open_app(folder, worker=["--stubborn"], start_scoring=True) as app:
        await app.all_scored()
        pid = app.session.jobs.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_opening_the_application_loads_no_model_library() -> None:
    code = "import aim_tui.ui.app, sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    heavy = {"torch", "torchvision", "transformers", "sentence_transformers", "scipy.stats", "huggingface_hub", "lpips"}
    assert loaded.isdisjoint(heavy)
    assert not {name for name in loaded if name.startswith("aim_tui.worker")}
