"""Whether the process that began a run is still there."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its host, its number, and what tells it from a later one with the same number."""

    host: str
    pid: int
    process: str

    @classmethod
    def this(cls) -> Owner:
        """The process that asks."""
        return cls(platform.node(), os.getpid(), _birth(os.getpid()))

    def alive(self) -> bool:
        """Whether it still runs, as far as can be told: processes of other hosts are taken to."""
        if self.host != platform.node():
            return True
        if self.process:
            return _birth(self.pid) == self.process
        return _exists(self.pid)


def _birth(pid: int) -> str:
    """The boot and the tick at which a process began; empty where the system does not tell."""
    with contextlib.suppress(OSError, IndexError):
        # The name in brackets may itself hold blanks and brackets; the 22nd field is the start.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        if fields[0] in "ZX":  # dead already, only not yet collected by its parent
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
