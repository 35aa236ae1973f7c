"""The live table of edits: id, instruction, whether it is right, and every number as it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import on

from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.selection.sorting import SortKey, View
from aim_tui.core.text import printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import GAP, NARROW_TERMINAL, Look
from aim_tui.ui.widgets.score_cells import STATUS_LOOKS, opinion_cell, score_cell

RIGHT, WRONG = "✓", "✗"

#: What fits a column; the card has the titles in full.
TITLES = {
    "edit_score": "Edit",
    "target_text_sim": "T~text",
    "source_text_sim": "S~text",
    "source_target_sim": "S~T",
    "editclip_score": "EditCLIP",
    "preservation_lpips": "LPIPS",
    "preservation_clip": "KeptCLIP",
    "directional_similarity": "Direct",
    "caption_change": "Capt",
    "caption_instruction_sim": "C~text",
}
# Where there is no room for all, these are shown first.
_FIRST = ("editclip_score", "edit_score", "directional_similarity", "preservation_lpips", "caption_change")
_NUMBER_WIDTH = 7
_ID_MIN, _ID_MAX = 6, 16
# With less, edits of one data set begin alike and cannot be told apart.
_INSTRUCTION_MIN = 24
_ERROR_WIDTH = 15
_ROOM_FOR_ERRORS = 118
_MEASURED = 2000


class _Column(NamedTuple):
    id: str
    title: str
    width: int
    right: bool = False
    spec: MetricSpec | None = None


class EditTable(LineList[int]):
    """Keys are items, which index the edits."""

    HEADER_LINES: ClassVar[int] = 1

    @dataclass
    class SortRequested(LineList.Fact):
        """The title of a column was clicked."""

        column: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._results: Results | None = None
        self._view = View()
        self._specs: tuple[MetricSpec, ...] = ()
        self._adversarial = False
        self._id_width = _ID_MIN
        self.sort = SortKey()

    def show(self, results: Results, view: View, order: Sequence[int]) -> None:
        """Show these edits from the first one on."""
        self.follow(results, view)
        ids = (cell_len(printable(row.id)) for row in results.rows[:_MEASURED])
        self._id_width = min(max([_ID_MIN, *ids]), _ID_MAX)
        self._adversarial = any("is_correct" in row.truth for row in results.rows)
        self.set_marks(())
        self.set_keys(())
        self.set_keys(order)

    def follow(self, results: Results, view: View) -> None:
        """The same edits, with what is said of them now."""
        self._results, self._view, self._specs = results, view, results.specs

    # --- drawing --------------------------------------------------------------------------------------------------

    def column_at(self, x: int) -> str | None:
        """The column whose title is at cell `x`."""
        left = self.GUTTER
        for column in self._columns(self.scrollable_content_region.width - self.GUTTER):
            if left <= x < left + column.width + GAP:
                return column.id
            left += column.width + GAP
        return None

    def draw_header(self, width: int) -> list[Segment]:
        """Titles, each number's with the arrow of its better direction; the sorted one underlined."""
        plain = self.get_component_rich_style("line-list--header")
        strong = self.get_component_rich_style("line-list--sorted")
        segments = [Segment(" " * self.GUTTER, plain)]
        columns = self._columns(width - self.GUTTER)
        hidden = len(self._specs) - sum(column.spec is not None for column in columns)
        for column in columns:
            title = column.title
            if column.id == self.sort.column:
                title = f"{title[: column.width - 1]}{'▼' if self.sort.reverse else '▲'}"
            elif column.id == "instruction" and hidden:
                title = f"{title} +{hidden}"
            said = fit(title, column.width).rstrip()
            blank = " " * (column.width - cell_len(said))
            style = strong if column.id == self.sort.column else plain
            parts = [Segment(blank, plain), Segment(said, style)] if column.right else [
                Segment(said, style), Segment(blank, plain)
            ]  # fmt: skip
            segments += [*parts, Segment(" " * GAP, plain)]
        return segments

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One edit, cell by cell."""
        assert self._results is not None  # there are keys
        row = self._results.rows[key]
        segments: list[Segment] = []
        for column in self._columns(width):
            segments += [self._cell(column, row, look), Segment(" " * GAP, look.base)]
        used = sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * max(width - used, 0), look.base)]

    def _cell(self, column: _Column, row: Row, look: Look) -> Segment:
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        problem = look.pen(self.get_component_rich_style("line-list--problem"))
        if column.spec is not None:
            cell = score_cell(row.outcome(column.id), None, column.spec.decimals, bar=False, stale=False)
            style = problem if cell.problem else look.base if len(cell.text) > 1 else muted
            return Segment(cell.text.rjust(column.width)[-column.width :], style)
        match column.id:
            case "id":
                return Segment(fit(row.id, column.width, "middle"), muted)
            case "instruction":
                return Segment(fit(row.instruction, column.width), look.base)
            case "right":
                said = row.truth.get("is_correct")
                return Segment(fit("" if said is None else RIGHT if said else WRONG, column.width), look.base)
            case "error_type":
                return Segment(fit(str(row.truth.get("error_type") or ""), column.width), muted)
            case "rating":
                return Segment(fit(opinion_cell(self._view.opinion(row)), column.width), look.base)
        status = next(shown for name, shown in STATUS_LOOKS.items() if name == row.status)
        return Segment(fit(status.glyph, column.width), problem if status.problem else muted)

    def _columns(self, width: int) -> list[_Column]:
        """What fits: id and instruction always, then numbers as they matter."""
        if self._results is None:
            return []
        ends = [_Column("rating", "Rate", 5)] if self._view.opinions else []
        ends.append(_Column("status", "St", 2))
        begins = [_Column("right", "", 1)] if self._adversarial else []
        if self._adversarial and width >= _ROOM_FOR_ERRORS:
            begins.append(_Column("error_type", "Error type", _ERROR_WIDTH))
        fixed = sum(column.width + GAP for column in (*begins, *ends)) + self._id_width + GAP
        room = width - fixed - _INSTRUCTION_MIN - GAP
        numbers: dict[str, _Column] = {}
        for spec in sorted(self._specs, key=lambda spec: _FIRST.index(spec.id) if spec.id in _FIRST else len(_FIRST)):
            title = f"{TITLES.get(spec.id, spec.short)}{'↑' if spec.higher_is_better else '↓'}"
            column = _Column(spec.id, title, max(_NUMBER_WIDTH, len(title)), right=True, spec=spec)
            if room < column.width + GAP or (self.app.size.width < NARROW_TERMINAL and numbers):
                break
            room -= column.width + GAP
            numbers[spec.id] = column
        shown = [numbers[spec.id] for spec in self._specs if spec.id in numbers]
        taken = fixed + sum(column.width + GAP for column in shown)
        words = _Column("instruction", "Instruction", max(width - taken - GAP, 1))
        return [_Column("id", "Id", self._id_width), *begins[:1], words, *begins[1:], *shown, *ends]

    @on(LineList.HeaderClicked)
    def _ask_to_sort(self, event: LineList.HeaderClicked) -> None:
        event.stop()
        self.post_message(self.SortRequested(self, event.column))
