"""Headless runs in processes of their own, quick to start: forked from one that has imported torch and done nothing.

A forked child runs `aim_tui.cli.main` as the console script does, and can be killed like any process.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import multiprocessing
import os
import resource
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.survival.preload"])
PATIENCE = 120.0
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Limits:
    """What a run has to live with."""

    file_bytes: int = 0
    """No file can grow beyond this: what a full disk is to one that is being written."""
    user: int = 0
    """Another user than root, whom permissions do not bind."""
    patience: float = 0.0
    """Seconds to wait for a locked store, instead of those that a person would wait."""


@dataclass
class Program:
    """A run of `aim-tui ARGUMENTS`; its stdout is a pipe that is read line by line, its stderr a file."""

    arguments: list[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the run finds in its environment beside, or instead of, what the test does."""
    limits: Limits = Limits()
    site: Path | None = None
    """A folder of installed packages that the run finds first."""
    directory: Path | None = None
    """Where the run works."""

    def __enter__(self) -> Program:
        number = next(_NUMBERS)
        self._errors = self.folder / f"err-{number}"
        pipe = self.folder / f"out-{number}"
        os.mkfifo(pipe)
        self._process: ForkServerProcess = _SERVER.Process(
            target=_child,
            args=(
                self.arguments,
                str(pipe),
                str(self._errors),
                {**os.environ, **self.environment},
                self.limits,
                self.site,
                self.directory,
            ),
        )
        self._process.start()
        self._out = pipe.open(encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._out.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def lines(self) -> Iterator[str]:
        """The lines of stdout as they come; a last one that was cut off is left out."""
        return (line for line in self._out if line.endswith("\n"))

    def kill(self, number: int) -> None:
        os.kill(self.pid, number)

    def leave(self) -> None:
        """Read no more, as a reader does that goes away."""
        self._out.close()

    def wait(self) -> int:
        """The exit code, below zero where a signal ended it; reads what stdout still holds."""
        if not self._out.closed:
            for _ in self._out:
                pass
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None, "still running"
        return self._process.exitcode

    @property
    def errors(self) -> str:
        return self._errors.read_text("utf-8") if self._errors.exists() else ""


@dataclass(frozen=True)
class Ended:
    """What a run left behind."""

    code: int
    out: list[str]
    errors: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out]


def run(*arguments: str, folder: Path, **options: Any) -> Ended:
    """Run `aim-tui ARGUMENTS` to its end."""
    with Program(list(arguments), folder, **options) as program:
        out = list(program.lines())
        code = program.wait()
        return Ended(code, out, program.errors)


def _child(
    arguments: list[str],
    out: str,
    errors: str,
    environment: dict[str, str],
    limits: Limits,
    site: Path | None,
    directory: Path | None,
) -> None:
    for number, path, flags in ((1, out, os.O_WRONLY), (2, errors, os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(path, flags, 0o600), number)
    # As the interpreter would have opened them.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
    # The test's own: the process that this one is forked from may have begun in another test.
    os.environ.clear()
    os.environ.update(environment)
    if site:
        sys.path.insert(0, str(site))
    if directory:
        os.chdir(directory)
    from aim_tui.cli import main
    from aim_tui.runs import storage

    if limits.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    if limits.user:
        # Another user may not see where Python itself lives: what is imported late is imported now.
        sys.argv = ["aim-tui", "score", "/nowhere"]
        with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            main()
        os.setuid(limits.user)
    if limits.patience:
        storage.PATIENCE = limits.patience
    sys.argv = ["aim-tui", *arguments]
    main()
