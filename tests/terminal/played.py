"""A simulated terminal on a pty: it answers queries after a delay, and keys are typed into it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
LAST_QUERY = b"\x1b[c"


class PlayedTerminal:
    """Runs a command on a pty and answers its last query, once, with `answer` after `delay` seconds."""

    def __init__(
        self, command: list[str], env: Mapping[str, str], *, answer: bytes, delay: float | None, size: tuple[int, int]
    ) -> None:
        self.output = b""
        self.answered = threading.Event()
        self._answer, self._delay = answer, delay
        self._master, self._slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.settings_before = termios.tcgetattr(self._slave)
        self._asked = False
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BECOME_CONTROLLED, *command],
            stdin=self._slave, stdout=self._slave, stderr=self._slave, env=dict(env), start_new_session=True, cwd=ROOT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def settings(self) -> list[object]:
        """The terminal's settings now."""
        return termios.tcgetattr(self._slave)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def say(self, data: bytes) -> None:
        """Send what nobody typed."""
        os.write(self._master, data)

    def wait_for(self, true: Callable[[], object], seconds: float = 120) -> None:
        """Until something is so; AssertionError with the end of the output if it never is."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"it never came to be; the output ends in {self.output[-1500:]!r}"
            time.sleep(0.02)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        self._reader.join(10)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data
            if not self._asked and LAST_QUERY in self.output:
                self._asked = True
                if self._delay is not None:
                    threading.Timer(self._delay, self._give_answer).start()

    def _give_answer(self) -> None:
        os.write(self._master, self._answer)
        self.answered.set()


# The pty becomes the terminal that the program is in the foreground of, as in a shell.
_BECOME_CONTROLLED = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
