"""End-to-end tests need tmux; `.ci/run` installs it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Open `aim-tui ARGS` in a terminal of a size; every terminal is closed at the end."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    opened: list[Terminal] = []
    home = tmp_path / "home"
    home.mkdir()

    def open_terminal(*arguments: str, columns: int, rows: int) -> Terminal:
        command = [sys.executable, "-m", "aim_tui", *arguments]
        env = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
        folder = tmp_path / f"terminal{len(opened)}"
        folder.mkdir()
        opened.append(Terminal(folder, command, columns, rows, env))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.hang_up()
