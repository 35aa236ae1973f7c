"""The terminal's title in a real terminal, and what is back there at the next start."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from PIL import Image

from tests.e2e.terminal import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.terminal import Terminal

    Open = Callable[..., Terminal]


def title(folder: Path) -> str:
    """The title of the terminal whose files lie in a folder."""
    command = ["tmux", "-S", str(folder / "tmux.sock"), "display-message", "-p", "#{pane_title}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_title_tells_the_folder_and_is_given_back_and_the_prompt_comes_again(
    terminal: Open, tmp_path: Path
) -> None:
    # To a terminal the end of this name would be a title of its own.
    images = tmp_path / "cabins\x1b]2;evil\x07"
    images.mkdir()
    Image.new("RGB", (8, 8)).save(images / "one.png")
    store = str(tmp_path / "store.db")
    first = terminal(str(images), "--profile", "sample", "-p", "only one cabin", "--store", store, columns=100, rows=30)
    first.wait_for("one.png")
    wait_until(lambda: title(tmp_path / "terminal0") == "cabins · aim-tui")
    first.keys("C-q")
    assert first.wait_for_exit() == 0
    wait_until(lambda: "aim-tui" not in title(tmp_path / "terminal0"))
    again = terminal(str(images), "--profile", "sample", "--store", store, columns=100, rows=30)
    again.wait_for("only one cabin")
    again.wait_for("prompt as last time")
    again.keys("C-q")
    assert again.wait_for_exit() == 0
