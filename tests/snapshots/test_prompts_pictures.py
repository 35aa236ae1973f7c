"""What a folder looks like that is being filled, and whose images bring their prompts, kept as pictures."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import PIL.Image
from PIL.PngImagePlugin import PngInfo
from pytest_textual_snapshot import SVGImageExtension

from aim_tui.core.scoring.context import Context
from aim_tui.ui.app import AimApp
from aim_tui.ui.launch import Launch
from tests.snapshots.test_pictures import (
    LOOKS,
    NAMES,
    SAMPLE,
    SCRIPTED,
    SETTINGS,
    Visit,
    folder,
    models,
    same_everywhere,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["folder", "same_everywhere"]


@LOOKS
async def test_prompts_look_as_they_did(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: Any,
    size: tuple[int, int],
    colours: str,
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    if colours == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    (folder / "broken.png").unlink()
    for name, prompt in zip(NAMES[:2], ("a red boat on a calm lake at dawn", "two cabins"), strict=True):
        info = PngInfo()
        info.add_text("parameters", f"{prompt}\nSteps: 20, Sampler: Euler a")
        PIL.Image.open(folder / name).save(folder / name, pnginfo=info)
    for path in folder.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    half = (folder / NAMES[0]).read_bytes()[:200]
    context = Context(SAMPLE.topic, SAMPLE.prompt)
    launch = Launch(folder, SETTINGS.profile("aim"), profiles=SETTINGS.profiles, context=context, watch=True)
    app = AimApp(launch, worker_command=(sys.executable, SCRIPTED))
    async with app.run_test(size=size) as pilot:
        visited = Visit(app, pilot, snapshot.use_extension(SVGImageExtension))
        await visited.until(
            lambda: app.session.workspace.results.rows and app.session.workspace.models.states is not None
        )
        await visited.press("I")
        await visited.looks("prompts")
        await visited.press("m")
        await visited.until(lambda: app.session.workspace.item_prompt_count == 2)
        await visited.press("s")
        await visited.scored()
        await visited.press("m", "m", "m")
        await visited.looks("prompt-line")
        await visited.press("i")
        await visited.shows("Rate")
        await visited.looks("prompt-review")
        await visited.press("escape")
        (folder / "cabin_99.png").write_bytes(half)
        await visited.shows("1 being written")
        await visited.press("o")
        await visited.looks("watching")
    assert not visited.differ, "these look otherwise than before; --snapshot-update keeps them as they are now"
