"""The panes of the Edits screen, and what they show of the desk."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.selection.edit_fields import COLUMNS
from aim_tui.core.text import printable
from aim_tui.ui.edits.arrangement import EditSight
from aim_tui.ui.edits.pane import EditPane
from aim_tui.ui.edits.table import EditTable
from aim_tui.ui.progress_strip import ProgressStrip
from aim_tui.ui.widgets.find_bar import FindBar
from aim_tui.ui.widgets.header_lines import NoticeLine
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import EditsDesk

_LOOK_SECONDS = 0.1
# Sums over all edits, and their order where a new number can change it.
_SUM_SECONDS = 0.5
# What the strip says before the sums: that the worker is ready.
_BESIDE_SUMMARY = 12


class EditPanesScreen(ModalScreen[None]):
    """The table above, the edit below: translates what the desk holds to what is shown; the verbs are in `edits`."""

    CSS_PATH = "screen.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-medium"), (32, "-tall")]

    def __init__(self, desk: EditsDesk, policy: ReadingPolicy) -> None:
        super().__init__()
        self._desk = desk
        self._policy = policy
        self._sight = EditSight(desk)
        self._summed = 0.0
        self._to_sum = True
        self._offered: object = None
        self._heading = Static(classes="heading", markup=False)
        self._table = EditTable(id="edits")
        self._pane = EditPane(policy, id="edit")
        self._notice = NoticeLine()
        self._find_bar = FindBar()
        self._strip = ProgressStrip("edits")

    def compose(self) -> ComposeResult:
        """The table above, the edit below."""
        yield self._heading
        yield self._table
        yield self._pane
        yield self._notice
        yield self._find_bar
        yield self._strip
        yield KeyLine()

    def on_mount(self) -> None:
        """Look at what the desk holds from now on."""
        self._table.focus()
        self.set_interval(_LOOK_SECONDS, self._look)

    def _show_file(self) -> None:
        found = self._desk.open
        self._sight = EditSight(self._desk)
        if found is None:
            self._notice.show("")
            self._table.empty_text = "No edits are open.\no opens a file of them, q leaves."
            return
        self._table.sort = self._sight.sort
        self._table.show(self._desk.results, self._sight.view, self._sight.arrange())
        said = [found.plan.profile.notice] if found.plan.profile.notice else []
        if found.flaws:
            first, left_out = found.flaws[0], found.left_out
            rows = f"{left_out} row{'' if left_out == 1 else 's'} left out"
            more = f", and {len(found.flaws) - 1} more" if len(found.flaws) > 1 else ""
            said.insert(0, f"! {rows}: {first.where} {first.problem}{more}; aim-tui inspect tells all")
        self._notice.show(printable(" · ".join(said)))
        self._to_sum = True
        self._summed = 0.0
        self._show_current()
        self._look()

    def on_resize(self) -> None:
        """Sums are made for the room they have."""
        self._show_summary()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """What the desk holds now, ten times a second."""
        desk = self._desk
        self._strip.show(desk.activity())
        self._strip.show_not_stored(desk.not_stored)
        offered = (desk.busy, desk.activity().crash, desk.open)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()
        changed = desk.take_changed() | set(desk.judging.take_changed())
        if changed:
            self._to_sum = True
            self._table.follow(self._desk.results, self._sight.view)
            self._table.keys_changed(changed)
            if self._table.cursor_key in changed or self._in_pair(changed):
                self._tell_current()
        now = time.monotonic()
        if self._to_sum and now - self._summed >= _SUM_SECONDS:
            self._summed, self._to_sum = now, False
            self._table.refresh()
            self._show_summary()
            if self._sight.moves:
                self._rearrange()
            self._show_heading()

    def _show_summary(self) -> None:
        self._strip.show_summary(self._sight.summary(self.size.width - _BESIDE_SUMMARY))

    def _in_pair(self, changed: set[int]) -> bool:
        item = self._table.cursor_key
        return item is not None and self._sight.partner(item) in changed

    def _show_heading(self) -> None:
        found, sight = self._desk.open, self._sight
        if found is None:
            self._heading.update(Content.styled("edits", "bold"))
            return
        count = f"{len(sight.order)}/{len(found.rows)}" if sight.expression else str(len(found.rows))
        self._heading.update(
            Content.assemble(
                ("edits  ", "bold"),
                printable(os.path.basename(found.plan.file.path)),  # noqa: PTH119  # as text: any bytes
                (f"  {count} edits", "$foreground-muted"),
                (f"  filter {printable(sight.expression)}" if sight.expression else "", "$text-accent"),
                (f"  by {self._sort_title()}" if sight.sort.column != "item" else "", "$text-accent"),
                (f"  profile {printable(found.plan.profile.name)}", "$foreground-muted"),
            )
        )

    def _sort_title(self) -> str:
        """What the table is sorted by: its column may have no room."""
        column = self._sight.sort.column
        return MEASURES[column].short if column in MEASURES else COLUMNS.get(column, column)

    def _show_current(self) -> None:
        item = self._table.cursor_key
        if item is None or self._desk.open is None:
            self._pane.show(None)
        else:
            self._pane.show(self._sight.words(item), self._sight.neighbours(self._table.cursor_index))
            self._desk.judging.look_at(self._desk.open.rows[item].id)

    def _tell_current(self) -> None:
        if (item := self._table.cursor_key) is not None:
            self._pane.tell(self._sight.words(item))

    def _rearrange(self) -> None:
        self._table.set_keys(self._sight.arrange())
        if not self._sight.order:
            self._table.empty_text = "No edit passes the filter.\nf changes it, esc shows all."

    @on(LineList.CursorMoved, "#edits")
    def _moved(self) -> None:
        self._show_current()

    @on(LineList.MarksChanged, "#edits")
    def _marked(self) -> None:
        self._sight.marks = frozenset(self._table.marks)
        count = len(self._sight.marks)
        self._strip.show_marked(f"{count} marked" if count else "")
