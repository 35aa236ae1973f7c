"""A walk through images or edits in an order that stands still: where one is, what is near, how to get elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import Places
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.session.arrangement import Arrangement


class Walk:
    """Moves tell whether another image is the current one now."""

    def __init__(self, arrangement: Arrangement, rows: Sequence[Row], item: int) -> None:
        self._arrangement = arrangement
        self._rows = rows
        self._places = Places(arrangement.order)
        place = self._places.of(item)
        if place is None:
            # It was not among what is shown, and is to be looked at all the same.
            arrangement.order = (item, *arrangement.order)
            self._places = Places(arrangement.order)
        self.position = place or 0

    @property
    def order(self) -> Sequence[int]:
        """The items, in order."""
        return self._places.order

    @property
    def item(self) -> int:
        """The current item."""
        return self.order[self.position]

    @property
    def row(self) -> Row:
        """The current row."""
        return self._rows[self.item]

    @property
    def expression(self) -> str:
        """The filter as it was written."""
        return self._arrangement.expression

    def neighbours(self) -> list[Row]:
        """The next row and the one before."""
        near = (self.position + 1, self.position - 1)
        return [self._rows[self.order[place]] for place in near if 0 <= place < len(self.order)]

    def go(self, position: int) -> bool:
        """To a place, or as far in its direction as there are images."""
        before, self.position = self.position, min(max(position, 0), len(self.order) - 1)
        return self.position != before

    def go_to(self, item: int) -> bool:
        """To an item, where it is in the order."""
        place = self._places.of(item)
        return place is not None and self.go(place)

    def go_back_to(self, item: int) -> bool:
        """To an item, where it lies before the current one."""
        place = self._places.of(item)
        return place is not None and place < self.position and self.go(place)

    def item_of(self, id: str) -> int | None:
        """The item of an id, where it is in the order."""
        return next((item for item in self.order if self._rows[item].id == id), None)

    def next_where(self, wanted: Callable[[str], bool], step: int) -> int | None:
        """The nearest place in a direction whose id is wanted."""
        ahead = range(self.position + step, len(self.order) if step > 0 else -1, step)
        return next((place for place in ahead if wanted(self._rows[self.order[place]].id)), None)

    def find(self, text: str, start: int, view: View) -> int | None:
        """The item whose name holds a text, looked for from the item `start` on, around the end."""
        return self._arrangement.find(text, self._rows, self._places.of(start) or 0, 1, view)

    async def narrow(self, expression: str, view: View) -> bool:
        """Walk only what an expression accepts; the current item stays it, else the first one is.

        False, and nothing has changed, where nothing passes. FilterError where the expression makes no sense.
        """
        arrangement, item, before = self._arrangement, self.item, self.expression
        arrangement.filter(expression)
        order = await in_row_thread(arrangement.arrange, self._rows, view)
        if not order:
            arrangement.filter(before)
            return False
        arrangement.order, self._places = order, Places(order)
        self.position = self._places.of(item) or 0
        return True
