"""What the screens of results look like, kept as pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_textual_snapshot import SVGImageExtension

from aim_tui.ui.app import AimApp
from aim_tui.ui.embeddings.categories import CategoriesScreen
from aim_tui.ui.embeddings.classes import ClassesScreen
from aim_tui.ui.launch import Launch
from tests.snapshots.test_pictures import LOOKS, SCRIPTED, SETTINGS, Visit, models, same_everywhere
from tests.ui.embeddings.test_saved_results import categories, classes

if TYPE_CHECKING:
    import pytest

    from aim_tui.core.embeddings.saved_results import Findings

__all__ = ["same_everywhere"]


@LOOKS
async def test_results_look_as_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any, size: tuple[int, int], colours: str
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    if colours == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    differ = []

    async def look(found: Findings, *named: tuple[str, str]) -> None:
        launch = Launch(tmp_path, SETTINGS.profile("aim"), profiles=SETTINGS.profiles, findings=found)
        app = AimApp(launch, worker_command=(sys.executable, SCRIPTED))
        async with app.run_test(size=size) as pilot:
            visited = Visit(app, pilot, snapshot.use_extension(SVGImageExtension))
            await visited.until(lambda: isinstance(app.screen, (CategoriesScreen, ClassesScreen)))
            for name, key in named:
                if key:
                    await visited.press(key)
                await visited.looks(name)
            differ.extend(visited.differ)

    await look(categories(Path("/images/root")), ("categories", ""))
    await look(classes(), ("classes", ""), ("classes-report", "v"))
    assert not differ, "these look otherwise than before; --snapshot-update keeps them as they are now"
