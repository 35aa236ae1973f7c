"""Whether the process that started a run is still running."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its host, its number, and its start, which distinguishes later ones with the same number."""

    host: str
    pid: int
    process: str

    @classmethod
    def this(cls) -> Owner:
        """The current process."""
        return cls(platform.node(), os.getpid(), _birth(os.getpid()))

    def alive(self) -> bool:
        """Whether it is still running; assumed for processes of other hosts."""
        if self.host != platform.node():
            return True
        if self.process:
            return _birth(self.pid) == self.process
        return _exists(self.pid)


def _birth(pid: int) -> str:
    """The boot and the tick at which a process started; empty where the system does not provide it."""
    with contextlib.suppress(OSError, IndexError):
        # The name in brackets may itself contain blanks and brackets; the 22nd field is the start.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        if fields[0] in "ZX":  # dead, but not yet reaped by its parent
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{boot}:{fields[19]}"
    return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
