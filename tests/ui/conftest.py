"""An open application on a folder of small images, with the scripted worker behind it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from textual._compositor import LayoutUpdate
from textual.events import Paste

from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.context import Context
from aim_tui.hub.inventory import ModelState
from aim_tui.inputs.listing import list_folder
from aim_tui.ipc.worker_state import Patience
from aim_tui.settings.settings import load_settings
from aim_tui.ui.app import AimApp
from aim_tui.ui.launch import Launch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from textual.pilot import Pilot

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")
TOPIC = "A wooden cabin with a smoking chimney"
PROMPT = "Only one wooden cabin"
# Seconds that nothing takes but what never comes, however busy the machine is.
LONGEST = 120.0
# Applications of the tests have no queue of keys.
IDLE = SimpleNamespace(idle=True)


async def at_rest(pilot: Pilot[Any]) -> bool:
    """Wait until no widget has a message left, three rounds in a row; False where that never comes.

    The pilot takes a program that waits for its turn on a busy processor for one that has nothing to do.
    """
    calm = 0
    deadline = time.monotonic() + LONGEST
    while calm < 3 and pilot.app.is_running:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.001)
        await pilot._wait_for_screen()
        pumps = [pilot.app, *pilot.app.screen.walk_children(with_self=True)]
        waiting = any(pump.message_queue_size for pump in pumps) or not getattr(pilot.app, "input_gate", IDLE).idle
        calm = 0 if waiting else calm + 1
    return True


class Opened:
    """The application while it is open, with eyes and hands."""

    def __init__(self, app: AimApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self.session = app.session

    async def until(self, condition: Callable[[], Any], seconds: float = LONGEST) -> None:
        """Let the application run until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it never came to be; the screen shows:\n{self.text()}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before has taken effect."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def click(self, *arguments: Any, **options: Any) -> None:
        """Click, and let it take effect."""
        await self.pilot.click(*arguments, **options)
        await self.settle()

    async def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal, and let it take effect."""
        await self.pilot.resize_terminal(columns, rows)
        await self.settle()

    async def hit(self, key: str) -> None:
        """Press a key as one that is held down does: the next comes a little later, whatever became of this one."""
        self.app.simulate_key(key)
        for _ in range(20):
            await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Let what was asked for take effect."""
        assert await at_rest(self.pilot), f"it never comes to rest; the screen shows:\n{self.text()}"

    async def paste(self, text: str) -> None:
        self.app.screen.focused.post_message(Paste(text))
        await self.pilot.pause()
        await self.settle()

    async def shows(self, text: str, seconds: float = LONGEST) -> None:
        await self.until(lambda: text in self.text(), seconds)

    def text(self) -> str:
        """What is on the screen, as lines of text."""
        # As the pictures have it, without the spaces between the parts of a line; drawing one takes ten times as long.
        update = self.app.screen._compositor.render_update(full=True, screen_stack=self.app._background_screens)
        assert isinstance(update, LayoutUpdate)
        segments = ([segment.text for strip in line for segment in strip] for line in update.strips)
        lines = ("".join(text for text in line if text.strip(" ")) for line in segments)
        return "\n".join(line.replace("\xa0", " ") for line in lines if line)

    @property
    def rows(self) -> Sequence[Any]:
        return self.session.workspace.results.rows

    @property
    def scored(self) -> list[int]:
        return [row.item for row in self.rows if row.final is not None]

    async def all_scored(self) -> None:
        await self.until(
            lambda: self.session.workspace.running is None and self.rows and len(self.scored) == len(self.rows)
        )


class Gate:
    """Lets the scripted worker score one image at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        # Open for reading too, so that opening does not wait for the worker, nor the worker see an end.
        self._handle = os.open(path, os.O_RDWR)

    def let(self, images: int) -> None:
        os.write(self._handle, b"." * images)

    def close(self) -> None:
        os.close(self._handle)


def state(role: Role, name: str, needed_by: tuple[str, ...], to_fetch: int = 0) -> ModelState:
    """What the inventory would say of a model, complete unless there is something to fetch."""
    return ModelState(
        role=role,
        name=name,
        needed_by=needed_by,
        present=not to_fetch,
        complete=not to_fetch,
        bytes_on_disk=0 if to_fetch else 1000,
        bytes_to_fetch=to_fetch,
        path=None,
        revision="",
        problem="not on this machine" if to_fetch else "",
    )


@pytest.fixture
def model_state() -> Any:
    return state


def all_here(*_: object) -> list[ModelState]:
    return [state(Role.CLIP, "scripted/clip", ("clip",)), state(Role.CAPTIONER, "scripted/captioner", ("blip2",))]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AIM_TUI_IMAGES", "half")


@pytest.fixture
def models_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", all_here)


@pytest.fixture
def make_folder(tmp_path: Path) -> Any:
    """A folder of tiny images with these names."""

    def make(*names: str) -> Path:
        path = tmp_path / "images"
        path.mkdir()
        for number, name in enumerate(names):
            with (path / name).open("wb") as stream:
                Image.new("RGB", (16, 12), (number * 20 % 255, 80, 120)).save(stream, format="PNG")
        return path

    return make


@pytest.fixture
def folder(make_folder: Any) -> Path:
    """Eight images in a folder; the scripted worker likes lower numbers better."""
    return make_folder(*[f"img_{number}.png" for number in range(8)])


@pytest.fixture
def gate(tmp_path: Path) -> Any:
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()


@pytest.fixture
def open_app() -> Any:
    """Open the application: `async with open_app(folder, worker=[...], size=(80, 24)) as app`."""

    @asynccontextmanager
    async def opener(
        folder: Path,
        *,
        worker: Sequence[str] = (),
        size: tuple[int, int] = (120, 40),
        reference: str = "",
        topic: str = TOPIC,
        prompt: str = PROMPT,
        profile: str = "aim",
        toasts: bool = False,
        **launch: Any,
    ) -> AsyncIterator[Opened]:
        settings = load_settings()
        app = AimApp(
            Launch(
                folder=folder,
                profile=settings.profile(profile),
                profiles=settings.profiles,
                context=Context(topic, prompt, reference),
                **launch,
            ),
            worker_command=(sys.executable, SCRIPTED, *worker),
            patience=Patience(hello=LONGEST, close=1.0, terminate=0.5),
        )
        # A toast goes after some seconds: here it stays until it is looked for.
        notify = app.notify
        app.notify = lambda *said, **how: notify(*said, **{**how, "timeout": LONGEST})  # type: ignore[method-assign]
        async with app.run_test(size=size, notifications=toasts) as pilot:
            opened = Opened(app, pilot)
            expected = launch.get("paths") or list_folder(folder).images
            await opened.until(
                lambda: opened.session.workspace.models.states is not None and (opened.rows or not expected)
            )
            # The table shows them too: the first key finds what it is meant for.
            await opened.settle()
            yield opened
            pid = app.session.jobs.pid
        if pid is not None:
            await asyncio.sleep(0)
            assert not _runs(pid), "the worker outlived the application"

    return opener


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
