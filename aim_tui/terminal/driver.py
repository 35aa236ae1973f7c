"""Textual's driver, for terminals that were asked and have not answered: what they say late is no key."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

from textual.drivers.linux_driver import LinuxDriver

from aim_tui.terminal.answers import LateAnswers
from aim_tui.terminal.images import remembered

_LOOK_EVERY_SECONDS = 0.1


class ForgivingDriver(LinuxDriver):
    """Where answers may still come, it reads from a pipe into which a thread puts only what was typed."""

    def run_input_thread(self) -> None:
        """Read as Textual does; it begins anew after each suspension, and so after each question."""
        answers = remembered()
        if answers.complete or not answers.asked:
            self._read_on()
        else:
            self._run_behind_pipe()

    def _read_on(self) -> None:
        """Read as Textual does, and go on after what is no UTF-8, which ends Textual's reading and the application."""
        while not self.exit_event.is_set():
            # A line that spoils bytes, or a terminal with another encoding: what came with it is dropped.
            with suppress(UnicodeDecodeError):
                super().run_input_thread()

    def _run_behind_pipe(self) -> None:
        terminal = self.fileno
        reading, writing = os.pipe()
        passing = threading.Thread(target=self._pass_on, args=(terminal, writing), name="late-answers")
        self.fileno = reading
        passing.start()
        try:
            self._read_on()
        finally:
            # Whoever waits for this thread goes on with the terminal itself.
            self.fileno = terminal
            os.close(reading)
            passing.join()

    def _pass_on(self, terminal: int, writing: int) -> None:
        answers = LateAnswers()
        # A pipe without a reader, or a terminal that is gone: nothing more to pass on.
        with suppress(OSError):
            while not self.exit_event.is_set():
                patience = min(answers.patience or _LOOK_EVERY_SECONDS, _LOOK_EVERY_SECONDS)
                if select.select([terminal], [], [], patience)[0]:
                    data = os.read(terminal, 4096)
                    if not data:
                        break
                    typed = answers.feed(data)
                else:
                    typed = answers.release()
                if typed:
                    os.write(writing, typed)
        os.close(writing)
