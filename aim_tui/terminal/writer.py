"""Speaking to the terminal around the screen, through Textual's driver and thus never amid what it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_tui.terminal import osc, tmux
from aim_tui.terminal.osc import OscSettings, ProgressState

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver


class TerminalWriter:
    """Says each thing once. What it would say while there is no screen it says when there is one again."""

    def __init__(self, manner: OscSettings | None = None) -> None:
        self._manner = manner or OscSettings()
        self._write: Callable[[str], Any] | None = None
        self._title = ""
        self._progress = (ProgressState.NONE, 0)

    @property
    def manner(self) -> OscSettings:
        """How the terminal is spoken to."""
        return self._manner

    @manner.setter
    def manner(self, manner: OscSettings) -> None:
        write = self._write
        if write is not None:
            self.end()
        self._manner = manner
        if write is not None:
            self.begin(write)

    def begin(self, write: Callable[[str], Any]) -> None:
        """There is a screen now, and a way to write to its terminal."""
        self._write = write
        if self._manner.title:
            self._say(osc.push_title())
            if self._title:
                self._say(osc.set_title(self._title))
        self._say_progress()

    def end(self) -> None:
        """The screen is about to go: the terminal is left as it was."""
        if self._manner.progress and self._progress[0] is not ProgressState.NONE:
            self._say(osc.set_progress(ProgressState.NONE, wrapped=self._manner.wrapped))
        if self._manner.title:
            self._say(osc.pop_title())
        self._write = None

    def title(self, text: str) -> None:
        """Put a text into the title, where it is another one."""
        if text != self._title:
            self._title = text
            if self._manner.title:
                self._say(osc.set_title(text))

    def progress(self, state: ProgressState, percent: int = 0, *, again: bool = False) -> None:
        """Show how far a job is, where that has changed, or `again`: some forget it after a quarter of a minute."""
        before, self._progress = self._progress, (state, percent)
        if self._progress != before or (again and state is not ProgressState.NONE):
            self._say_progress(cleared=state is ProgressState.NONE)

    def notify(self, title: str, text: str) -> bool:
        """Show a notification on the desktop; False where the terminal has none."""
        if self._manner.notifying is None:
            return False
        self._say(osc.notify(self._manner.notifying, title, text, wrapped=self._manner.wrapped))
        return True

    def _say_progress(self, *, cleared: bool = False) -> None:
        state, percent = self._progress
        if self._manner.progress and (cleared or state is not ProgressState.NONE):
            self._say(osc.set_progress(state, percent, wrapped=self._manner.wrapped))

    def _say(self, sequence: str) -> None:
        if self._write is not None:
            self._write(sequence)


def speaking_driver(base: type[Driver] | None, voice: TerminalWriter) -> type[Driver] | None:
    """A driver that lets a voice be heard for as long as it draws; None where the choice of it is not ours.

    Textual has no other public way to write to its terminal: whoever writes past the driver writes into the middle
    of what its thread is writing.
    """
    if base is None:
        return None

    def start(driver: Driver) -> None:
        base.start_application_mode(driver)
        voice.begin(driver.write)

    def stop(driver: Driver) -> None:
        voice.end()
        base.stop_application_mode(driver)

    return type("SpeakingDriver", (base,), {"start_application_mode": start, "stop_application_mode": stop})


def ask_tmux() -> tuple[str, bool]:
    """The terminal outside of tmux as it named itself, and whether tmux hands on what is wrapped for it."""
    answer = tmux.ask("#{allow-passthrough}", "#{?client_termtype,#{client_termtype},#{client_termname}}")
    if answer is None or len(answer) < 2:
        return "", False
    allowed, name = answer
    return name.strip(), allowed in tmux.ON
