"""Takes the pictures of the README: the real application, the real worker, the sample images.

python docs/screenshots.py [FOLDER]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

# Pictures show what a terminal with all colours shows, wherever they are taken; both are read at import.
os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "AIM_TUI_IMAGES": "half"}
os.environ.pop("NO_COLOR", None)


from typing import TYPE_CHECKING

from aim_tui.config import load_settings
from aim_tui.core.context import Context
from aim_tui.core.scoring import Status
from aim_tui.inputs.sample import load_sample
from aim_tui.ui.app import AimApp
from aim_tui.ui.launch import Launch

if TYPE_CHECKING:
    from textual.pilot import Pilot

DEADLINE_SECONDS = 300


async def take(folder: Path, name: str, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    """Score the sample images, press keys, and write the screen as SVG."""
    sample, settings = load_sample(), load_settings()
    launch = Launch(
        folder=sample.generations,
        profile=settings.profile("sample"),
        profiles=settings.profiles,
        context=Context(sample.topic, sample.prompt, str(sample.reference)),
        start_scoring=True,
    )
    app = AimApp(launch)
    async with app.run_test(size=size) as pilot:
        await _scored(app, pilot)
        await pilot.press(*keys)
        # The preview draws a moment after the cursor rests.
        await pilot.pause(1.5)
        (folder / name).write_text(app.export_screenshot(title="aim-tui"), encoding="utf-8")


async def _scored(app: AimApp, pilot: Pilot[int]) -> None:
    for _ in range(DEADLINE_SECONDS * 10):
        rows = app.session.results.rows
        if rows and app.session.running is None and all(row.status is not Status.PENDING for row in rows):
            return
        await pilot.pause(0.1)
    raise SystemExit("the sample images were not scored in time")


async def _main(folder: Path) -> None:
    await take(folder, "main.svg", (160, 50), ("comma", "f", "g"))
    await take(folder, "main-80x24.svg", (80, 24), ("comma", "f", "g"))
    await take(folder, "explain.svg", (120, 40), ("comma", "f", "g", "e"))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"))
