"""Looks for the profile's models on this machine and fetches what is missing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import msgspec

from aim_tui.core.text import printable
from aim_tui.hub.inventory import inspect_profile
from aim_tui.isolation import PYTHON
from aim_tui.ui.session.local_models import Fetching
from aim_tui.ui.session.messages import ModelsChanged

if TYPE_CHECKING:
    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.ui.session.jobs import Jobs
    from aim_tui.ui.session.workspace import Workspace

FETCH_COMMAND = (*PYTHON, "-m", "aim_tui.hub.fetch", "--json")


class ModelService:
    """Looks for models in a thread and fetches them in a process, so that nothing here can hold up a key."""

    def __init__(self, workspace: Workspace, jobs: Jobs) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._process: asyncio.subprocess.Process | None = None
        self._cancelled = False

    def look(self) -> None:
        """See which of the profile's models are here, and start the worker where none is missing."""
        self._workspace.tasks.run(self.look_and_start())

    async def look_and_start(self) -> None:
        """The same, awaited."""
        if await self.inspect():
            await self._jobs.ready(self._workspace.engine_settings())

    async def inspect(self) -> bool:
        """See which of the profile's models are here; whether the images can be scored with them."""
        workspace = self._workspace
        states = await asyncio.to_thread(inspect_profile, workspace.profile, workspace.enabled)
        workspace.models.states = states
        self._changed()
        return not workspace.models_missing

    def fetch(self) -> None:
        """Fetch what is missing, in a process of its own."""
        self._workspace.tasks.run(self._fetch_and_look())

    async def _fetch_and_look(self) -> None:
        workspace = self._workspace
        if not await self._fetch_missing(workspace.profile) and workspace.models.problem:
            workspace.notify(workspace.models.problem, "error")
        await self.look_and_start()

    async def _fetch_missing(self, profile: Profile) -> bool:
        """Fetch what is missing; True when all of it has come. A fetch that was cut off goes on where it was."""
        if self._process is not None:
            return False
        models = self._workspace.models
        wanted = [
            {"role": str(state.role), "ref": msgspec.to_builtins(profile.models[state.role])}
            for state in models.missing
        ]
        models.problem, self._cancelled, models.fetching = "", False, Fetching()
        self._changed()
        try:
            return await self._fetch(json.dumps(wanted).encode("ascii"))
        except OSError as error:
            models.problem = f"the fetch could not be started: {error.strerror or error}"
            return False
        finally:
            self._process, models.fetching = None, None
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
        models = self._workspace.models
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
            self._on_line(line)
        code = await process.wait()
        if code and not models.problem and not self._cancelled:
            models.problem = f"the fetch ended with exit code {code}"
        return code == 0 and not models.problem

    def _on_line(self, line: bytes) -> None:
        try:
            report = json.loads(line)
            kind = report["type"]
        except (ValueError, KeyError, TypeError):
            return
        models = self._workspace.models
        if kind == "progress":
            models.fetching = Fetching(
                str(report.get("role") or ""),
                printable(str(report.get("file") or "")),
                int(report.get("done") or 0),
                int(report.get("total") or 0),
            )
        elif kind == "failed":
            error, hint = str(report.get("error") or "the fetch failed"), str(report.get("hint") or "")
            models.problem = f"{error} ({hint})" if hint else error
        self._changed()

    def _changed(self) -> None:
        self._workspace.post(ModelsChanged())
