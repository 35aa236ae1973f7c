"""Scoring from the keyboard: the table fills, and what is scored outlives cancels, crashes and other settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.ipc.worker_state import WorkerState

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_the_table_fills_from_the_worker(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        await app.shows("ready")
        text = app.text()
        assert "img_7.png" in text
        assert "0.4000" in text  # CLIP of img_0
        assert "20/77" not in text
        assert "mean" in text


async def test_scoring_starts_by_itself_only_when_asked_to(open_app: Any, folder: Path) -> None:
    async with open_app(folder, start_scoring=True) as app:
        await app.all_scored()
    async with open_app(folder) as app:
        await app.until(lambda: app.session.scoring.activity().state is WorkerState.READY)
        assert app.scored == []


async def test_without_a_reference_lpips_is_not_asked_and_the_screen_says_so(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.shows("LPIPS off: no reference")
        await app.shows("CLIP 28.6 %")
        await app.press("s")
        await app.all_scored()
        assert set(app.rows[0].raws) == {"clip", "blip2"}
        await app.press("r")
        await app.shows("LPIPS 30 %")
        assert app.session.workspace.context.reference == app.rows[0].path
        assert app.scored == []
        await app.press("s")
        await app.all_scored()
        assert set(app.rows[0].raws) == {"clip", "blip2", "lpips"}
        await app.press("R")
        await app.shows("LPIPS off: no reference")
        assert len(app.scored) == 8


async def test_cancelling_keeps_what_is_finished_and_s_goes_on(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)], toasts=True) as app:
        await app.press("s")
        gate.let(3)
        await app.until(lambda: app.scored == [0, 1, 2])
        await app.press("x")
        await app.shows("cancelling")
        gate.let(1)
        await app.shows("cancelled: 3 of 8 were scored and are kept")
        assert app.scored == [0, 1, 2]
        gate.let(20)
        await app.press("s")
        await app.all_scored()


async def test_marks_are_scored_before_all(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("space", "j", "space", "s")
        await app.until(lambda: app.session.workspace.running is None and app.scored == [0, 2])
        await app.press("escape", "s")
        await app.all_scored()


async def test_a_crash_is_said_scores_are_kept_and_a_restart_goes_on(open_app: Any, folder: Path) -> None:
    async with open_app(folder, worker=["--crash-after", "3"], size=(120, 40)) as app:
        await app.press("s")
        await app.shows("crashed: the worker was ended by SIGKILL")
        await app.shows("5 images left")
        assert app.scored == [0, 1, 2]
        await app.press("W")
        await app.shows("scripted: about to fall over")
        await app.press("n")
        assert app.session.scoring.activity().state is WorkerState.CRASHED
        await app.press("W", "enter")
        # It falls over again before the fourth of the five that were left.
        await app.until(lambda: app.scored == [0, 1, 2, 3, 4, 5])
        await app.shows("2 images left")
        await app.press("W", "y")
        await app.all_scored()


async def test_a_changed_prompt_makes_only_clip_stale_and_s_scores_only_clip(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(160, 50)) as app:
        await app.press("s")
        await app.all_scored()
        captions = [row.raws["blip2"] for row in app.rows]
        await app.press("p")
        await app.type(" please")
        await app.press("enter")
        context = app.session.workspace.context
        assert context.prompt == "Only one wooden cabin please"
        assert all(row.stale("clip", context) and not row.stale("blip2", context) for row in app.rows)
        await app.shows("CLIP scored against another prompt; s scores again")
        await app.press("s")
        await app.until(lambda: not any(row.stale("clip", app.session.workspace.context) for row in app.rows))
        await app.until(lambda: app.session.workspace.running is None)
        assert all(row.raws["blip2"] is before for row, before in zip(app.rows, captions, strict=True))


async def test_a_job_keeps_the_prompt_it_was_submitted_with(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        gate.let(2)
        await app.until(lambda: len(app.scored) == 2)
        await app.press("p")
        await app.type("!")
        await app.press("enter")
        gate.let(6)
        await app.all_scored()
        assert {row.raws["clip"].against for row in app.rows} == {"Only one wooden cabin"}
        assert all(row.stale("clip", app.session.workspace.context) for row in app.rows)


async def test_other_weights_score_again_without_the_worker(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        before = [row.final for row in app.rows]
        raws = [dict(row.raws) for row in app.rows]
        await app.press("w")
        await app.press("end", "backspace", "backspace", "backspace", "1", "enter")
        await app.until(lambda: [row.final for row in app.rows] != before)
        assert app.session.workspace.running is None
        assert [dict(row.raws) for row in app.rows] == raws
        assert app.session.workspace.weights["clip"] == 1.0
        await app.shows("CLIP 66.7 %")


async def test_weights_that_make_no_sense_are_refused_in_words(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("w", "end", "backspace", "backspace", "backspace", "-", "1", "enter")
        await app.shows("weights are zero or more")
        await app.press("backspace", "backspace", "x", "enter")
        await app.shows("a weight is a number")
        await app.press("escape")
        assert app.session.workspace.weights["clip"] == 0.2


def switch_off(app: Any, metric: str) -> str:
    return app.session.setup.set_weights(app.session.workspace.weights, set(app.session.workspace.enabled) - {metric})


async def test_a_metric_switched_off_leaves_the_sum(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        assert switch_off(app, "blip2") == ""
        await app.shows("BLIP2 off: switched off")
        await app.shows("CLIP 100 %")
        assert switch_off(app, "clip") == ""
        await app.shows("nothing can be scored: no reference")
        assert switch_off(app, "lpips") == "no metric is enabled"
        assert app.session.workspace.enabled == ("lpips",)


async def test_nothing_can_be_scored_without_prompt_topic_and_reference(open_app: Any, folder: Path) -> None:
    async with open_app(folder, topic="", prompt="", toasts=True) as app:
        await app.shows("nothing can be scored: no prompt, no topic, no reference")
        await app.press("s")
        await app.settle()
        assert app.session.workspace.running is None


async def test_another_folder_and_back_finds_the_scores(open_app: Any, folder: Path) -> None:
    (folder / "deeper").mkdir()
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        app.session.folders.open(folder / "deeper")
        await app.shows("No images in this folder")
        app.session.folders.open(folder)
        await app.until(lambda: len(app.rows) == 8)
        assert len(app.scored) == 8


async def test_leaving_a_folder_while_a_job_runs_asks_and_drops_its_late_facts(
    open_app: Any, folder: Path, gate: Any
) -> None:
    (folder / "deeper").mkdir()
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        gate.let(2)
        await app.until(lambda: len(app.scored) == 2)
        await app.press("o", "g", "j", "enter")
        await app.shows("Leave this folder?")
        await app.press("n")
        assert app.session.workspace.running is not None
        await app.press("enter")
        await app.shows("Leave this folder?")
        await app.press("y")
        await app.until(lambda: app.rows == [])
        gate.let(6)
        app.session.folders.open(folder)
        await app.until(lambda: len(app.rows) == 8)
        assert app.scored == [0, 1]
        await app.press("s")
        gate.let(10)
        await app.all_scored()


async def test_another_profile_begins_afresh_and_the_first_ones_scores_come_back(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    told = tmp_path / "configured"
    async with open_app(folder, worker=["--configured", str(told)]) as app:
        await app.press("s")
        await app.all_scored()
        app.session.folders.use_profile(app.session.workspace.launch.profiles["sample"])
        await app.shows("sample models, to try out")
        await app.until(lambda: app.scored == [])
        await app.until(lambda: b"sample/clip" in told.read_bytes())
        app.session.folders.use_profile(app.session.workspace.launch.profiles["aim"])
        await app.until(lambda: len(app.scored) == 8)
        await app.until(lambda: "sample models" not in app.text())
        await app.until(lambda: b"openai/clip" in told.read_bytes())


async def test_failures_are_marked_and_explained(open_app: Any, make_folder: Any) -> None:
    folder = make_folder("a_broken.png", "b_odd.png", "c_1.png")
    async with open_app(folder, worker=["--fail", "clip"]) as app:
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is None and len(app.scored) == 1)
        await app.shows("! holds text, not an image")
        await app.press("j")
        await app.shows("out of memory at one image")
        await app.press("f")
        await app.type("failed")
        await app.press("enter")
        await app.shows("1/3")


async def test_a_model_that_cannot_be_had_is_named(open_app: Any, folder: Path) -> None:
    async with open_app(folder, worker=["--no-model"], toasts=True) as app:
        await app.press("s")
        await app.shows("the model scripted/clip is not here; fetch it")
        assert app.session.workspace.running is None


async def test_export_writes_what_the_screen_shows(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder, toasts=True) as app:
        await app.press("s")
        await app.all_scored()
        await app.press("ctrl+s", "ctrl+u")
        await app.paste(str(tmp_path / "nowhere" / "x.json"))
        await app.press("enter")
        await app.shows("there is no folder")
        await app.press("ctrl+u")
        await app.paste(str(tmp_path / "x.json"))
        await app.press("enter")
        await app.until((tmp_path / "x.json").exists)
        whole = json.loads((tmp_path / "x.json").read_text())
        assert [row["final_score"] for row in whole["results"]] == [row.final for row in app.rows]
        assert whole["weights"] == {"clip": 0.2, "blip2": 0.5}
        assert whole["not_asked"] == {"lpips": "no reference"}
