"""The score table over edits: id, instruction, whether it is right, and every number as it arrives."""

from __future__ import annotations

from typing import ClassVar

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.scoring.columns import EDITS
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.ui.scores.score_columns import STATUS_GLYPH_WIDTH, ColumnLayout, PlacedColumn
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.widgets.line_look import GAP

# Where there is no room for all, these are shown first.
_FIRST = ("editclip_score", "edit_score", "directional_similarity", "preservation_lpips", "caption_change")
_NUMBER_WIDTH = 7
_ID_MIN, _ID_MAX = 6, 16
# With less, edits of one data set begin alike and look the same.
_INSTRUCTION_MIN = 24
_ERROR_WIDTH = 15
_ROOM_FOR_ERRORS = 118
_RATING_WIDTH = 5


class EditTable(ScoreTable):
    """Keys are items, which index the edits. None of them is the best: they have no final score."""

    columns = EDITS
    GUTTER: ClassVar[int] = 2

    def name_of(self, row: Row) -> str:
        """The id in the file."""
        return printable(row.id)

    def lay_out(self, width: int, narrow: bool, rows: int, rated: bool, ranked: bool) -> ColumnLayout:
        """Id and instruction always, then numbers as they matter."""
        id_width = min(max(_ID_MIN, self._longest_name), _ID_MAX)
        before = [PlacedColumn("id", "Id", id_width, muted=True, cut="middle")]
        after = [PlacedColumn("rating", "Rate", _RATING_WIDTH)] if rated else []
        after.append(PlacedColumn("status", "St", STATUS_GLYPH_WIDTH))
        if any("is_correct" in row.truth for row in self._rows):
            before.append(PlacedColumn("is_correct", "", 1))
            if width >= _ROOM_FOR_ERRORS:
                after.insert(0, PlacedColumn("error_type", "Error type", _ERROR_WIDTH, muted=True))
        room = width - sum(column.width + GAP for column in (*before, *after)) - _INSTRUCTION_MIN - GAP
        numbers: dict[str, PlacedColumn] = {}
        for metric in sorted(
            self._metrics, key=lambda metric: _FIRST.index(metric) if metric in _FIRST else len(_FIRST)
        ):
            title = EDITS[metric].title
            column = PlacedColumn(metric, title, max(_NUMBER_WIDTH, len(title)), right=True, metric=metric)
            if room < column.width + GAP or (narrow and numbers):
                break
            room -= column.width + GAP
            numbers[metric] = column
        place = 1 if after[0].id == "error_type" else 0
        after[place:place] = [numbers[metric] for metric in self._metrics if metric in numbers]
        taken = sum(column.width + GAP for column in (*before, *after))
        instruction = PlacedColumn("instruction", "Instruction", max(width - taken - GAP, 1))
        hidden = len(self._metrics) - len(numbers)
        return ColumnLayout((*before, instruction, *after), hidden, hidden)


def title_of(column: str) -> str:
    """What the rows are sorted by, in words: its column may have no room."""
    metric = EDITS[column].metric
    return get_metric(metric).short if metric else "order" if column == "item" else column.replace("_", " ")
