"""Which way of showing images is chosen, and that choosing it asks the terminal nothing."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

from aim_tui.terminal.images import DEFAULT_CELL_SIZE, CellSize, ImageMode, image_support


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        (None, ImageMode.HALF),
        ("", ImageMode.HALF),
        ("auto", ImageMode.HALF),
        ("half", ImageMode.HALF),
        (" Kitty ", ImageMode.KITTY),
        ("sixel", ImageMode.SIXEL),
        ("none", ImageMode.NONE),
    ],
)
def test_the_environment_decides(value, mode):
    environ = {} if value is None else {"AIM_TUI_IMAGES": value}
    assert image_support(environ).mode is mode


def test_a_wrong_value_falls_back_and_says_what_there_is():
    support = image_support({"AIM_TUI_IMAGES": "kity"})
    assert support.mode is ImageMode.HALF
    assert support.why.startswith("AIM_TUI_IMAGES=kity is not one of auto, half, kitty, sixel, none; ")


def test_the_cell_size_is_as_told_or_the_usual_one():
    assert image_support({}, CellSize(9, 18)).cell == (9, 18)
    assert image_support({}).cell == DEFAULT_CELL_SIZE or sys.__stdout__.isatty()


@pytest.mark.parametrize("mode", ["half", "kitty", "sixel", "none"])
def test_choosing_a_mode_sends_not_one_byte_to_the_terminal(mode):
    """On a real terminal, in a fresh interpreter: whatever textual-image would have asked would be seen here."""
    code = (
        "import sys; assert sys.__stdout__.isatty()\n"
        "from PIL import Image\n"
        "from aim_tui.terminal.images import *\n"
        "from aim_tui.ui.widgets.protocol_pane import pixel_pane\n"
        "support = image_support()\n"
        "sent = pixel_pane(support).encode(Image.new('RGB', (40, 40), 'red'))\n"
        "assert bool(sent) == (support.mode in ('kitty', 'sixel')), sent\n"
        "assert ('textual_image' in sys.modules) == (support.mode == 'sixel')\n"
        "assert 'textual_image._terminal' not in sys.modules\n"
    )
    master, slave = pty.openpty()
    environ = os.environ | {"AIM_TUI_IMAGES": mode, "TERM": "xterm-kitty"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environ, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        readable, _, _ = select.select([master], [], [], 0)
        assert not readable, os.read(master, 1000)
    finally:
        os.close(master)
        os.close(slave)
