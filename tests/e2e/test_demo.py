"""The program as its users meet it: in a terminal, with the real worker and the real sample models."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from tests.e2e.terminal import alive, descendants, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.terminal import Terminal

    Open = Callable[..., Terminal]

IMAGES = len(list_folder(load_demo_data().generations).images)
NOTICE = "sample models, to try out: scores mean something only for the sample images"
SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), pytest.param(160, 50, marks=pytest.mark.slow)])


def worker_of(terminal: Terminal) -> int:
    """The process id of the worker below a terminal."""

    def found() -> int | None:
        for pid in descendants(terminal.pane_pid()):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"aim_tui.worker" in file.read():
                    return pid
        return None

    return wait_until(found)


@SIZES
def test_the_demo_scores_every_image_and_quits_cleanly(terminal: Open, columns: int, rows: int) -> None:
    demo = terminal("demo", columns=columns, rows=rows)
    # The toast at the end covers the notice for a moment on a small screen.
    screen = demo.wait_for(lambda screen: "ready · mean" in screen and NOTICE in screen, seconds=180)
    assert f"{IMAGES} images" in screen
    # The first rows of the table have their final scores; nothing waits and nothing failed.
    assert "with failures" not in screen
    assert "partial" not in screen and "pending" not in screen
    below = descendants(demo.pane_pid())
    demo.keys("q")
    assert demo.wait_for_exit() == 0
    wait_until(lambda: not any(alive(pid) for pid in below if pid != demo.pane_pid() and alive_python(pid)) or None)


def alive_python(pid: int) -> bool:
    """Whether a process is one of ours: the shell and cat of the terminal live on."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"aim_tui" in file.read()
    except OSError:
        return False


def test_a_killed_worker_is_told_and_a_restart_finishes_the_job(terminal: Open) -> None:
    demo = terminal("demo", columns=120, rows=40)
    worker = worker_of(demo)
    os.kill(worker, signal.SIGKILL)
    demo.wait_for("crashed")
    demo.keys("W")
    demo.wait_for("its log:")
    demo.keys("y")
    demo.wait_for("ready · mean", seconds=180)


def test_a_lost_connection_ends_the_application_and_its_worker(terminal: Open) -> None:
    demo = terminal("demo", columns=80, rows=24)
    worker_of(demo)
    below = descendants(demo.pane_pid())
    assert below
    demo.hang_up()
    wait_until(lambda: not any(alive(pid) for pid in below) or None)


def test_without_a_folder_that_exists_the_command_says_so(terminal: Open) -> None:
    nowhere = terminal("/no/such/folder", columns=80, rows=24)
    nowhere.wait_for("no such file or folder: /no/such/folder")
    assert nowhere.wait_for_exit() == 2
