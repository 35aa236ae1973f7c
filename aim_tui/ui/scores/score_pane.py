"""The score table with what arranges it: order, filter, finding, and standing still while results arrive."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.selection.filters import FilterError
from aim_tui.core.selection.sorting import SortKey, sort_rows
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.scores.arranged_line import arranged_line
from aim_tui.ui.scores.score_columns import LIKENESS
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.session.search import TextSimilarity
from aim_tui.ui.session.undo_history import UndoHistory, UndoResult, UndoStep
from aim_tui.ui.widgets.find_bar import FindBar, Seeking
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from aim_tui.ui.session.saved_state import Place

# More rows than these are arranged in a thread; fewer take less time than starting one is worth.
_ARRANGE_IN_THREAD = 3000
# While results arrive the order is made anew no more often than this, and costs no more than a tenth of the time.
_ARRANGE_EVERY_SECONDS = 0.5
_ARRANGE_SHARE = 10


class ScorePane(Vertical):
    """What is scored, arranged as the user wants it."""

    class ArrangementChanged(Message):
        """The user wants another order or filter; `sort` and `expression` have it."""

    @dataclass
    class SearchWanted(Message):
        """The user wants the rows ranked by how near they are to a text; `show_likeness` or `end_search` answers."""

        text: str

    class SearchLeft(Message):
        """The rows are no longer ranked by a text."""

    class PauseChanged(Message):
        """The table stands still, or no longer, or more has arrived meanwhile; `paused_note` says so."""

    def __init__(
        self,
        place: Place | None = None,
        opinions: Mapping[str, Opinion] | None = None,
        table: ScoreTable | None = None,
        *,
        undo_history: UndoHistory,
    ) -> None:
        """`table` shows rows other than those of images, which are edits."""
        super().__init__(id="score-pane")
        self._opinions = opinions if opinions is not None else {}
        self._place = place
        self._wanted = place.current if place is not None else ""
        self._results: Results | None = None
        self._undo_history = undo_history
        self._thing = "image" if table is None else "edit"
        self._table = table or ScoreTable(id="scores", opinions=self._opinions)
        self._arrangement = Arrangement(columns=self._table.columns)
        self._find_bar = FindBar(searches=table is None, columns=self._table.columns)
        self._filter_line = Static(id="filter-line", markup=False)
        self._empty = ""
        self._to_top = False
        self._found = ""
        self._searching = ""
        self._before_find: int | None = None
        self._filter_before = ""
        self._next_arrange = 0.0
        self._waiting = False

    def compose(self) -> ComposeResult:
        """The table, below it what is being looked for."""
        yield self._table
        yield self._filter_line
        yield self._find_bar

    def on_mount(self) -> None:
        """Nothing is filtered at first."""
        self._filter_line.display = False

    # -- what is shown -----------------------------------------------------------------------------------------------

    @property
    def marks(self) -> AbstractSet[int]:
        """The marked items."""
        return self._table.marks

    @property
    def marked_note(self) -> str:
        """How many rows are marked, how many of them are not shown, and whether a range is open; or nothing."""
        marks, shown = self.marks, self.order
        hidden = 0 if len(shown) == len(self._results.rows if self._results else ()) else len(marks - set(shown))
        note = f"● {len(marks)} marked" if marks else ""
        note += f", {hidden} not shown" if hidden else ""
        return f"RANGE {note}, v or esc ends" if self._table.in_range else note

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._table.cursor_row if self._results is not None and self._results.rows else None

    @property
    def order(self) -> Sequence[int]:
        """The items that are shown, in order."""
        return self._table.keys

    @property
    def sort(self) -> SortKey:
        """The column that is sorted by."""
        return self._arrangement.sort

    @property
    def expression(self) -> str:
        """The filter as it was written; empty where everything is shown."""
        return self._arrangement.expression

    @property
    def arrangement(self) -> Arrangement:
        """Filter and order as they are, for whoever goes on from here; changing it changes nothing here."""
        return replace(self._arrangement, paused=False, arrived=set())

    @property
    def wanted_width(self) -> int:
        """How many cells show every value."""
        return self._table.wanted_width

    def neighbours(self) -> list[Row]:
        """The rows below and above the current one."""
        index, order = self._table.cursor_index, self._table.keys
        near = [order[place] for place in (index + 1, index - 1) if 0 <= place < len(order)]
        return [self._results.rows[item] for item in near] if self._results is not None else []

    @property
    def paused_note(self) -> str:
        """That the table stands still and how much is new, or nothing."""
        arrangement = self._arrangement
        return f"paused, {len(arrangement.arrived)} new" if arrangement.paused else ""

    def show(self, results: Results, empty: str, opinions: Mapping[str, Opinion] | None = None) -> None:
        """Show rows; the same ones again where plan or context have changed. `empty` is said where there are none.

        `opinions` of these rows take the place of the former ones.
        """
        if opinions is not None:
            self._opinions = opinions
        same = self._results is not None and results.rows is self._results.rows
        self._results = results
        if not same:
            self._undo_history.forget(self)
            self._drop_likeness()
            self._arrangement.filter("")
            self._found = ""
            self._go_back(results)
        self._empty = empty
        marks = self.marks if same else ()
        self._table.show(results.rows, results.plan, results.context, marks, opinions, results.names)
        self._show_sort()
        self._rearrange()

    def _go_back(self, results: Results) -> None:
        """Arrange the first rows as they were when the user left."""
        place = self._place
        if place is None or not results.rows:
            return
        self._place = None
        # What an older or newer version has written may mean nothing to this one.
        with suppress(FilterError):
            self._arrangement.filter(place.filter)
        with suppress(KeyError):
            sort_rows([], place.sort)
            self._arrangement.sort = place.sort

    def _find_wanted(self, results: Results) -> None:
        """Go to the image that was the current one as soon as it is shown."""
        if not self._wanted or not results.rows:
            return
        item = next((row.item for row in results.rows if row.path == self._wanted), None)
        if item is None or self._table.move_to(item):
            self._wanted = ""

    def rows_changed(self, items: Iterable[int]) -> None:
        """Values have arrived."""
        changed = set(items)
        self._table.rows_changed(changed)
        self._arrived(changed, moves=self._arrangement.moves)

    def rows_added(self, items: Iterable[int]) -> None:
        """Rows were appended: each takes its place in the order; cursor, marks and scroll stay with their rows."""
        self._arrived(set(items), moves=True)

    def _arrived(self, items: set[int], *, moves: bool) -> None:
        if self._arrangement.paused:
            self._arrangement.arrived |= items
            self.post_message(self.PauseChanged())
        elif moves and not self._waiting:
            self._waiting = True
            self.set_timer(max(0.0, self._next_arrange - monotonic()) + 0.01, self._arrange_later)

    def move_to(self, item: int) -> bool:
        """Put the cursor on a row; False where it is not shown."""
        return self._table.move_to(item)

    def mark(self, items: Iterable[int]) -> None:
        """Mark these rows and no others, because the user wants so elsewhere; without a message."""
        marks = set(items)
        flipped = marks ^ self.marks
        self._table.set_marks(marks)
        self._add_step(flipped)

    def take_keyboard(self) -> None:
        """Give the table the keyboard."""
        self._table.focus()

    # -- arranging ---------------------------------------------------------------------------------------------------

    def sort_by(self, key: SortKey) -> None:
        """Sort by a column. A cursor on the first line stays on that line, elsewhere it keeps its row."""
        self._to_top = self._table.cursor_index <= 0
        self._drop_likeness()
        self._arrangement.sort = key
        self._show_sort()
        self._wanted = ""
        self._rearrange()
        self.post_message(self.ArrangementChanged())

    def _show_sort(self) -> None:
        ranked = self._arrangement.likeness is not None
        self._table.sort = SortKey(LIKENESS, reverse=True) if ranked else self._arrangement.sort

    def toggle_pause(self) -> None:
        """Stand still, or catch up."""
        arrangement = self._arrangement
        arrangement.paused = not arrangement.paused
        arrangement.arrived.clear()
        self.post_message(self.PauseChanged())
        if not arrangement.paused:
            self._rearrange()

    def _arrange_later(self) -> None:
        self._waiting = False
        if not self._arrangement.paused:
            self._rearrange()

    @work(exclusive=True, group="arrange")
    async def _rearrange(self) -> None:
        """Filter and sort anew."""
        results, arrangement = self._results, self._arrangement
        if results is None:
            return
        view = View.of(results.context, results.plan.metrics, frozenset(self.marks), self._opinions, results.names)
        began = monotonic()
        if len(results.rows) > _ARRANGE_IN_THREAD:
            order = await in_row_thread(arrangement.arrange, results.rows, view)
        else:
            order = arrangement.arrange(results.rows, view)
        took = monotonic() - began
        self._next_arrange = monotonic() + max(_ARRANGE_EVERY_SECONDS, _ARRANGE_SHARE * took)
        if results is self._results:
            arrangement.order = order
            filtered = bool(arrangement.where) and bool(results.rows)
            self._table.empty_text = (
                "No row passes the filter.\nf changes it, esc shows all rows." if filtered else self._empty
            )
            self._table.set_view(order)
            if self._to_top:
                self._to_top = False
                self._table.action_first()
            self._find_wanted(results)
            self._show_filter(len(results.rows))

    def _show_filter(self, total: int) -> None:
        counts = self._arrangement.counts(total)
        line = arranged_line(self._arrangement, self._searching, counts)
        self._filter_line.display = line is not None and not self._find_bar.display
        self._filter_line.update(line or "")
        bar = self._find_bar
        # What is shown follows the last text that made sense; a mistake since then stays pointed at.
        if bar.display and bar.seeking is Seeking.FILTER and not bar.mistaken:
            bar.say(counts)

    # -- finding and filtering ---------------------------------------------------------------------------------------

    def start_find(self) -> None:
        """Ask for part of a name."""
        self._before_find = self._table.cursor_key
        self._find_bar.open(Seeking.FIND, "")

    def start_filter(self) -> None:
        """Ask for a filter."""
        self._filter_before = self._arrangement.expression
        self._filter_line.display = False
        self._find_bar.open(Seeking.FILTER, self._filter_before)

    @property
    def searching(self) -> str:
        """What is being searched for and has no answer yet; empty where nothing is."""
        return self._searching

    def show_likeness(self, likeness: TextSimilarity) -> None:
        """Rank the rows by how near they are to the text that was searched for, the cursor on the first."""
        self._searching = ""
        self._arrangement.likeness = likeness
        self._table.show_likeness(likeness.cosines)
        self._show_sort()
        self._wanted, self._to_top = "", True
        self._rearrange()

    def search_failed(self, text: str) -> None:
        """There is no answer to a search; what was shown stays."""
        if self._searching == text:
            self._searching = ""
            self._show_filter(len(self._results.rows) if self._results is not None else 0)

    def end_search(self) -> bool:
        """Wait for no answer and show the former order again; False where nothing was searched for."""
        if not self._searching and self._arrangement.likeness is None:
            return False
        self._drop_likeness()
        self._show_sort()
        self._rearrange()
        return True

    def _drop_likeness(self) -> None:
        if self._searching or self._arrangement.likeness is not None:
            self._searching, self._arrangement.likeness = "", None
            self._table.show_likeness(None)
            self.post_message(self.SearchLeft())

    def find_again(self, step: int) -> bool:
        """Go to the next name that holds what was looked for; False where there is none."""
        return bool(self._found) and self._go_to(self._found, self._table.cursor_index + step, step)

    def clear_filter(self) -> bool:
        """Show everything; False where everything is shown."""
        if not self._arrangement.expression:
            return False
        self._arrangement.filter("")
        self._rearrange()
        self.post_message(self.ArrangementChanged())
        return True

    def _go_to(self, text: str, start: int, step: int = 1) -> bool:
        if self._results is None:
            return False
        item = self._arrangement.find(text, self._results.rows, start, step, View(names=self._results.names))
        if item is not None:
            self._table.move_to(item)
        return item is not None

    def _filter(self, expression: str) -> bool:
        try:
            self._arrangement.filter(expression)
        except FilterError as error:
            self._find_bar.say_mistake(error.message, error.column)
            return False
        self._find_bar.forgive()
        self._rearrange()
        return True

    def _end_seeking(self) -> None:
        self._find_bar.close()
        self._table.focus()
        if self._results is not None:
            self._show_filter(len(self._results.rows))

    @on(FindBar.Changed)
    def _seek(self, event: FindBar.Changed) -> None:
        event.stop()
        if event.seeking is Seeking.FILTER:
            self._filter(event.text)
        elif event.seeking is Seeking.FIND and event.text:
            start = self._table.index_of(self._before_find) if self._before_find is not None else None
            found = self._go_to(event.text, start or 0)
            self._find_bar.say("" if found else "no such name", problem=not found)

    @on(FindBar.Taken)
    def _take(self, event: FindBar.Taken) -> None:
        event.stop()
        if event.seeking is Seeking.FIND:
            self._found = event.text
        elif event.seeking is Seeking.SEARCH:
            if text := event.text.strip():
                self._searching = text
                self.post_message(self.SearchWanted(text))
        elif not self._filter(event.text):
            return
        else:
            self._wanted = ""
            self.post_message(self.ArrangementChanged())
        self._end_seeking()

    @on(FindBar.Cancelled)
    def _leave(self, event: FindBar.Cancelled) -> None:
        event.stop()
        if event.seeking is Seeking.FILTER:
            self._arrangement.filter(self._filter_before)
            self._rearrange()
        elif event.seeking is Seeking.FIND and self._before_find is not None:
            self._table.move_to(self._before_find)
        self._end_seeking()

    # -- the table ---------------------------------------------------------------------------------------------------

    @on(LineList.MarksChanged)
    def _marks_changed(self, event: LineList.MarksChanged) -> None:
        self._add_step(event.flipped)

    def _add_step(self, flipped: AbstractSet[int]) -> None:
        """Make a difference of marks a step that can be undone."""
        if not flipped:
            return
        flip = partial(self._flip_marks, array("q", flipped))
        self._undo_history.add(UndoStep(self._words(flipped), flip, flip, owner=self))
        if len(flipped) > 1 and not self.marks:
            self.notify(f"{len(flipped)} marks cleared; u undoes", timeout=3)

    async def _flip_marks(self, items: Sequence[int]) -> UndoResult:
        self._table.flip_marks(items)
        return UndoResult.DONE

    def _words(self, flipped: AbstractSet[int]) -> str:
        marked = len(flipped & self.marks)
        which = f"{len(flipped)} {self._thing}s"
        if len(flipped) == 1 and self._results is not None:
            which = self._table.name_of(self._results.rows[next(iter(flipped))])
        if marked == len(flipped):
            return f"marking {which}"
        return f"unmarking {which}" if not marked else f"changing the marks of {which}"

    def on_unmount(self) -> None:
        """What was marked here cannot be seen any more."""
        self._undo_history.forget(self)

    @on(LineList.HeaderClicked)
    def _title_clicked(self, event: LineList.HeaderClicked) -> None:
        event.stop()
        # The nearest to a text are first already, and the farthest are nearest to nothing.
        if event.column != LIKENESS:
            self.sort_by(self._arrangement.toggled(event.column))
