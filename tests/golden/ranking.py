"""The ranking of duels, which only the application writes: opened in a terminal on the kept store, and exported.

It needs no more of the program than its command, its settings, its keys, and a few words of its screens to wait for.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.terminal import Terminal
from tests.golden.scenes import IMAGES, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE = Path(__file__).parents[1] / "store" / "fixtures" / "version-3" / "store.db"
STAND_IN = "/home/painter"
#: The corner of a dialog.
_DIALOG = "╭─"


def produce_ranking(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each form of the ranking. `folder` is empty; its path is replaced in the texts."""
    _prepare(folder)
    env = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    env |= {"AIM_TUI_STORE": str(folder / "store.db"), "HOME": str(folder)}
    settings = ("--config", str(folder / "settings.toml"), "-P", "sample")
    command = [sys.executable, "-m", "aim_tui", "open", str(folder / "images"), *settings]
    with Terminal(folder, command, 120, 40, env) as terminal:
        # The sign of a note: the store has been read.
        terminal.wait_for("✎")
        terminal.keys("D")
        terminal.wait_for(lambda screen: "cabin_004.webp" not in screen)
        terminal.keys("r")
        terminal.wait_for("95 %")
        for form in ("csv", "json", "jsonl"):
            out = folder / f"ranking.{form}"
            terminal.keys("C-s")
            terminal.wait_for(lambda screen: _DIALOG in screen and "images/ranking.csv" in screen)
            terminal.keys("C-u")
            terminal.wait_for(lambda screen: "images/ranking.csv" not in screen)
            terminal.type(str(out))
            terminal.wait_for(out.name)
            terminal.keys("Enter")
            terminal.wait_for(lambda _, out=out: out.exists())  # type: ignore[misc]
            terminal.wait_for(lambda screen: _DIALOG not in screen)
            yield out.name, out.read_bytes().decode().replace(str(folder), STAND_IN)


def _prepare(folder: Path) -> None:
    """The images that the kept duels are about, one under another name, and a setting that names the rater."""
    (folder / "images").mkdir()
    for name in IMAGES:
        shutil.copyfile(SAMPLE / "generations" / name, folder / "images" / name)
    shutil.copyfile(SAMPLE / "generations" / "pattern_02.webp", folder / "images" / 'odd "1", <b>.webp')
    shutil.copyfile(STORE, folder / "store.db")
    (folder / "settings.toml").write_text('[review]\nrater = "ada"\n')
