"""A hundred thousand images: everything works as with eight, and the longest stall of each step is printed (-s)."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.results import Raw
from aim_tui.ui.app import quiet_collector, short_turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ticker:
    """Measures the longest time that the loop did not come round, step by step."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.longest_by_clock: dict[str, float] = {}
        self._step = ""
        self._began = (time.thread_time(), time.monotonic())
        self._task = asyncio.create_task(self._tick())

    def now(self, step: str) -> None:
        """What is measured from here on."""
        self._read()
        self._step = step
        self._began = (time.thread_time(), time.monotonic())

    def stop(self) -> None:
        self._task.cancel()

    async def _tick(self) -> None:
        while True:
            self._began = (time.thread_time(), time.monotonic())
            await asyncio.sleep(0.001)
            self._read()

    def _read(self) -> None:
        clock, worked = time.monotonic() - self._began[1], time.thread_time() - self._began[0]
        self.longest[self._step] = max(self.longest.get(self._step, 0.0), worked)
        self.longest_by_clock[self._step] = max(self.longest_by_clock.get(self._step, 0.0), clock)


@pytest.fixture(autouse=True)
def interpreter() -> Iterator[None]:
    threshold, turns = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()
    sys.setswitchinterval(turns)


@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("models_here")
@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_every_step_does_its_work_with_very_many_rows(
    open_app: Any, folder: Path, tmp_path: Path, count: int, gate: Any
) -> None:
    large = tmp_path / "large"
    large.mkdir()
    for number in range(count):
        (large / f"img_{number:06}.png").touch()
    quiet_collector()
    short_turns()
    ticker = Ticker()
    async with open_app(folder, size=(160, 50), store=tmp_path / "store.db", worker=["--gate", str(gate.path)]) as app:
        scores = app.app.screen.scores
        ticker.now("open")
        app.session.folders.open(large)
        await app.until(lambda: len(scores.order) == count and len(app.app.screen.files.keys) > count)
        ticker.now("")
        for row in app.rows:
            value = Present(0.4 * (row.item * 7919 % count) / count)
            context = app.session.workspace.context
            row.raws = {"clip": Raw(value, context.prompt), "blip2": Raw(value, context.topic)}
        ticker.now("weights")
        app.session.setup.set_weights({"clip": 1.0, "blip2": 2.0, "lpips": 1.0})
        await app.until(lambda: app.rows[-1].final is not None and app.rows[0].final is not None)
        await app.pilot.pause()
        ticker.now("sort")
        await app.hit("comma")
        await app.hit("f")
        await app.until(lambda: scores.order[0] != 0)
        ticker.now("filter")
        await app.hit("f")
        await app.paste("clip>0.2")
        await app.until(lambda: len(scores.order) < count)
        await app.hit("escape")
        await app.until(lambda: len(scores.order) == count)
        ticker.now("prompt")
        app.session.setup.set_prompt("another topic", "another prompt")
        await app.settle()
        ticker.now("move")
        for key in ("j",) * 20 + ("pagedown",) * 10 + ("G",):
            await app.hit(key)
        await app.until(lambda: scores.current.item == scores.order[-1])
        await app.hit("g")
        await app.until(lambda: scores.current.item == scores.order[0])
        ticker.now("mark")
        await app.hit("ctrl+a")
        await app.until(lambda: len(scores.marks) == count)
        ticker.now("score marked")
        await app.hit("s")
        await app.until(lambda: app.session.workspace.running is not None)
        ticker.now("while it runs")
        gate.let(count // 2)
        await app.until(lambda: app.session.workspace.running.progress.done == count // 2)
        ticker.now("cancel")
        app.session.scoring.cancel()

        def ended() -> bool:
            # The worker sees that the job is cancelled when it has waited for another image.
            gate.let(1)
            return app.session.workspace.running is None and not app.session.jobs.storing

        await app.until(ended)
        await app.pilot.pause()
        ticker.now("score what is left")
        await app.hit("escape")
        await app.hit("s")
        await app.until(lambda: app.session.workspace.running is not None)
        ticker.now("to the end")
        gate.let(count // 2 + 1)
        await app.until(lambda: app.session.workspace.running is None and not app.session.jobs.storing, seconds=300)
        await app.pilot.pause()
        assert all(row.final is not None for row in app.rows)
    ticker.stop()
    longest = {step: stall for step, stall in ticker.longest.items() if step}
    print(
        {step: f"{1000 * s:.0f} ms, {1000 * ticker.longest_by_clock[step]:.0f} by clock" for step, s in longest.items()}
    )
