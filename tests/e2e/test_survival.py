"""Whatever ends the application while it scores: the store has what was scored, and `s` scores only the rest."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.store.database import Database
from aim_tui.store.records import RESUMABLE, RunState
from aim_tui.store.runs import Runs
from tests.e2e.terminal import Terminal, alive, descendants, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aim_tui.store.records import Run

IMAGES, BEFORE = 12, 5
APP = str(Path(__file__).with_name("gated_app.py"))


class Place:
    """A folder of images, a store, and a gate that lets the worker score one image at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self.images, self.store = path, path / "images", path / "data" / "store.db"
        self.images.mkdir()
        for number in range(IMAGES):
            Image.new("RGB", (16, 12), (number * 20, 80, 120)).save(self.images / f"img_{number:02}.png")
        os.mkfifo(path / "gate")
        self._gate = os.open(path / "gate", os.O_RDWR)
        self.terminals: list[Terminal] = []

    def open(self) -> Terminal:
        command = [sys.executable, APP, str(self.images), str(self.store), str(self.path / "gate")]
        folder = self.path / f"terminal{len(self.terminals)}"
        folder.mkdir()
        env = {"HOME": str(self.path), "PYTHONPATH": str(Path(__file__).parents[2])}
        env |= {"XDG_STATE_HOME": str(self.path / "state"), "XDG_CONFIG_HOME": str(self.path / "config")}
        self.terminals.append(Terminal(folder, command, 100, 24, env))
        return self.terminals[-1]

    def let(self, images: int) -> None:
        os.write(self._gate, b"." * images)

    def stored(self) -> list[Run]:
        if not self.store.exists():
            return []
        with Database.open(self.store, read_only=True) as database:
            runs = Runs(database)
            return [runs.load(info.id) for info in runs.history()]

    def close(self) -> None:
        for terminal in self.terminals:
            terminal.hang_up()
        os.close(self._gate)


@pytest.fixture
def place(tmp_path: Path, terminal: object) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def app_of(terminal: Terminal) -> int:
    """The process of the application below a terminal."""
    found = [
        pid for pid in descendants(terminal.pane_pid()) if b"gated_app" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return min(found)


def everything_committed(place: Place) -> bool:
    runs = place.stored()
    return bool(runs) and runs[0].info.begun == BEFORE and len(finals(runs[0])) == BEFORE


def finals(run: Run) -> dict[str, float]:
    return {row.path: row.final for row in run.results.rows if row.final is not None}


def terminate(place: Place, terminal: Terminal) -> None:
    os.kill(app_of(terminal), signal.SIGTERM)


def hang_up(place: Place, terminal: Terminal) -> None:
    os.kill(app_of(terminal), signal.SIGHUP)


def close_terminal(place: Place, terminal: Terminal) -> None:
    terminal.hang_up()


def kill(place: Place, terminal: Terminal) -> None:
    wait_until(lambda: everything_committed(place) or None)
    os.kill(app_of(terminal), signal.SIGKILL)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(terminate, marks=pytest.mark.slow),
        pytest.param(hang_up, marks=pytest.mark.slow),
        close_terminal,
        kill,
    ],
    ids=lambda end: end.__name__,
)
def test_what_was_scored_is_kept_and_the_rest_is_scored_on_opening_again(
    place: Place, end: Callable[[Any, Any], None]
) -> None:
    first = place.open()
    first.wait_for("ready")
    first.keys("s")
    place.let(BEFORE)
    first.wait_for(f"{BEFORE}/{IMAGES}")
    below = descendants(first.pane_pid())
    end(place, first)
    wait_until(lambda: not any(alive(pid) and _is_ours(pid) for pid in below) or None)

    (run,) = place.stored()
    assert run.info.state in RESUMABLE
    assert (run.info.images, run.info.begun) == (IMAGES, BEFORE)
    before = finals(run)
    assert len(before) == BEFORE

    # The pipe may still hold what the first worker did not take.
    again = place.open()
    again.wait_for(lambda screen: screen.count("✓") == BEFORE)
    again.keys("s")
    place.let(IMAGES - BEFORE)
    again.wait_for(f"scored {IMAGES - BEFORE}")
    wait_until(lambda: place.stored()[0].info.state is RunState.DONE or None)
    again.keys("q")
    assert again.wait_for_exit() == 0

    (whole,) = place.stored()
    assert whole.info.id == run.info.id
    assert {path: final for path, final in finals(whole).items() if path in before} == before
    assert len(finals(whole)) == IMAGES
    assert finals(whole) == undisturbed(place)


def undisturbed(place: Place) -> dict[str, float]:
    """What a run from beginning to end finds."""
    place.store = place.path / "other" / "store.db"
    terminal = place.open()
    terminal.wait_for("ready")
    terminal.keys("s")
    place.let(IMAGES)
    terminal.wait_for(f"scored {IMAGES}")
    terminal.keys("q")
    assert terminal.wait_for_exit() == 0
    (run,) = place.stored()
    assert run.info.state is RunState.DONE
    return finals(run)


def _is_ours(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"gated_app" in command or b"scripted_worker" in command
