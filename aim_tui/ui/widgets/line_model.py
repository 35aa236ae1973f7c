"""The state of a list: keys in order, a cursor on one of them, marks on any. No screen needed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

Key = TypeVar("Key", bound="Hashable")


class LineModel(Generic[Key]):
    """Keys with a cursor and marks that belong to keys, not positions; `can_mark` says which keys take a mark.

    A range runs from where it was begun to the cursor; its keys count as marked while it is open. What the user's
    verbs mark and unmark is kept until `take_flipped` asks for it.
    """

    def __init__(self, can_mark: Callable[[Key], bool]) -> None:
        self.keys: Sequence[Key] = ()
        self.cursor = -1
        self._can_mark = can_mark
        self._positions: dict[Key, int] | None = {}
        self._marks: set[Key] = set()
        self._flipped: set[Key] = set()
        self._anchor: int | None = None

    def index_of(self, key: Key) -> int | None:
        """The position of a key, or None where it is not shown."""
        if self._positions is None:
            self._positions = {key: index for index, key in enumerate(self.keys)}
        return self._positions.get(key)

    @property
    def cursor_key(self) -> Key | None:
        """What the cursor is on."""
        return self.keys[self.cursor] if self.cursor >= 0 else None

    def set_keys(self, keys: Sequence[Key], cursor: Key | None = None) -> bool:
        """Take other keys; the cursor goes to `cursor`, else stays on its key. Whether it found that key.

        Where the key is gone the cursor stays at its position, as near as there is one.
        """
        self.end_range()
        wanted = self.cursor_key if cursor is None else cursor
        self.keys, self._positions = keys, None
        found = self.index_of(wanted) if wanted is not None else None
        self.cursor = min(max(self.cursor, 0), len(keys) - 1) if found is None else found
        return found is not None

    def clamp(self, index: int) -> int:
        """The nearest position there is, -1 where there is none."""
        return min(max(index, 0), len(self.keys) - 1)

    # --- marks ----------------------------------------------------------------------------------------------------

    @property
    def marks(self) -> AbstractSet[Key]:
        """What is marked, keys that are not shown and an open range included."""
        return self._marks | self._range_keys() if self.in_range else self._marks

    @property
    def in_range(self) -> bool:
        """Whether a range is open."""
        return self._anchor is not None

    def is_marked(self, index: int) -> bool:
        """Whether the key at a position is marked or in the open range."""
        key = self.keys[index]
        return key in self._marks or (index in self._range() and self._can_mark(key))

    def set_marks(self, keys: Iterable[Key]) -> None:
        """Replace all marks and give up an open range."""
        self._anchor = None
        self._marks = set(keys)
        self._flipped = set()

    def flip(self, keys: Iterable[Key]) -> None:
        """Mark those that are not marked and unmark the others: done twice, nothing has changed."""
        self._marks = self._marks.symmetric_difference(keys)

    def take_flipped(self) -> AbstractSet[Key]:
        """What was marked or unmarked since the last call; `flip` of it undoes that."""
        flipped, self._flipped = self._flipped, set()
        return flipped

    def toggle(self, index: int) -> bool:
        """Mark or unmark; whether that key takes marks."""
        key = self.keys[index]
        if not self._can_mark(key):
            return False
        self._marks ^= {key}
        self._flipped ^= {key}
        return True

    def begin_range(self) -> None:
        """Open a range at the cursor."""
        self._anchor = self.cursor if self.cursor >= 0 else None

    def end_range(self) -> bool:
        """Turn an open range into marks: what was seen as marked stays so. Whether there was one."""
        if not self.in_range:
            return False
        added = self._range_keys() - self._marks
        self._marks |= added
        self._flipped ^= added
        self._anchor = None
        return True

    def mark_all(self) -> None:
        """Mark everything shown."""
        self._replace(self._marks | self._markable())

    def invert(self) -> None:
        """Invert the marks of everything shown."""
        self._replace(set(self.marks ^ self._markable()))

    def clear(self) -> None:
        """End an open range; where there is none, give up all marks."""
        if not self.end_range():
            self._replace(set())

    def _replace(self, marks: set[Key]) -> None:
        # Against what was seen as marked, an open range included.
        self._flipped ^= self.marks ^ marks
        self._anchor = None
        self._marks = marks

    def _range(self) -> range:
        if self._anchor is None:
            return range(0)
        return range(min(self._anchor, self.cursor), max(self._anchor, self.cursor) + 1)

    def _range_keys(self) -> set[Key]:
        return {key for index in self._range() if self._can_mark(key := self.keys[index])}

    def _markable(self) -> set[Key]:
        return {key for key in self.keys if self._can_mark(key)}
