"""The application itself: small. It opens the main screen, asks before quitting while a job runs, and ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import Console
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import WorkerFailed

from aim_tui.errors import AimError
from aim_tui.ipc.worker_state import Patience
from aim_tui.terminal.images import remembered
from aim_tui.terminal.osc import osc_settings
from aim_tui.terminal.startup import driver_class, leave_terminal
from aim_tui.terminal.writer import TerminalWriter, driver_with_writer, query_tmux
from aim_tui.ui.commands import binding_commands
from aim_tui.ui.crash_report import crash_report
from aim_tui.ui.input_gate import InputGate
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.launch import Launch
from aim_tui.ui.legible_colours import legible
from aim_tui.ui.notifications import ShownNotification
from aim_tui.ui.opening import OpeningScreen
from aim_tui.ui.session.terminal_status import TerminalStatus
from aim_tui.ui.signals import end_on_signals

if TYPE_CHECKING:
    from aim_tui.ui.main.screen import MainScreen
    from aim_tui.ui.session.session import Session

_MOST_NOTIFICATIONS = 200


class _Palette(CommandPalette):
    """The list of commands; a page of it can be turned before it has a line, and in a terminal of three lines."""

    def _action_command_list(self, action: str) -> None:
        # Textual looks up the line of an option in a list that is not laid out.
        with suppress(KeyError):
            super()._action_command_list(action)


class AimApp(App[int]):
    """aim-tui in a terminal."""

    TITLE = "aim-tui"
    DEFAULT_MODE = "main"
    BINDING_GROUP_TITLE = "Application"
    # One line where there is room for it, above the lines that speak: the last three of the main screen.
    CSS = """
    ToastRack { margin-bottom: 3; }
    Toast { width: auto; max-width: 75%; margin: 0; padding: 0 1; }
    """
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Quit; asks while a job runs", id="app.quit"
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            "Commands",
            show=False,
            priority=True,
            tooltip="Every action by name",
            id="app.palette",
        ),
        Binding(
            "C", "toggle_compact", "Compact", show=False, tooltip="Fewer borders and lines, or all", id="app.compact"
        ),
    ]

    session: Session
    terminal_status: TerminalStatus

    def __init__(
        self,
        launch: Launch | None = None,
        *,
        worker_command: Sequence[str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Where `launch` is not known yet, `begin` comes later."""
        self.voice = TerminalWriter(osc_settings(os.environ, remembered().name))
        """Speaks to the terminal around the screen."""
        super().__init__(driver_class=driver_with_writer(driver_class(), self.voice))
        # Every moving thing is paid for by the byte over SSH.
        self.animation_level = "none"
        self._begun = False
        self._main: MainScreen | None = None
        self.late_input = LateInput()
        """Tells keys from what a terminal answers late."""
        self.trouble: Exception | None = None
        """Why the application could not begin, or had to end."""
        self.input_gate = InputGate(self, self._dispatch_input)
        """Where keys wait for those before them."""
        self.past_notifications: deque[ShownNotification] = deque(maxlen=_MOST_NOTIFICATIONS)
        """All notifications that were shown, the newest last."""
        self.add_mode("main", self._open_main)
        if launch is not None:
            self.begin(launch, worker_command, patience)

    def begin(
        self, launch: Launch, worker_command: Sequence[str] | None = None, patience: Patience | None = None
    ) -> None:
        """Take up what the user wants: the work, and how it is to look."""
        # Something is to be on the screen before these are imported.
        from aim_tui.ui.session.session import Session

        self.session = Session(launch, self._post_to_main, worker_command=worker_command, patience=patience)
        self._preferences = launch.preferences
        self.terminal_status = TerminalStatus(self.voice, self._preferences, self.bell)
        self._begin_looks()
        self._begun = True

    def _open_main(self) -> MainScreen:
        # Made when the application runs: fields look for it as soon as they exist.
        from aim_tui.ui.main.screen import MainScreen

        self._main = MainScreen(self.session, self.terminal_status, self.late_input, self.past_notifications)
        return self._main

    def _post_to_main(self, message: Message) -> None:
        if self._main is not None:
            self._main.post_message(message)

    async def on_event(self, event: Event) -> None:
        """Let keys and pastes take effect one after another."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            self.input_gate.add(event)
        else:
            await super().on_event(event)

    async def _dispatch_input(self, event: Event) -> None:
        if isinstance(event, Key):
            self.late_input.add(event.character, event.time)
        await super().on_event(event)

    def on_mount(self) -> None:
        """Take up the user's keys, and what tmux knows of the terminal outside."""
        self.run_worker(self.input_gate.run(), group="input")
        if self._begun:
            self.settle()

    def settle(self) -> None:
        """Take up the user's keys, and what tmux knows of the terminal outside; both need a running application."""
        self.set_keymap(self._preferences.keymap)
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        self.set_interval(self.terminal_status.renew_seconds, self.terminal_status.renew)
        if os.environ.get("TMUX") and not self.is_headless:
            self.session.workspace.tasks.run(self._query_tmux())

    async def _query_tmux(self) -> None:
        outside, passthrough = await asyncio.to_thread(query_tmux)
        self.voice.settings = osc_settings(os.environ, outside, passthrough=passthrough)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast, and keep its text: whoever looked away reads it later."""
        self.past_notifications.append(ShownNotification.now(message, severity))
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_app_focus(self) -> None:
        """The user looks at the terminal."""
        if self._begun:
            self.terminal_status.watched = True
            # Meanwhile a generator may have written to the folder.
            self.session.replaced_files.look()

    def on_app_blur(self) -> None:
        """The user looks elsewhere."""
        if self._begun:
            self.terminal_status.watched = False

    def get_css_variables(self) -> dict[str, str]:
        """The colours of the theme, with those changed that could not be read."""
        self.theme_variables = legible(super().get_css_variables())
        return self.theme_variables

    def _begin_looks(self) -> None:
        from aim_tui.ui.themes import OWN_THEMES, THEME_NAMES

        for theme in OWN_THEMES:
            self.register_theme(theme)
        looks = self.session.workspace.saved_state.looks
        wanted = looks.theme if looks.theme in THEME_NAMES else self._preferences.theme
        if wanted is not None:
            self.theme = wanted
        self.set_class(self._preferences.compact if looks.compact is None else looks.compact, "-compact")
        self._begun_theme = self.theme

    def _theme_chosen(self, theme: Theme) -> None:
        # It is also called for the one that the application begins with.
        if theme.name != self._begun_theme:
            self._begun_theme = theme.name
            self.session.workspace.saved_state.set_looks(theme=theme.name)

    def action_toggle_compact(self) -> None:
        """Show fewer borders and lines, or all of them."""
        self.toggle_class("-compact")
        self.session.workspace.saved_state.set_looks(compact=self.has_class("-compact"))

    def _handle_exception(self, error: Exception) -> None:
        """End because of an error that nothing expected; one that was expected is only shown.

        Every error in a message, a timer, a worker or a task comes here. Textual has no public place for it.
        """
        cause = error.error if isinstance(error, WorkerFailed) else error
        if isinstance(error, WorkerFailed) and isinstance(cause, AimError):
            self.notify(str(cause), severity="error", markup=False)
            return
        if self.trouble is None and isinstance(cause, Exception):
            self.trouble = cause
        super()._handle_exception(error)

    def pop_screen(self) -> AwaitComplete:
        """Go back to the screen below.

        Textual remembers a thousand caches in which widgets keep their drawn lines, also of widgets that are gone:
        they are emptied here, or a screen that is opened again and again costs a megabyte each time.
        """
        closed = self.screen
        popped = super().pop_screen()
        for widget in closed.walk_children():
            widget.refresh()
        return popped

    def action_detect_images(self) -> None:
        """Ask the terminal again how it shows images."""
        from aim_tui.ui.main.detect_images import detect_images

        detect_images(self)

    def action_command_palette(self) -> None:
        """Offer every action by name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(_Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action and its key."""
        return binding_commands(self, screen)

    async def action_quit(self) -> None:
        """Quit, after a question where a job runs."""
        from aim_tui.ui.dialogs.confirm import ConfirmScreen

        if self._main is not None:
            self._main.save_prompt()
        running = self.session.workspace.running if self._begun else None
        if running is None or isinstance(self.screen, ConfirmScreen):
            self.exit(0)
            return

        def on_answer(yes: bool | None) -> None:
            if yes:
                self.exit(0)

        def question() -> str:
            kept = "They are stored; s goes on another time."
            lost = "Scores that were not exported (ctrl+s) are lost."
            return f"{running.so_far} {kept if self.session.scoring.keeps_scores else lost}"

        self.push_screen(ConfirmScreen("Quit while a job runs?", question, "Quit", "Stay"), on_answer)

    @property
    def has_store(self) -> bool:
        """Whether what is scored and rated is stored."""
        return self._begun and self.session.scoring.keeps_scores

    async def on_unmount(self) -> None:
        """The worker ends with the application."""
        await self.close()

    async def close(self) -> None:
        """End the work, where it has begun."""
        if self._begun:
            await self.session.close()


class OpeningApp(AimApp):
    """The application as a command opens it: on the screen before settings are read and panes are even imported."""

    DEFAULT_MODE = "opening"

    def __init__(self, folder: Path, prepare: Callable[[], Launch]) -> None:
        super().__init__()
        self._prepare = prepare
        self.add_mode("opening", partial(OpeningScreen, folder))

    def on_ready(self) -> None:
        """Go on when the first words are painted; keys that are pressed meanwhile wait for the panes."""
        self.call_after_refresh(self._go_on)

    async def _go_on(self) -> None:
        try:
            self.begin(self._prepare())
        except Exception as trouble:  # told where the shell's screen is back
            self.trouble = trouble
            self.exit(1)
            return
        self.settle()
        await self.switch_mode("main")


def run(folder: Path, prepare: Callable[[], Launch]) -> int:
    """Open the application on a folder and stay until it is left; returns the exit code.

    What `prepare` raises is raised once the terminal is the shell's again.
    """
    quiet_collector()
    short_turns()
    app = OpeningApp(folder, prepare)
    # Textual's own report of an error shows the values of variables, which can hold a token.
    app.error_console = Console(file=StringIO())
    try:
        code = asyncio.run(_run(app))
    finally:
        leave_terminal()
    if app.trouble is not None:
        raise (
            app.trouble if isinstance(app.trouble, AimError) else crash_report(app.trouble, stored=app.has_store)
        ) from None
    return code


def quiet_collector() -> None:
    """Let the garbage collector leave old objects alone.

    Rows stay until the end: to walk through those of 100,000 images in search of cycles takes a quarter of a second
    of standing still, and finds nothing. Young objects, where dialogs leave their cycles, are looked at in small
    numbers: a pass over 200,000 new ones, in whatever thread they were made, stops every thread for 100 ms, and one
    over 30,000 does so where other programs keep the processor's caches cold.
    """
    gc.set_threshold(2_000, 4, 50_000)


def short_turns() -> None:
    """Let threads take shorter turns.

    A key takes about ten turns of the loop to its paint, and in each the loop gives the interpreter away and waits
    until a thread that sorts or sums up has had its turn: of five milliseconds, unless it is told otherwise.
    """
    sys.setswitchinterval(0.001)


def _task_failed(app: AimApp, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """End because of an error in one of the session's tasks; what libraries report here has no task."""
    error = context.get("exception")
    if isinstance(error, Exception) and "task" in context:
        app._handle_exception(error)


async def _run(app: AimApp) -> int:
    end_on_signals(app, lambda: app.session.close())
    asyncio.get_running_loop().set_exception_handler(partial(_task_failed, app))
    try:
        return await app.run_async() or app.return_code or 0
    finally:
        await app.close()
