"""Watch files, folders and glob patterns for images that appear or are replaced, and report each once it is whole.

A change in the file system only triggers a new listing. So a folder that is renamed, removed or created again, or that
is on a network disk without change events, is not a special case.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.inputs.images import DamagedError, ImageError, read_image
from aim_tui.inputs.listing import LeftOut, Problem, expand

# Seconds between polls without change events, and seconds that a file must be unchanged before it is read.
_POLL_SECONDS = 0.5
_SETTLE_SECONDS = 0.3
# Everything is listed at least this often in seconds, even without change events; and at most 1 / (1 + _REST_FACTOR)
# of the time is spent listing: a folder of 100,000 images takes a quarter of a second.
_MAX_LISTING_INTERVAL = 5.0
_REST_FACTOR = 5.0
# A file whose last change is older than this, in seconds, when it is first seen counts as complete.
_OLD_SECONDS = 10.0
_WRITING = "is being written"


@dataclass(slots=True)
class _PendingFile:
    """A file that is not complete yet, and why; `identity` shows whether it has changed."""

    identity: FileIdentity | None
    since: float
    reason: str = ""


class Watch:
    """Finds images at files, folders and glob patterns that are new, or others than before under their names.

    Those in `known` are not new as they are now.

    Use it in one thread. `waiting` names the files that are not complete yet, each with the reason; `problems` are the
    paths without images at the moment, `left_out` is what stands there and is not listed; `notice` says why change
    events are unavailable.
    """

    def __init__(self, paths: Sequence[str], recursive: bool, policy: ReadingPolicy, known: Iterable[str]) -> None:
        self._paths = paths
        self._recursive = recursive
        self._policy = policy
        self._known = {path: FileIdentity.of(path) for path in known}
        self._candidates: dict[str, _PendingFile] = {}
        self._earliest_listing = 0.0
        self._latest_listing = 0.0
        self.problems: list[Problem] = []
        self.left_out = LeftOut()
        self.notice = ""

    @property
    def waiting(self) -> dict[str, str]:
        """The files that are not complete yet, with the reason."""
        return {path: pending.reason for path, pending in self._candidates.items() if pending.reason}

    def batches(self, stop: Callable[[], bool]) -> Iterator[list[str]]:
        """New and replaced images that are whole, in the order of their names, twice a second; the list may be empty.

        Ends soon after `stop` returns true.
        """
        while not stop():
            roots = self._roots()
            self._latest_listing = 0.0  # changes before the watch started were not reported
            yield self._poll(changed=True)
            for changed in self._changes(roots):
                if stop():
                    return
                yield self._poll(changed)
                if self._roots() != roots:
                    break  # the path is now another folder

    def _poll(self, changed: bool) -> list[str]:
        now = time.monotonic()
        if now >= self._latest_listing or (changed and now >= self._earliest_listing):
            self._list(now)
        elif changed:
            self._latest_listing = min(self._latest_listing, self._earliest_listing)
        complete = [path for path, pending in self._candidates.items() if self._is_complete(path, pending)]
        for path in complete:
            self._known[path] = self._candidates.pop(path).identity
        return complete

    def _list(self, started: float) -> None:
        listing = expand(self._paths, self._recursive)
        self.problems, self.left_out = listing.problems, listing.left_out
        duration = time.monotonic() - started
        self._earliest_listing = time.monotonic() + _REST_FACTOR * duration
        self._latest_listing = time.monotonic() + max(_MAX_LISTING_INTERVAL, _REST_FACTOR * duration)
        new = [path for path in listing.images if self._is_new(path)]
        self._candidates = {path: self._candidates.get(path) or _PendingFile(None, started) for path in new}

    def _is_new(self, path: str) -> bool:
        if path not in self._known:
            return True
        # One that cannot be seen for a moment is reported when it is another one.
        identity = FileIdentity.of(path)
        return identity is not None and identity != self._known[path]

    def _is_complete(self, path: str, pending: _PendingFile) -> bool:
        """Whether a file is old, or has been unchanged for a moment and decodes to its end."""
        now = time.monotonic()
        try:
            stat = os.stat(path)
        except OSError as error:
            pending.reason = error.strerror or str(error)
            return False
        identity = FileIdentity.from_stat(stat)
        if pending.identity is None and time.time() - stat.st_mtime > _OLD_SECONDS:
            pending.identity = identity
            return True
        if identity != pending.identity:
            pending.identity, pending.since, pending.reason = identity, now, _WRITING
            return False
        if pending.reason != _WRITING or now - pending.since < _SETTLE_SECONDS:
            return False
        try:
            read_image(path, self._policy)
        except DamagedError as error:
            pending.reason = str(error)
            return False
        except ImageError:
            return True  # complete but unusable: scoring it reports why
        return True

    def _changes(self, roots: tuple[tuple[str, int], ...]) -> Iterator[bool]:
        """True when something has changed below these folders, False after each poll interval without a change."""
        from watchfiles import watch

        if roots and not self.notice:
            try:
                for changes in watch(
                    *(root for root, _ in roots),
                    watch_filter=None,
                    debounce=200,
                    rust_timeout=int(1000 * _POLL_SECONDS),
                    yield_on_timeout=True,
                    recursive=self._recursive or any(map(glob.has_magic, self._paths)),
                    raise_interrupt=False,
                ):
                    yield bool(changes)
            except FileNotFoundError:
                yield True  # a folder was removed just now
            except (OSError, RuntimeError) as error:
                self.notice = f"no change events ({error}): checking every {_MAX_LISTING_INTERVAL:g} s"
                yield True
            return
        yield False
        time.sleep(_POLL_SECONDS)

    def _roots(self) -> tuple[tuple[str, int], ...]:
        """The existing folders to watch, each with its inode: a new folder of the same name has another."""
        roots = {}
        for path in self._paths:
            folder = path
            if not os.path.isdir(path):
                folder = os.path.dirname(path) or "."
                while glob.has_magic(folder) and not os.path.isdir(folder):
                    folder = os.path.dirname(folder) or "."
            try:
                roots[folder] = os.stat(folder).st_ino
            except OSError:
                continue
        return tuple(sorted(roots.items()))
