"""A real terminal for tests: tmux on a private socket, without anyone's configuration, of a fixed size."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")


class Terminal:
    """One tmux session with one command in it; use it as a context manager."""

    def __init__(self, folder: Path, command: list[str], columns: int, rows: int, env: dict[str, str]) -> None:
        self._socket = folder / "tmux.sock"
        self._status = folder / "exit_status"
        self._status.unlink(missing_ok=True)
        script = f"{shlex.join(command)}; echo $? > {shlex.quote(str(self._status))}; exec cat"
        assignments = [f"{name}={value}" for name, value in env.items()]
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
            "env", *assignments, "sh", "-c", script,
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    def pane_pid(self) -> int:
        """The process id of the shell in the terminal."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def hang_up(self) -> None:
        """Close the terminal as a lost SSH connection does."""
        self._tmux("kill-server", check=False)

    def wait_for(self, what: str | Callable[[str], bool], seconds: float = 120) -> str:
        """The screen once it shows a text (or satisfies a check); AssertionError with the screen if it never does."""
        shows = what if callable(what) else lambda screen: what in screen
        screen = ""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            screen = self.screen()
            if shows(screen):
                return screen
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what!r}; the screen shows:\n{screen}")

    def wait_for_exit(self, seconds: float = 120) -> int:
        """The command's exit status once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._status.exists() and (text := self._status.read_text().strip()):
                return int(text)
            time.sleep(0.05)
        raise AssertionError(f"still running after {seconds} s; the screen shows:\n{self.screen()}")

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        environment |= {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if check and run.returncode:
            raise AssertionError(f"tmux {arguments}: {run.stderr}")
        return run.stdout


def descendants(pid: int) -> set[int]:
    """The process ids below a process, from /proc."""
    children: dict[int, set[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = re.search(r"\) \S (\d+)", stat.read())
            except OSError:
                continue
            if parent:
                children.setdefault(int(parent[1]), set()).add(int(entry))
    found: set[int] = set()
    queue = [pid]
    while queue:
        below = children.get(queue.pop(), set()) - found
        found |= below
        queue.extend(below)
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return ") Z" not in stat.read()
    except OSError:
        return False


def wait_until(check: Callable[[], Result | None], seconds: float = 120) -> Result:
    """What `check` gives as soon as it is something; AssertionError if it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = check()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s")
