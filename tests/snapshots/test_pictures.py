"""What the screens look like, kept as pictures; `pytest tests/snapshots --snapshot-update` takes them anew.

The scripted worker gives fixed scores, the folder has a fixed name, and the preview is drawn as half-blocks.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.config import load_settings
from aim_tui.core.context import Context
from aim_tui.core.metrics import Role
from aim_tui.core.scoring import Status
from aim_tui.hub.inventory import ModelState
from aim_tui.inputs.sample import load_sample
from aim_tui.ui.app import AimApp
from aim_tui.ui.launch import Launch
from aim_tui.ui.widgets.image_preview import ImagePreview

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot

    Steps = Callable[[Pilot[int]], Awaitable[None]]

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")
SAMPLE = load_sample()
NAMES = ("cabin_001.png", "cabin_003.jpg", "two_cabins_01.png", "lake_night_01.webp", "pattern_01.png")


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A few sample images under a path that is the same on every run, for the title shows it; one for each test."""
    name = request.node.name.removeprefix("test_").translate({ord("["): "-", ord("]"): None, ord("_"): "-"})
    path = Path(tempfile.gettempdir()) / f"aim-tui-{name}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for name in NAMES:
        shutil.copy(SAMPLE.generations / name, path)
    (path / "broken.png").write_bytes(b"")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def same_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Textual has read its environment by now.
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("AIM_TUI_IMAGES", "half")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def models(complete: bool) -> Callable[..., list[ModelState]]:
    """What the inventory says: all here, or two models missing."""

    def state(role: Role, name: str, metric: str, size: int) -> ModelState:
        return ModelState(
            role=role,
            name=name,
            needed_by=(metric,),
            present=complete,
            complete=complete,
            bytes_on_disk=size if complete else 0,
            bytes_to_fetch=0 if complete else size,
            path=None,
            revision="",
            problem="" if complete else "not on this machine",
        )

    return lambda *_, **__: [
        state(Role.CLIP, "openai/clip-vit-base-patch32", "clip", 609_000_000),
        state(Role.CAPTIONER, "Salesforce/blip2-opt-2.7b", "blip2", 15_000_000_000),
    ]


def app(folder: Path) -> AimApp:
    settings = load_settings()
    launch = Launch(
        folder=folder,
        profile=settings.profile("aim"),
        profiles=settings.profiles,
        context=Context(SAMPLE.topic, SAMPLE.prompt, str(folder / "cabin_001.png")),
        start_scoring=True,
    )
    return AimApp(launch, worker_command=(sys.executable, SCRIPTED))


def after(*keys: str, scored: bool = True) -> Steps:
    """Wait until everything is scored and drawn, press keys, and wait for the picture to rest."""

    async def steps(pilot: Pilot[int]) -> None:
        session = pilot.app.session  # type: ignore[attr-defined]
        if scored:
            await until(
                pilot,
                lambda: (
                    session.running is None
                    and session.results.rows
                    and all(row.status is not Status.PENDING for row in session.results.rows)
                    and "mean" in pilot.app.export_screenshot()
                ),
            )
        # A toast goes after some seconds; a picture must not depend on when it is taken.
        pilot.app.clear_notifications()
        await pilot.press(*keys)
        main = pilot.app.screen_stack[0]
        previews = [each for each in main.query(ImagePreview) if each.size]
        await until(
            pilot,
            lambda: all(each.shown and each.shown.path == main.scores.current.path for each in previews),
        )
        await pilot.pause(0.3)

    return steps


async def until(pilot: Pilot[int], condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await pilot.pause(0.02)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=["80x24", "120x40", "160x50"])


@SIZES
def test_the_main_screen(
    snap_compare: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("aim_tui.ui.models.inspect_profile", models(complete=True))
    assert snap_compare(app(folder), terminal_size=size, run_before=after("comma", "f", "g"))


def test_why_an_image_scores_as_it_does(snap_compare: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.ui.models.inspect_profile", models(complete=True))
    assert snap_compare(app(folder), terminal_size=(120, 60), run_before=after("e"))


def test_the_first_run_without_models(snap_compare: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.ui.models.inspect_profile", models(complete=False))
    assert snap_compare(app(folder), terminal_size=(100, 30), run_before=after(scored=False))
