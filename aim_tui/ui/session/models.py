"""The profile's models on this machine: what is here, what is missing, and fetching it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from aim_tui.core.text import printable
from aim_tui.hub.inventory import ModelState, inspect_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aim_tui.core.metrics.profiles import Profile

FETCH_COMMAND = (sys.executable, "-m", "aim_tui.hub.fetch", "--json")


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a fetch has come."""

    role: str = ""
    file: str = ""
    done: int = 0
    total: int = 0

    @property
    def share(self) -> str:
        """How much has come, such as '41 %'."""
        return f"{100 * self.done / self.total:.0f} %" if self.total else "asking the hub"


class ModelDesk:
    """Looks for models in a thread and fetches them in a process, so that nothing here can hold up a key."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._cancelled = False
        self.states: list[ModelState] | None = None
        """What is known of each model, or None before it has been looked for."""
        self.fetching: Fetching | None = None
        self.problem = ""
        """Why the last fetch came to nothing."""

    @property
    def missing(self) -> list[ModelState]:
        """The models that are not here or not complete."""
        return [state for state in self.states or () if not state.complete]

    def lacking(self, metrics: Iterable[str]) -> str:
        """Which models keep these metrics from being scored, in a few words; empty where none does."""
        if self.fetching is not None:
            return f"fetching models: {self.fetching.share}"
        wanted = set(metrics)
        missing = [state for state in self.missing if wanted.intersection(state.needed_by)]
        if not missing:
            return ""
        word = "model is" if len(missing) == 1 else "models are"
        return f"{len(missing)} {word} not on this machine"

    async def inspect(self, profile: Profile, metrics: Iterable[str]) -> None:
        """Look which models are here."""
        self.states = await asyncio.to_thread(inspect_profile, profile, tuple(metrics))
        self._changed()

    async def fetch(self, profile: Profile) -> bool:
        """Fetch what is missing; True when all of it has come. A fetch that was cut off goes on where it was."""
        if self._process is not None:
            return False
        wanted = [
            {"role": str(state.role), "ref": msgspec.to_builtins(profile.models[state.role])} for state in self.missing
        ]
        self.problem, self._cancelled, self.fetching = "", False, Fetching()
        self._changed()
        try:
            return await self._fetch(json.dumps(wanted).encode("ascii"))
        except OSError as error:
            self.problem = f"the fetch could not be started: {error.strerror or error}"
            return False
        finally:
            self._process, self.fetching = None, None
            self._changed()

    def cancel(self) -> None:
        """End the fetch; what has come is kept."""
        if self._process is not None and self._process.returncode is None:
            self._cancelled = True
            self._process.terminate()

    async def close(self) -> None:
        """End a fetch with the application."""
        process = self._process
        self.cancel()
        if process is not None and process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 2.0)
            if process.returncode is None:
                process.kill()

    async def _fetch(self, wanted: bytes) -> bool:
        self._process = process = await asyncio.create_subprocess_exec(
            *FETCH_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(wanted + b"\n")
        process.stdin.close()
        async for line in process.stdout:
            self._hear(line)
        code = await process.wait()
        if code and not self.problem and not self._cancelled:
            self.problem = f"the fetch ended with exit code {code}"
        return code == 0 and not self.problem

    def _hear(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            kind = said["type"]
        except (ValueError, KeyError, TypeError):
            return
        if kind == "progress":
            self.fetching = Fetching(
                str(said.get("role") or ""),
                printable(str(said.get("file") or "")),
                int(said.get("done") or 0),
                int(said.get("total") or 0),
            )
        elif kind == "failed":
            error, hint = str(said.get("error") or "the fetch failed"), str(said.get("hint") or "")
            self.problem = f"{error} ({hint})" if hint else error
        self._changed()
