"""Where jobs are computed, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Protocol

from aim_tui.core.scoring.events import Event
from aim_tui.core.scoring.jobs import EngineSettings, Job

if TYPE_CHECKING:
    from aim_tui.engine.engine import Engine


def never() -> bool:
    """Never stop."""
    return False


class Executor(Protocol):
    """Computes jobs, one after the other."""

    def run(self, job: Job, should_stop: Callable[[], bool] = never) -> Generator[Event]:
        """The events of a job; the caller closes it when it stops listening, so that what was computed is kept."""

    def close(self) -> None:
        """Release resources; another job takes them up again."""


class InProcess:
    """The engine in this process; the model libraries are imported with the first job.

    In a process that is `own`, the libraries are cut off from the network and their progress bars are off. The process
    of a notebook is not changed.
    """

    def __init__(self, settings: EngineSettings, *, own: bool = True) -> None:
        self._settings = settings
        self._own = own
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine itself."""
        if self._engine is None:
            from aim_tui.engine.runtime import go_offline, prepare_environment, silence_libraries

            prepare_environment()
            if self._own:
                go_offline()
            from aim_tui.engine.engine import Engine

            if self._own:
                silence_libraries()
            self._engine = Engine(self._settings)
        return self._engine

    def run(self, job: Job, should_stop: Callable[[], bool] = never) -> Generator[Event]:
        """The events of a job."""
        yield from self.engine.run(job, should_stop)

    def close(self) -> None:
        """Write what is pending, and close the store."""
        if self._engine is not None:
            self._engine.close()
