"""The line about the work says what fits, and how many have failed whatever fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_tui.core.scoring.events import Phase, PhaseName
from aim_tui.ipc.worker_state import Crash, WorkerState
from aim_tui.ui.progress_strip import ProgressStrip
from aim_tui.ui.session.activity import Activity
from tests.ui.widgets.samples import Holder

SCORING = Activity(
    WorkerState.BUSY, Phase(PhaseName.SCORING), done=312, total=1204, failed=17, rate=2.5, seconds_left=400.0,
    current="/images/a_rather_long_name_of_an_image.png",
)  # fmt: skip
LOADING = Activity(WorkerState.BUSY, Phase(PhaseName.LOADING, "openai/clip-vit-base-patch32"), total=1204, failed=17)
CANCELLING = Activity(WorkerState.BUSY, Phase(PhaseName.SCORING), done=312, total=1204, failed=17, cancelling=True)
IDLE = Activity(WorkerState.READY)
CRASHED = Activity(
    WorkerState.CRASHED, crash=Crash("killed by SIGKILL (out of memory?)", -9, "", Path("/log")), left=892
)


@pytest.mark.parametrize("activity", [SCORING, LOADING, CANCELLING, IDLE, CRASHED])
@pytest.mark.parametrize("notes", [False, True])
async def test_failures_are_seen_at_every_width(activity: Activity, notes: bool) -> None:
    strip = ProgressStrip()
    async with Holder(strip).run_test(size=(120, 1)) as pilot:
        strip.show(activity)
        strip.show_summary("mean 71.3, best 98.4 2026-01-01/a_rather_long_name_of_an_image.png, 3 out of date", 17)
        if notes:
            strip.show_marked("RANGE ● 12 marked, 3 not shown, v or esc ends")
            strip.show_paused("paused, 212 new")
            strip.show_watching("watching, 3 being written")
            strip.show_not_stored("the disk is full")
            strip.show_models("4 models are not on this machine")
        for width in (120, 80, 60, 40, 30, 20):
            await pilot.resize_terminal(width, 1)
            await pilot.pause()
            line = strip.render().plain
            assert "! 17 " in line
            assert len(line) <= width


async def test_without_failures_none_are_said() -> None:
    strip = ProgressStrip()
    async with Holder(strip).run_test(size=(80, 1)):
        strip.show(IDLE)
        strip.show_summary("mean 71.3, best 98.4 a.png")
        assert strip.render().plain == "ready · mean 71.3, best 98.4 a.png"
