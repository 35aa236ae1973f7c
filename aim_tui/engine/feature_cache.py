"""The engine's side of the feature cache: it reads at once, writes within a second, and never stops the scoring.

Whatever is wrong with the store becomes one notice; from then on the engine computes as if there were none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from aim_tui.engine.out_of_memory import brief
from aim_tui.errors import AimError
from aim_tui.store.cache import FeatureCache, Space
from aim_tui.store.database import Database
from aim_tui.store.files import FileHashes, Stat

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds that a computed value may wait in memory."""

# Seconds to wait for another program's writing before the job does without the cache.
_TIMEOUT = 3.0

# Bytes of what was found that stay in memory, so that the next prompt need not search the store again. What is computed
# stays out: small things that stay, one by one between the large ones that go, would spread over the whole heap.
_REMEMBERED = 256 << 20
_OVERHEAD = 250

Result = TypeVar("Result")
Vectors = dict[str, "npt.NDArray[np.float32]"]


class CacheAccess:
    """Reads and writes cached features. Reading is safe in any thread; nothing here raises."""

    def __init__(self, path: str, *, interval: float = INTERVAL) -> None:
        self._path = Path(path)
        self._interval = interval
        self._database: Database | None = None
        self._changed = threading.Condition()
        self._committing = threading.Lock()
        self._values: dict[Space, dict[str, float | str]] = {}
        self._vectors: dict[Space, Vectors] = {}
        self._hashes: list[tuple[Stat, str]] = []
        self._known: dict[Space, dict[str, Any]] = {}
        self._known_files: dict[Stat, str] = {}
        self._remembered = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._trouble = ""
        self._reported = ""

    def open(self) -> None:
        """Open the store, or try again where that failed before; call it at the beginning of a job."""
        with self._changed:
            self._trouble = ""
        if self._database is None:
            self._database = self._try(lambda: Database.open(self._path, timeout=_TIMEOUT), None)
        if self._database is not None and self._thread is None:
            self._thread = threading.Thread(target=self._keep_up, name="feature-cache", daemon=True)
            self._thread.start()

    @property
    def usable(self) -> bool:
        """Whether there is a store, and nothing has gone wrong with it in this job."""
        return self._database is not None and not self._trouble

    def take_notice(self) -> str:
        """What went wrong and was not reported before; empty otherwise."""
        if not self._trouble:
            return ""
        with self._changed:
            if self._trouble in ("", self._reported):
                return ""
            self._reported = self._trouble
            return f"{self._trouble}; continuing without cached values"

    def values(self, space: Space, keys: Sequence[str]) -> dict[str, Any]:
        """Kept numbers or texts by key; those that wait to be written are not found."""
        return self._recall(space, keys, lambda missing: self._cache().values(space, missing))

    def vectors(self, space: Space, keys: Sequence[str]) -> Vectors:
        """Kept vectors, float32 (dim,), by key: rows of one matrix."""
        return self._recall(space, keys, lambda missing: self._rows(space, missing))

    def hashes(self, stats: Sequence[Stat]) -> dict[str, str]:
        """The SHA-256 by path of those files that have not changed since they were hashed."""
        known = {stat.path: sha256 for stat in stats if (sha256 := self._known_files.get(stat)) is not None}
        missing = [stat for stat in stats if stat.path not in known]
        if missing:
            nothing: dict[str, str] = {}
            found = self._try(lambda: FileHashes(self._open()).known(missing), nothing)
            self._remember(self._known_files, {stat: found[stat.path] for stat in missing if stat.path in found})
            known |= found
        return known

    def keep_values(self, space: Space, values: Mapping[str, float | str]) -> None:
        """Write numbers or texts soon."""
        self._keep(lambda: self._values.setdefault(space, {}).update(values))

    def keep_vectors(self, space: Space, vectors: Vectors) -> None:
        """Write vectors, float32 (dim,), soon."""
        self._keep(lambda: self._vectors.setdefault(space, {}).update(vectors))

    def keep_hash(self, stat: Stat, sha256: str) -> None:
        """Write soon what a file held when it was as `stat` says."""
        self._keep(lambda: self._hashes.append((stat, sha256)))

    def name_model(self, fingerprint: str, role: str, model: str, revision: str) -> None:
        """Write down what a fingerprint stands for."""
        self._try(lambda: self._cache().name_model(fingerprint, role, model, revision), None)

    def flush(self) -> None:
        """Write what waits; where that fails it is dropped, since all of it can be computed again."""
        with self._committing:
            with self._changed:
                values, self._values = self._values, {}
                vectors, self._vectors = self._vectors, {}
                hashes, self._hashes = self._hashes, []
            self._try(lambda: self._write(values, vectors, hashes), None)

    def close(self) -> None:
        """Write what waits and close it."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._database is not None:
            self._database.close()

    def release(self) -> None:
        """Close the connection of the thread that asks, when the thread ends."""
        if self._database is not None:
            self._database.release()

    def _open(self) -> Database:
        assert self._database is not None  # `_try` asks before
        return self._database

    def _cache(self) -> FeatureCache:
        return FeatureCache(self._open())

    def _try(self, work: Callable[[], Result], otherwise: Result) -> Result:
        """The result of something with the store, or `otherwise` once anything has gone wrong."""
        if self._trouble:
            return otherwise
        try:
            return work()
        except Exception as error:  # whatever it is: the images can be scored without the store
            log.warning("the feature cache is out of use", exc_info=not isinstance(error, AimError))
            with self._changed:
                self._trouble = error.message if isinstance(error, AimError) else f"the store failed: {brief(error)}"
            return otherwise

    def _recall(self, space: Space, keys: Sequence[str], read: Callable[[list[str]], dict[str, Any]]) -> dict[str, Any]:
        known = self._known.setdefault(space, {})
        nothing: dict[str, Any] = {}
        # Taken from the memory in one step each: another thread may be adding to it.
        here = {key: value for key in keys if (value := known.get(key)) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in here]
        if missing:
            found: dict[str, Any] = self._try(lambda: read(missing), nothing)
            self._remember(known, found)
            here |= found
        return here

    def _remember(self, known: dict[Any, Any], values: Mapping[Any, Any]) -> None:
        """Hold values in memory while there is room; what is held belongs to contents and never changes."""
        size = sum(getattr(value, "nbytes", 0) or len(str(value)) for value in values.values())
        with self._changed:
            self._remembered += size + _OVERHEAD * len(values)
            if self._remembered <= _REMEMBERED:
                known.update(values)

    def _rows(self, space: Space, keys: Sequence[str]) -> Vectors:
        found, rows = self._cache().vectors(space, keys)
        here = (key for key, is_here in zip(keys, found.tolist(), strict=True) if is_here)
        return dict(zip(here, np.asarray(rows, dtype=np.float32), strict=True))

    def _write(
        self,
        values: Mapping[Space, Mapping[str, float | str]],
        vectors: Mapping[Space, Vectors],
        hashes: Sequence[tuple[Stat, str]],
    ) -> None:
        for space, texts in values.items():
            self._cache().put_values(space, texts)
        for space, rows in ((space, rows) for space, rows in vectors.items() if rows):
            self._cache().put_vectors(space, list(rows), np.stack(list(rows.values())))
        if hashes:
            FileHashes(self._open()).remember(hashes)

    def _keep(self, add: Callable[[], object]) -> None:
        if self.usable:
            with self._changed:
                add()
                self._changed.notify_all()

    def _keep_up(self) -> None:
        while self._wait():
            self.flush()
        self.release()

    def _wait(self) -> bool:
        """Wait until there is something to write and its time has come; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._values or self._vectors or self._hashes)
            # What comes within the interval is written in one go.
            self._changed.wait_for(lambda: self._closed, self._interval)
            return not self._closed
