"""The live score table: raw, normalised and final values of every image, filling in as batches arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.names import ShortNames
from aim_tui.core.outcomes import Failed, value_of
from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.columns import IMAGES, ColumnSet, View
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.sorting import SortKey
from aim_tui.core.text import printable
from aim_tui.ui.scores.score_columns import (
    STATUS_GLYPH_WIDTH,
    ColumnLayout,
    PlacedColumn,
    lay_out,
    width_for_all_values,
)
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import GAP, NARROW_TERMINAL, Look
from aim_tui.ui.widgets.score_cells import (
    BEST_GLYPH,
    MISSING,
    PENDING,
    Cell,
    ink_of,
    opinion_cell,
    score_cell,
    status_look,
)

# Names beyond these are not measured: the column is a little narrower at worst.
_MEASURED_NAMES = 2000
# Cells that the names' column gets beyond the longest name where it has to grow.
_NAME_SPARE = 6


class ScoreTable(LineList[int]):
    """Rows of results as lines. Keys are item numbers, which index the rows."""

    columns: ClassVar[ColumnSet] = IMAGES
    HEADER_LINES: ClassVar[int] = 1
    GUTTER: ClassVar[int] = 3
    # Columns stay where they are when there are more rows than lines.
    DEFAULT_CSS = "ScoreTable { scrollbar-gutter: stable; }"

    sort: reactive[SortKey] = reactive(SortKey())
    """The column whose title is shown as sorted; the order itself comes through `set_view`."""

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        opinions: Mapping[str, Opinion] | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._opinions = opinions if opinions is not None else {}
        self._rated = bool(self._opinions)
        self._rows: Sequence[Row] = ()
        self._metrics: tuple[str, ...] = ()
        self._weighed: frozenset[str] = frozenset()
        self._view = View()
        self._best: int | None = None
        self._best_final: float | None = None
        self._longest_name = 0
        self._measured = 0
        self._columns: tuple[tuple[int, bool, int, bool, bool], ColumnLayout] | None = None
        self._cosines: Mapping[int, float] | None = None

    # --- from outside ---------------------------------------------------------------------------------------------

    def show(
        self,
        rows: Sequence[Row],
        plan: ScoringPlan,
        context: Context,
        marked: Iterable[int] = (),
        opinions: Mapping[str, Opinion] | None = None,
        names: ShortNames | None = None,
    ) -> None:
        """Show rows scored by `plan`, judged stale by `context`; `opinions` take the place of the former ones.

        The same rows again (another plan or context) keep cursor, order and scroll; other rows begin at the top,
        in the order of their item numbers. The rows are read, never copied: they may grow and change.
        """
        same = rows is self._rows
        if opinions is not None:
            self._opinions = opinions
        self._rows, self._metrics = rows, plan.metrics
        self._view = View.of(context, plan.metrics, opinions=self._opinions, names=names)
        self._weighed = frozenset(plan.shares)
        self._columns = None
        self._find_best()
        self.set_marks(marked)
        if not same:
            self._longest_name = self._measured = 0
            self.set_keys(())
            self.set_view(range(len(rows)))

    def set_view(self, order: Sequence[int]) -> None:
        """Show these items in this order, after filtering and sorting."""
        self._measure_names()
        self.set_keys(order)

    def show_likeness(self, cosines: Mapping[int, float] | None) -> None:
        """Show how near the items are to what was searched for, in a column of its own; None takes it away."""
        self._cosines = cosines
        self.refresh()

    def rows_changed(self, items: Collection[int]) -> None:
        """Values of these items arrived: repaint what is in view."""
        changed = set(items)
        before = self._best
        self._update_best(changed)
        if self._best != before:
            changed |= {item for item in (before, self._best) if item is not None}
        self.keys_changed(changed)
        if bool(self._opinions) != self._rated:
            # A column comes or goes.
            self._rated = not self._rated
            self.refresh()

    @property
    def wanted_width(self) -> int:
        """How many cells show every value, with the gutter and the scrollbar."""
        values = width_for_all_values(self._metrics, len(self._rows), bool(self._opinions), self._weighed)
        return self.GUTTER + values + self.scrollbar_size_vertical

    @property
    def cursor_row(self) -> Row | None:
        """The row the cursor is on."""
        item = self.cursor_key
        return None if item is None else self._rows[item]

    # --- drawing --------------------------------------------------------------------------------------------------

    def column_at(self, x: int) -> str | None:
        """The column whose title is at cell `x`."""
        column = self._layout().column_at(x - self.GUTTER)
        return column.id if column else None

    def badge(self, key: int) -> tuple[str, Style] | None:
        """The best row wears a star."""
        return (BEST_GLYPH, ink_of(self.app).steps[-1]) if key == self._best else None

    def draw_header(self, width: int) -> list[Segment]:
        """Titles, with an arrow on the sorted one and a hint where columns are hidden for lack of room."""
        plain = self.get_component_rich_style("line-list--header")
        sorted_style = self.get_component_rich_style("line-list--sorted")
        layout = self._layout()
        segments = [Segment(" " * self.GUTTER, plain)]
        for column in layout.columns:
            title, style = column.title[: column.width], plain
            if column.id == self.sort.column:
                arrow = "▼" if self.sort.reverse else "▲"
                title, style = f"{title.replace(' ', '')[: column.width - 1]}{arrow}", sorted_style
            blank = column.width - len(title)
            hint = f"+{layout.hidden} more" if column is layout.columns[0] and column.id == "name" else ""
            if layout.others_hidden and column.id in ("name", "instruction"):
                hint = f"+{layout.others_hidden} more"
            if column.right:
                segments += [Segment(" " * blank, plain), Segment(title + " " * GAP, style)]
            else:
                filler = f" {hint}".rjust(blank) if len(hint) < blank else " " * blank
                segments += [Segment(title, style), Segment(filler + " " * GAP, plain)]
        return segments

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One row, cell by cell."""
        row = self._rows[key]
        segments: list[Segment] = []
        for column in self._layout().columns:
            segments += self._draw_cell(column, index, row, look)
            segments.append(Segment(" " * GAP, look.base))
        used = sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * max(width - used, 0), look.base)]

    def _draw_cell(self, column: PlacedColumn, index: int, row: Row, look: Look) -> list[Segment]:
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        match column.id:
            case "item":
                return [Segment(str(index + 1).rjust(column.width), muted)]
            case "name":
                style = look.pen(self.get_component_rich_style("line-list--strong")) if row.item == self._best else None
                return [Segment(fit(self.name_of(row), column.width, "name"), style or look.base)]
            case "likeness":
                cosine = (self._cosines or {}).get(row.item)
                text = "-" if cosine is None else f"{cosine:.4f}"
                return [Segment(text.rjust(column.width), muted if cosine is None else look.base)]
            case "rating":
                return [Segment(fit(opinion_cell(self._view.opinion(row)), column.width), look.base)]
            case "status":
                status = status_look(row.status, stale=self._view.stale(row))
                shown = f"{status.glyph} {status.word}" if column.width > STATUS_GLYPH_WIDTH else status.glyph
                problem = look.pen(self.get_component_rich_style("line-list--problem"))
                return [Segment(fit(shown, column.width), problem if status.problem else muted)]
            case "final":
                return self._draw_score(self._final_cell(row), column, look, strong=True)
        if column.metric:
            return self._draw_score(self._metric_cell(row, column), column, look)
        text = fit(self.columns[column.id].text(row, self._view), column.width, column.cut)
        return [
            Segment(text.strip().rjust(column.width) if column.right else text, muted if column.muted else look.base)
        ]

    def _metric_cell(self, row: Row, column: PlacedColumn) -> Cell:
        raw = row.raws.get(column.metric)
        norm = row.scores.norms.get(column.metric) if row.scores else None
        stale = self._view.stale_value(row, column.metric)
        if column.id != column.metric:
            # The raw value beside it carries the sign for stale.
            return score_cell(norm, value_of(norm), 2, bar=column.bar, stale=False)._replace(stale=stale)
        # A stale value gives its last digit for the sign.
        decimals = get_metric(column.metric).decimals - stale
        return score_cell(raw.outcome if raw else None, value_of(norm), decimals, bar=column.bar, stale=stale)

    def _final_cell(self, row: Row) -> Cell:
        final = row.scores.final if row.scores else None
        if value_of(final) is None and final is not None and self._has_failed(row):
            final = Failed("")
        share = row.final / 100 if row.final is not None else None
        return score_cell(final, share, 1, bar=True, stale=self._view.stale(row))

    def _has_failed(self, row: Row) -> bool:
        return any(
            (raw := row.raws.get(metric)) is not None and isinstance(raw.outcome, Failed) for metric in self._metrics
        )

    def _draw_score(self, cell: Cell, column: PlacedColumn, look: Look, *, strong: bool = False) -> list[Segment]:
        text = cell.text.rjust(column.width)[-column.width :]
        if cell.problem:
            return [Segment(text, look.pen(self.get_component_rich_style("line-list--problem")))]
        if cell.stale or cell.text.strip() in (MISSING, PENDING):
            return [Segment(text, look.pen(self.get_component_rich_style("line-list--muted")))]
        digits = look.pen(self.get_component_rich_style("line-list--strong")) if strong else look.base
        if not column.bar or cell.step is None:
            return [Segment(text, digits)]
        return [Segment(text[:-1], digits), Segment(text[-1], look.pen(ink_of(self.app).steps[cell.step]))]

    # --- inside ---------------------------------------------------------------------------------------------------

    def _layout(self) -> ColumnLayout:
        width = self.scrollable_content_region.width - self.GUTTER
        state = (
            width,
            self.app.size.width < NARROW_TERMINAL,
            # Not of those that are shown: a filter changes that while values arrive.
            len(self._rows),
            bool(self._opinions),
            self._cosines is not None,
        )
        if self._columns is None or self._columns[0] != state:
            self._columns = (state, self.lay_out(*state))
        return self._columns[1]

    def lay_out(self, width: int, narrow: bool, rows: int, rated: bool, ranked: bool) -> ColumnLayout:
        """The columns that fit."""
        return lay_out(width, self._metrics, rows, self._longest_name, narrow, rated, ranked, self._weighed)

    def name_of(self, row: Row) -> str:
        """What a row is called in its first wide column."""
        return printable(self._view.names[row.path], None)

    def _measure_names(self) -> None:
        fresh = range(self._measured, min(len(self._rows), _MEASURED_NAMES))
        if not fresh:
            return
        self._measured = fresh.stop
        widest = max(cell_len(self.name_of(self._rows[item])) for item in fresh)
        if widest > self._longest_name:
            # Images that come later move the columns seldom.
            self._longest_name, self._columns = widest + (_NAME_SPARE if self._longest_name else 0), None

    def _find_best(self) -> None:
        self._best = self._best_final = None
        self._update_best(range(len(self._rows)))

    def _update_best(self, items: Collection[int]) -> None:
        if self._best is not None and self._best in items and self._rows[self._best].final != self._best_final:
            # The best one itself changed: whoever was second may lead now.
            self._best = self._best_final = None
            items = range(len(self._rows))
        for item in items:
            final = self._rows[item].final
            if final is None:
                continue
            if self._best is None or self._best_final is None or (final, -item) > (self._best_final, -self._best):
                self._best, self._best_final = item, final
