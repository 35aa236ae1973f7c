"""Textual's driver, extended so that late answers of the terminal are not read as keys."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

from textual.drivers.linux_driver import LinuxDriver

from aim_tui.terminal.answers import LateAnswers
from aim_tui.terminal.images import remembered

_POLL_SECONDS = 0.1


class ForgivingDriver(LinuxDriver):
    """While answers may still arrive, it reads from a pipe that receives only what was typed."""

    def run_input_thread(self) -> None:
        """Read as Textual does; Textual starts this thread again after each suspension."""
        answers = remembered()
        if answers.complete or not answers.asked:
            self._read_input()
        else:
            self._read_filtered_input()

    def _read_input(self) -> None:
        """Read as Textual does, but continue after invalid UTF-8, which would end the application."""
        while not self.exit_event.is_set():
            # From a corrupted line or a terminal with another encoding; the chunk is dropped.
            with suppress(UnicodeDecodeError):
                super().run_input_thread()

    def _read_filtered_input(self) -> None:
        terminal = self.fileno
        read_end, write_end = os.pipe()
        filter_thread = threading.Thread(target=self._filter_input, args=(terminal, write_end), name="late-answers")
        self.fileno = read_end
        filter_thread.start()
        try:
            self._read_input()
        finally:
            # Whoever joins this thread continues with the terminal itself.
            self.fileno = terminal
            os.close(read_end)
            filter_thread.join()

    def _filter_input(self, terminal: int, write_end: int) -> None:
        answers = LateAnswers()
        # The pipe has no reader or the terminal is gone: nothing more to forward.
        with suppress(OSError):
            while not self.exit_event.is_set():
                timeout = min(answers.patience or _POLL_SECONDS, _POLL_SECONDS)
                if select.select([terminal], [], [], timeout)[0]:
                    data = os.read(terminal, 4096)
                    if not data:
                        break
                    typed = answers.feed(data)
                else:
                    typed = answers.release()
                if typed:
                    os.write(write_end, typed)
        os.close(write_end)
