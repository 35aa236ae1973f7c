"""Where items stand in an order, for screens that go to an item again and again among a hundred thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Places:
    """The place of each item of an order: one walk when it is first asked for, none after that."""

    def __init__(self, order: Sequence[int]) -> None:
        self.order = order
        self._places: dict[int, int] | None = None

    def of(self, item: int) -> int | None:
        """Where the item is, or None where it is not."""
        if self._places is None:
            self._places = {item: place for place, item in enumerate(self.order)}
        return self._places.get(item)
