"""Write title, progress and notifications through Textual's driver, so that they never interrupt its drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aim_tui.terminal import osc, tmux
from aim_tui.terminal.osc import OscSettings, ProgressState

if TYPE_CHECKING:
    from textual.driver import Driver


class TerminalWriter:
    """Writes each change once; changes while the screen is suspended are written when it returns."""

    def __init__(self, settings: OscSettings | None = None) -> None:
        self._settings = settings or OscSettings()
        self._write: Callable[[str], Any] | None = None
        self._title = ""
        self._progress = (ProgressState.NONE, 0)

    @property
    def settings(self) -> OscSettings:
        """The sequences that the terminal supports."""
        return self._settings

    @settings.setter
    def settings(self, settings: OscSettings) -> None:
        write = self._write
        if write is not None:
            self.end()
        self._settings = settings
        if write is not None:
            self.begin(write)

    def begin(self, write: Callable[[str], Any]) -> None:
        """Start writing: the screen is up, and `write` writes to its terminal."""
        self._write = write
        if self._settings.title:
            self._send(osc.push_title())
            if self._title:
                self._send(osc.set_title(self._title))
        self._write_progress()

    def end(self) -> None:
        """Stop writing: the screen is about to end, and the terminal is restored."""
        if self._settings.progress and self._progress[0] is not ProgressState.NONE:
            self._send(osc.set_progress(ProgressState.NONE, wrapped=self._settings.wrapped))
        if self._settings.title:
            self._send(osc.pop_title())
        self._write = None

    def title(self, text: str) -> None:
        """Set the title, if it has changed."""
        if text != self._title:
            self._title = text
            if self._settings.title:
                self._send(osc.set_title(text))

    def progress(self, state: ProgressState, percent: int = 0, *, again: bool = False) -> None:
        """Show progress if it has changed; `again` repeats it, as some terminals drop it after 15 seconds."""
        before, self._progress = self._progress, (state, percent)
        if self._progress != before or (again and state is not ProgressState.NONE):
            self._write_progress(cleared=state is ProgressState.NONE)

    def notify(self, title: str, text: str) -> bool:
        """Show a desktop notification; False if the terminal does not support them."""
        if self._settings.notifying is None:
            return False
        self._send(osc.notify(self._settings.notifying, title, text, wrapped=self._settings.wrapped))
        return True

    def _write_progress(self, *, cleared: bool = False) -> None:
        state, percent = self._progress
        if self._settings.progress and (cleared or state is not ProgressState.NONE):
            self._send(osc.set_progress(state, percent, wrapped=self._settings.wrapped))

    def _send(self, sequence: str) -> None:
        if self._write is not None:
            self._write(sequence)


def driver_with_writer(base: type[Driver] | None, writer: TerminalWriter) -> type[Driver] | None:
    """A driver class that connects a writer while the screen is up; None if `base` is None.

    Textual has no other public way to write to its terminal: writing past the driver would interrupt the output of its
    thread.
    """
    if base is None:
        return None

    def start(driver: Driver) -> None:
        base.start_application_mode(driver)
        writer.begin(driver.write)

    def stop(driver: Driver) -> None:
        writer.end()
        base.stop_application_mode(driver)

    return type("WritingDriver", (base,), {"start_application_mode": start, "stop_application_mode": stop})


def query_tmux() -> tuple[str, bool]:
    """The reported name of the terminal outside tmux, and whether tmux passes on wrapped sequences."""
    values = tmux.query("#{allow-passthrough}", "#{?client_termtype,#{client_termtype},#{client_termname}}")
    if values is None or len(values) < 2:
        return "", False
    passthrough, name = values
    return name.strip(), passthrough in tmux.ON
