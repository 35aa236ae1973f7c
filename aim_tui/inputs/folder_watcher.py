"""Images that appear while somebody looks: handed on once they are whole.

A change in the file system only wakes the look; what is there is told by listing, so that a folder that is renamed,
removed or made anew, or lies on a network disk that reports nothing, is no special case.
"""

from __future__ import annotations

import glob
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.inputs.images import DamagedError, ImageError, read_image
from aim_tui.inputs.listing import Problem, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aim_tui.core.scoring.jobs import ReadingPolicy

# Seconds between two looks while nothing is reported, and that a file must have been left alone before it is read.
_TICK = 0.5
_SETTLED = 0.3
# Seconds after which everything is listed even if nothing was reported, and how many times as long as a listing takes
# there is none: of a folder of 100,000 it takes a quarter of a second.
_ANYWAY = 5.0
_REST = 5.0
# A file that was last changed this long ago when it was first seen is what it is going to be.
_OLD = 10.0
_WRITING = "is being written"


@dataclass(slots=True)
class _Waiting:
    """A file that is not whole yet, and why; `state` tells whether it has changed since it was last looked at."""

    state: tuple[int, int, int] | None
    since: float
    reason: str = ""


class Watch:
    """What appears at files, folders and glob patterns besides the images that are `known`.

    Use it in one thread. `waiting` names the files that are not whole yet, each with the reason; `problems` are the
    paths that give no images at the moment; `notice` says once why only the clock wakes the look.
    """

    def __init__(self, paths: Sequence[str], recursive: bool, policy: ReadingPolicy, known: Iterable[str]) -> None:
        self._paths = paths
        self._recursive = recursive
        self._policy = policy
        self._known = set(known)
        self._candidates: dict[str, _Waiting] = {}
        self._list_again = 0.0
        self._list_anyway = 0.0
        self.problems: list[Problem] = []
        self.notice = ""

    @property
    def waiting(self) -> dict[str, str]:
        """The files that are there and not whole, and why not."""
        return {path: waits.reason for path, waits in self._candidates.items() if waits.reason}

    def batches(self, stop: Callable[[], bool]) -> Iterator[list[str]]:
        """Images that have become whole, in the order of their names; an empty list about twice a second meanwhile.

        Ends soon after `stop` says so.
        """
        while not stop():
            roots = self._roots()
            self._list_anyway = 0.0  # nothing was reported of what came before this
            yield self._look(woken=True)
            for woken in self._wakes(roots):
                if stop():
                    return
                yield self._look(woken)
                if self._roots() != roots:
                    break  # what is watched is another folder now

    def _look(self, woken: bool) -> list[str]:
        now = time.monotonic()
        if now >= self._list_anyway or (woken and now >= self._list_again):
            self._list(now)
        elif woken:
            self._list_anyway = min(self._list_anyway, self._list_again)
        whole = [path for path, waits in self._candidates.items() if self._is_whole(path, waits)]
        for path in whole:
            del self._candidates[path]
            self._known.add(path)
        return whole

    def _list(self, started: float) -> None:
        found = expand(self._paths, self._recursive)
        self.problems = found.problems
        took = time.monotonic() - started
        self._list_again = time.monotonic() + _REST * took
        self._list_anyway = time.monotonic() + max(_ANYWAY, _REST * took)
        there = [path for path in found.images if path not in self._known]
        self._candidates = {path: self._candidates.get(path) or _Waiting(None, started) for path in there}

    def _is_whole(self, path: str, waits: _Waiting) -> bool:
        """Whether a file has been left alone for long, or for a moment and is an image to its end."""
        now = time.monotonic()
        try:
            stat = os.stat(path)  # noqa: PTH116 - any bytes
        except OSError as error:
            waits.reason = error.strerror or str(error)
            return False
        if waits.state is None and time.time() - stat.st_mtime > _OLD:
            return True
        state = stat.st_size, stat.st_mtime_ns, stat.st_ino
        if state != waits.state:
            waits.state, waits.since, waits.reason = state, now, _WRITING
            return False
        if waits.reason != _WRITING or now - waits.since < _SETTLED:
            return False
        try:
            read_image(path, self._policy)
        except DamagedError as error:
            waits.reason = str(error)
            return False
        except ImageError:
            return True  # whole, and the one who scores it says what is wrong with it
        return True

    def _wakes(self, roots: tuple[tuple[str, int], ...]) -> Iterator[bool]:
        """True when something has changed below these folders, False when nothing has for a tick."""
        from watchfiles import watch

        if roots and not self.notice:
            try:
                for changes in watch(
                    *(root for root, _ in roots),
                    watch_filter=None,
                    debounce=200,
                    rust_timeout=int(1000 * _TICK),
                    yield_on_timeout=True,
                    recursive=self._recursive or any(map(glob.has_magic, self._paths)),
                    raise_interrupt=False,
                ):
                    yield bool(changes)
            except FileNotFoundError:
                yield True  # it went away just now
            except (OSError, RuntimeError) as error:
                self.notice = f"changes are not reported here ({error}): looking every {_ANYWAY:g} s"
                yield True
            return
        yield False
        time.sleep(_TICK)

    def _roots(self) -> tuple[tuple[str, int], ...]:
        """The folders that are there to be watched, with what tells each from another one of its name."""
        roots = {}
        for path in self._paths:
            folder = path
            if not os.path.isdir(path):  # noqa: PTH112 - never raises
                folder = os.path.dirname(path) or "."  # noqa: PTH120 - any bytes
                while glob.has_magic(folder) and not os.path.isdir(folder):  # noqa: PTH112
                    folder = os.path.dirname(folder) or "."  # noqa: PTH120
            try:
                roots[folder] = os.stat(folder).st_ino  # noqa: PTH116
            except OSError:
                continue
        return tuple(sorted(roots.items()))
