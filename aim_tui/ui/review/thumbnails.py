"""Small pictures for a contact sheet: read in threads, kept as cell colours, the ones unused for longest dropped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.ui.widgets.picture import Box, read_picture

_KEPT = 600
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The dots of a small picture, three bytes each, or why there are none."""

    columns: int = 0
    rows: int = 0
    dots: bytes = b""
    problem: str = ""


class Thumbnails:
    """Thumbnails by path and box. `arrived` is called in a thread with the path of each that was read."""

    def __init__(self, policy: ReadingPolicy, arrived: Callable[[str], object]) -> None:
        self._policy = policy
        self._arrived = arrived
        self._kept: OrderedDict[tuple[str, Box], Thumbnail] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="thumbnails")
        self._wanted: frozenset[tuple[str, Box]] = frozenset()
        self._asked: set[tuple[str, Box]] = set()

    def get(self, path: str, box: Box) -> Thumbnail | None:
        """The thumbnail, where it has been read."""
        return self._kept.get((path, box))

    def want(self, paths: Sequence[str], box: Box) -> None:
        """Read these and nothing else, the first ones first; what is no longer wanted is passed over."""
        keys = [(path, box) for path in paths]
        self._wanted = frozenset(keys)
        for key in keys:
            if key in self._kept:
                self._kept.move_to_end(key)
            elif key not in self._asked:
                self._asked.add(key)
                self._threads.submit(self._read, key)

    def close(self) -> None:
        """Read no more."""
        self._wanted = frozenset()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, key: tuple[str, Box]) -> None:
        if key not in self._wanted:
            self._asked.discard(key)
            return
        # Through the same checks as every image, so that no file is dangerous here that is not elsewhere.
        picture = read_picture(*key, self._policy, draft=True)
        pixels = picture.pixels
        thumbnail = (
            Thumbnail(problem=picture.problem or "cannot be shown")
            if pixels is None
            else Thumbnail(pixels.width, pixels.height, pixels.tobytes())
        )
        self._kept[key] = thumbnail
        self._asked.discard(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self._arrived(key[0])
