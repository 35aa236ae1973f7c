"""What the table of images against texts looks like, kept as pictures."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_textual_snapshot import SVGImageExtension

from aim_tui.ui.app import AimApp
from aim_tui.ui.embeddings.matrix import MatrixScreen
from aim_tui.ui.launch import Launch
from tests.snapshots.test_pictures import LOOKS, NAMES, SCRIPTED, SETTINGS, Visit, folder, models, same_everywhere
from tests.ui.embeddings.test_matrix import matrix

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["folder", "same_everywhere"]


@LOOKS
async def test_a_matrix_looks_as_it_did(
    folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any, size: tuple[int, int], colours: str
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    if colours == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    for number, name in enumerate(NAMES):
        (folder / name).rename(folder / f"img_{number}.png")
    launch = Launch(folder, SETTINGS.profile("aim"), profiles=SETTINGS.profiles, findings=matrix(folder, len(NAMES)))
    app = AimApp(launch, worker_command=(sys.executable, SCRIPTED))
    async with app.run_test(size=size) as pilot:
        visited = Visit(app, pilot, snapshot.use_extension(SVGImageExtension))
        await visited.until(lambda: isinstance(app.screen, MatrixScreen))
        await visited.press("j", "l", "s")
        await visited.shows("by T2")
        await visited.looks("matrix")
        await visited.press("v")
        await visited.looks("matrix-texts")
    assert not visited.differ, "these look otherwise than before; --snapshot-update keeps them as they are now"
