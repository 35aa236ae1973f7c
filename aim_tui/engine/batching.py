"""Batches of one extractor: collected in item order, halved when memory runs out, taken apart when one entry is bad."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import Event, Notice
from aim_tui.engine.metrics.package_thread import PackageHangsError, PackageThread, called
from aim_tui.engine.out_of_memory import brief, is_out_of_memory, release_memory
from aim_tui.engine.reading import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aim_tui.engine.metrics.base import Extractor, Key, Prepared

log = logging.getLogger(__name__)

# The last item of a batch may bring several sides; they do not become a batch of their own.
_SIDES = 2

NO_MEMORY = "not enough memory for this image, even in a batch of one"


class Batcher:
    """Collects what one extractor has to see; `batch_size` only ever shrinks.

    `done` has the features, or why there is none, of what was extracted and not taken out yet.
    """

    def __init__(
        self, extractor: Extractor, batch_size: int, max_bytes: int, thread: PackageThread | None = None
    ) -> None:
        """`thread` is that of the package whose code the extractor is."""
        self.extractor = extractor
        self._thread = thread
        self.batch_size = batch_size
        self.done: dict[Key, Any] = {}
        self._max_bytes = max_bytes
        self._waiting: dict[Key, Prepared] = {}
        self._nbytes = 0
        self._short_of_memory = False

    def add(self, key: Key, prepared: Prepared) -> None:
        """Append what waits for a feature; the same content waits once."""
        if key not in self._waiting:
            self._waiting[key] = prepared
            self._nbytes += bytes_of(prepared)

    @property
    def full(self) -> bool:
        """Whether there is a batch's worth of entries or of bytes."""
        return len(self._waiting) >= self.batch_size or self._nbytes >= self._max_bytes

    def flush(self) -> Iterator[Event]:
        """Extract what waits, in as many batches as memory asks for."""
        while self._waiting:
            keys = list(self._waiting)
            if self._short_of_memory or len(keys) > self.batch_size + _SIDES:
                keys = keys[: self.batch_size]
            if not self._extract(keys):
                self._short_of_memory, self.batch_size = True, max(1, len(keys) // 2)
                yield Notice(
                    f"{self.extractor.name}: out of memory at {len(keys)} images at once; "
                    f"going on with {self.batch_size}"
                )
                continue
            yield from self.extractor.notices()
            for key in keys:
                del self._waiting[key]
        self._nbytes = 0

    def _extract(self, keys: Sequence[Key]) -> bool:
        """Extract the features of these; False where together they are too many for the memory."""
        found = self._attempt(keys)
        if not isinstance(found, BaseException):
            self.done |= zip(keys, found, strict=True)
            return True
        short = is_out_of_memory(found)
        if short:
            # No traceback is left that could hold the failed batch.
            self.extractor.free()
            release_memory()
            if len(keys) > 1:
                return False
        if isinstance(found, PackageHangsError):
            self.done |= dict.fromkeys(keys, Failed(found.message))
            return True
        if len(keys) == 1:
            self.done[keys[0]] = Failed(NO_MEMORY if short else brief(found))
            return True
        # Only the bad entry fails: the others are computed again by themselves.
        for key in keys:
            self._extract([key])
        return True

    def _attempt(self, keys: Sequence[Key]) -> Sequence[Any] | BaseException:
        try:
            batch = [self._waiting[key] for key in keys]
            found = called(self._thread, lambda: list(self.extractor.extract(batch)))
            if len(found) != len(keys):
                raise RuntimeError(f"the metric gave {len(found)} values for {len(keys)} images")
            self.extractor.keep(keys, found)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # any failure of a model is a failed row, never the end of the job
            if isinstance(error, PackageHangsError):
                log.error("%s hangs", self.extractor.name)  # noqa: TRY400 - our own waiting is no news
            elif not is_out_of_memory(error):
                log.exception("%s failed on a batch of %d", self.extractor.name, len(keys))
            return error.with_traceback(None)
        return found
