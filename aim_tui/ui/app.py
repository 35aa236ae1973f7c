"""The application itself: small. It opens the main screen, asks before quitting while a job runs, and ends cleanly."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from aim_tui.ipc.client import WORKER_COMMAND, Patience
from aim_tui.ui.commands import binding_commands
from aim_tui.ui.endings import end_on_signals
from aim_tui.ui.screens.confirm import ConfirmScreen
from aim_tui.ui.screens.main import MainScreen
from aim_tui.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import SystemCommand
    from textual.message import Message
    from textual.screen import Screen

    from aim_tui.ui.launch import Launch


class AimApp(App[int]):
    """aim-tui in a terminal."""

    TITLE = "aim-tui"
    DEFAULT_MODE = "main"
    BINDING_GROUP_TITLE = "Application"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Quit; asks while a job runs", id="app.quit"
        ),
    ]

    def __init__(
        self, launch: Launch, *, worker_command: Sequence[str] = WORKER_COMMAND, patience: Patience | None = None
    ) -> None:
        super().__init__()
        # Every moving thing is paid for by the byte over SSH.
        self.animation_level = "none"
        self.session = Session(launch, self._tell, worker_command=worker_command, patience=patience)
        self._main: MainScreen | None = None
        self.ending: asyncio.Future[None] | None = None
        """Keeps an ending that has begun."""
        self.add_mode(self.DEFAULT_MODE, self._open_main)

    def _open_main(self) -> MainScreen:
        # Made when the application runs: fields look for it as soon as they exist.
        self._main = MainScreen(self.session)
        return self._main

    def _tell(self, message: Message) -> None:
        if self._main is not None:
            self._main.post_message(message)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action and its key."""
        return binding_commands(self, screen)

    async def action_quit(self) -> None:
        """Quit, after a question where a job runs."""
        running = self.session.running
        if running is None or isinstance(self.screen, ConfirmScreen):
            self.exit(0)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(0)

        done, total = running.progress.done, running.progress.total
        question = f"{done} of {total} images are scored. Scores that were not exported (ctrl+s) are lost."
        self.push_screen(ConfirmScreen("Quit while a job runs?", question, "Quit", "Stay"), answered)

    async def on_unmount(self) -> None:
        """The worker ends with the application."""
        await self.session.close()


def run(launch: Launch) -> int:
    """Open the application and stay until it is left; returns the exit code."""
    quiet_collector()
    return asyncio.run(_run(AimApp(launch)))


def quiet_collector() -> None:
    """Let the garbage collector leave old objects alone.

    Rows stay until the end: to walk through those of 100,000 images in search of cycles takes a quarter of a second
    of standing still, and finds nothing. Young objects, where dialogs leave their cycles, are looked at as before.
    """
    gc.set_threshold(10_000, 20, 10_000)


async def _run(app: AimApp) -> int:
    end_on_signals(app)
    try:
        return await app.run_async() or app.return_code or 0
    finally:
        await app.session.close()
