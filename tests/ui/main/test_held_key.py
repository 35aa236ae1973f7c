"""A key held down through 200 images: nothing is read on the loop, and what is shown at rest is the current image."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.terminal import kitty, sixel
from aim_tui.ui.app import quiet_collector
from aim_tui.ui.widgets import image_preview

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

IMAGES = 200


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """200 images of a megapixel that no decoder finds easy, each of its own content."""
    folder = tmp_path / "many"
    folder.mkdir()
    Image.effect_noise((1280, 800), 60).convert("RGB").save(folder / "first.jpg", quality=90)
    data = (folder / "first.jpg").read_bytes()
    (folder / "first.jpg").unlink()
    for number in range(IMAGES):
        (folder / f"{number:03}.jpg").write_bytes(data + bytes([number]))
    return folder


@pytest.fixture(autouse=True)
def collector_as_in_the_application() -> Any:
    before = gc.get_threshold()
    quiet_collector()
    yield
    gc.set_threshold(*before)


class Stalls:
    """Ticks on the loop and keeps the longest time in which it could not."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - before)


@pytest.mark.parametrize("mode", ["half", "kitty", "sixel"])
async def test_holding_j_through_200_images_reads_few_of_them_and_none_on_the_loop(
    open_app: Any, many: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_TUI_IMAGES", mode)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    read: list[str] = []
    threads: set[threading.Thread] = set()

    def watched(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            threads.add(threading.current_thread())
            if isinstance(arguments[0], str):
                read.append(arguments[0])
            return function(*arguments)

        return call

    for module, name in ((kitty, "encode"), (sixel, "encode")):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    monkeypatch.setattr(
        image_preview.ImagePreview.__init__,
        "__kwdefaults__",
        image_preview.ImagePreview.__init__.__kwdefaults__ | {"read": watched(image_preview.read_picture)},
    )
    async with open_app(many, size=(120, 40)) as opened:
        preview = opened.app.screen.query_one(image_preview.ImagePreview)
        await opened.until(lambda: preview.shown is not None)
        await opened.until(lambda: len(read) >= 2)
        before = len(read)
        stalls = Stalls()
        watching = asyncio.create_task(stalls.watch())
        for _ in range(IMAGES - 1):
            await opened.hit("j")
        await opened.until(lambda: preview.shown.path.endswith(f"{IMAGES - 1:03}.jpg"))
        watching.cancel()
        passed = len(set(read[before:]))
        print(f"\n{mode}: longest stall of the loop {1000 * stalls.longest:.0f} ms, {passed} of {IMAGES} images read")
        assert threading.main_thread() not in threads
        assert bool(preview.shown.encoded) == (mode != "half")
        assert opened.app.screen.scores.current.path == preview.shown.path
