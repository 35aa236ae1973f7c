"""How well each metric agrees with each judgement: matrix, scatter, figures, and the samples behind them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.agreement.analysis import AgreementCell, Analysis
from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.interpretation import sentence
from aim_tui.core.agreement.residuals import Residual
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.exports.agreement import AgreementFigure, AgreementReport
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.correlation.judgement_dialog import JudgementFileScreen
from aim_tui.ui.correlation.matrix import AgreementMatrix
from aim_tui.ui.correlation.residual_list import ResidualList
from aim_tui.ui.correlation.scatter import Scatter
from aim_tui.ui.correlation.tables import figures_of, numbers_of, page, plot_of
from aim_tui.ui.dialogs.choose import ChooseScreen
from aim_tui.ui.dialogs.session_actions import export_to_file
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.session.agreement import AgreementService, Gathered, groupings
from aim_tui.ui.session.exports import path_problem
from aim_tui.ui.session.judgement_files import JudgementFile
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from aim_tui.core.agreement.study import Study
    from aim_tui.ui.session.session import Session

_KINDS = (CoefficientKind.SPEARMAN, CoefficientKind.PEARSON, CoefficientKind.KENDALL_B)
_PANES = ("scatter", "numbers", "samples")
_LISTS = {
    "worst": "Worst agreement",
    "best": "Best agreement",
    "gaps": "Ranked most differently",
    "influential": "Most influential",
}
_NO_GROUPS = "no groups"


def _problem(text: str) -> str:
    return path_problem(text, AgreementReport, AgreementFigure)


_key = ScreenKeys("correlation")


class CorrelationScreen(AimScreen[None]):
    """The picked cell of the matrix in full; where there is little room, v shows its other panes."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Correlation"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-medium"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("c", "coefficient", "Measure", "Spearman, Pearson or Kendall"),
        _key("r", "ranks", "Ranks", "Draw values, or their ranks"),
        _key("v", "turn", "View", "Scatter, figures or samples, where one has room", "view"),
        _key("s", "samples", "List", "Worst, best, rank gaps, influence"),
        _key("b", "group", "Group", "Group the samples by folder or a column"),
        _key("i", "read_file", "Import", "Judgements from a file", "import"),
        _key("o", "own", "Own", "The program's own ratings and duels", show=False),
        _key("a", "again", "Again", "With the scores as they are now", show=False),
        _key("ctrl+s", "export", "Export", "Write all as JSON, or the figure"),
        _key("d", "scroll(3)", "Scroll", "Scroll the figures down", "down", show=False),
        _key("u", "scroll(-3)", "Scroll", "Scroll the figures up", "up", show=False),
        _key.help(show=False),
        _key.close("Back to the scores", opener="K"),
    ]

    def __init__(
        self, service: AgreementService, policy: ReadingPolicy, folder: str, opener: Callable[[str], None] | None = None
    ) -> None:
        """`opener` shows a sample in its own way; without one its image is shown on the whole screen."""
        super().__init__()
        self._service = service
        self._opener = opener
        self._policy = policy
        self._folder = folder
        self._file: JudgementFile | None = None
        self._group_by = ""
        self._gathered: Gathered | None = None
        self.analysis: Analysis | None = None
        """The analysis that is shown; None while it is computed, or if there is none."""
        self._kind = CoefficientKind.SPEARMAN
        self._ranks = False
        self._pane = _PANES[0]
        self._list = next(iter(_LISTS))
        self._heading = Static(markup=False, classes="heading")
        self._matrix = AgreementMatrix(id="matrix")
        self._said = Static(id="correlation-said", markup=False)
        self._scatter = Scatter(id="scatter")
        self._figures = Static(markup=False)
        self._numbers = VerticalScroll(self._figures, id="numbers", can_focus=False)
        self._samples = ResidualList(id="samples")

    def compose(self) -> ComposeResult:
        """Heading and matrix, the sentence, then what is behind the picked cell."""
        yield self._heading
        yield self._matrix
        yield self._said
        with Horizontal(id="correlation-panes"):
            yield self._scatter
            yield self._numbers
        yield self._samples
        yield KeyLine()

    def on_mount(self) -> None:
        """Work it out."""
        self._matrix.focus()
        self._turn_to(self._pane)
        self._load()

    def on_resize(self, event: events.Resize) -> None:
        """Tables are set for the room they have."""
        self.call_after_refresh(self._show_page)

    # -- working it out ----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        self.analysis = None
        self._show_nothing("Looking…")
        try:
            self._gathered = gathered = await self._service.gather(self._file)
        except AimError as error:
            self._gathered = None
            self._show_nothing(str(error))
            return
        if gathered.missing:
            self._show_nothing(gathered.missing)
            return
        if self._group_by not in groupings(gathered.study):
            self._group_by = ""
        await self._analyse(gathered)

    async def _analyse(self, gathered: Gathered) -> None:
        study = gathered.study
        self.remove_class("-nothing")
        self._matrix.show([one.name for one in study.metrics], [one.name for one in study.judgements])
        # The result of other settings must not be shown while this one is computed.
        self.analysis = None
        self._show_heading()
        self._said.update("computing…")
        self._scatter.show(None, "computing…")
        self._figures.update("")
        self._samples.show("", ("", ""), [], "")
        found = await self._service.analyse(study, self._group_by, partial(self._show_progress, study))
        self.analysis = found
        self._show_heading()
        self._show_matrix()
        self._show_cell()

    def _show_progress(self, study: Study, done: int, total: int, step: str) -> None:
        # The last step of an analysis that was left may come late.
        if self.analysis is None and self._gathered is not None and study is self._gathered.study:
            self._said.update(Content(printable(f"computing {done + 1} of {total}: {step}")))

    @work(exclusive=True, group="load")
    async def _regroup(self, label: str) -> None:
        self._group_by = label
        if self._gathered is not None and not self._gathered.missing:
            await self._analyse(self._gathered)

    # -- what is shown -----------------------------------------------------------------------------------------------

    @property
    def cell(self) -> AgreementCell | None:
        """The picked cell, or None where there is none."""
        metric, judgement = self._matrix.cursor_key, self._matrix.judgement
        if self.analysis is None or metric is None or judgement is None:
            return None
        try:
            return self.analysis.cell(metric, judgement)
        except KeyError:
            return None

    def _show_nothing(self, text: str) -> None:
        self._matrix.show([], [])
        self._matrix.empty_text = _lines(text)
        self.set_class(True, "-nothing")
        self._show_heading()

    def _show_heading(self) -> None:
        parts: list[str | tuple[str, str]] = [("Correlation  ", "bold")]
        parts.append((f"{self._kind.label}{', ranks drawn' if self._ranks else ''}  ", "$text-accent"))
        judged = f"judged by {self._file.path}" if self._file else self._service.own
        groups = f"  groups by {self._group_by}" if self._group_by else ""
        origin = self._service.origin.rstrip("/").rpartition("/")[2]
        by = judged.rpartition("/")[2] if self._file else judged
        parts.append((printable(f"{origin}, {by}{groups}"), "$foreground-muted"))
        self._heading.update(Content.assemble(*parts), layout=False)

    def _show_matrix(self) -> None:
        if self.analysis is not None:
            self._matrix.show_figures(figures_of(self.analysis, self._kind))

    @on(LineList.CursorMoved, "#matrix")
    @on(AgreementMatrix.Picked)
    def _show_cell(self) -> None:
        cell = self.cell
        if cell is None:
            if self.analysis is not None:
                self._said.update("a judgement is not compared with itself")
                self._scatter.show(None, "nothing to draw")
                self._figures.update("")
                self._samples.show("", ("", ""), [], "")
            return
        self._show_words(cell)
        self._show_scatter(cell)
        self._show_page()
        self._numbers.scroll_home(animate=False)
        self._show_samples(cell)

    def _show_words(self, cell: AgreementCell) -> None:
        words = sentence(cell.coefficients[self._kind], cell.pairs.n, cell.metric.name, cell.judgement.name)
        lines = [Content(printable(words))]
        lines += [Content.styled(f"! {printable(warning)}", "$text-warning") for warning in cell.warnings]
        self._said.update(Content("\n").join(lines))

    def _show_scatter(self, cell: AgreementCell) -> None:
        reason = cell.coefficients[self._kind].reason
        self._scatter.show(plot_of(cell, ranks=self._ranks), f"nothing to draw: {reason}")

    def _show_page(self) -> None:
        cell = self.cell
        if self.analysis is not None and cell is not None:
            width = self._numbers.scrollable_content_region.width
            if width > 0:
                self._figures.update(Content("\n").join(page(self.analysis, cell, width)))

    def _show_samples(self, cell: AgreementCell) -> None:
        reason = cell.coefficients[CoefficientKind.PEARSON].reason
        # Where nothing is defined, no sample agrees better than another.
        found: tuple[Residual, ...] = () if reason else getattr(cell, self._list)
        lines = [(one.id, numbers_of(cell, one)) for one in found]
        empty = f"No sample agrees better than another: {reason or 'no line through the pairs'}."
        self._samples.show(_LISTS[self._list], (cell.metric.name, cell.judgement.name), lines, _lines(empty))
        self._point_out()

    @on(LineList.CursorMoved, "#samples")
    def _point_out(self) -> None:
        self._scatter.pick(self._samples.cursor_key or "")

    # -- verbs -------------------------------------------------------------------------------------------------------

    def action_coefficient(self) -> None:
        """The next coefficient."""
        self._kind = _KINDS[(_KINDS.index(self._kind) + 1) % len(_KINDS)]
        self._show_heading()
        self._show_matrix()
        if (cell := self.cell) is not None:
            self._show_words(cell)

    def action_ranks(self) -> None:
        """Values, or their ranks."""
        self._ranks = not self._ranks
        self._show_heading()
        if (cell := self.cell) is not None:
            self._show_scatter(cell)
            self._point_out()

    def action_turn(self) -> None:
        """The next side of the cell."""
        self._turn_to(_PANES[(_PANES.index(self._pane) + 1) % len(_PANES)])

    def _turn_to(self, pane: str) -> None:
        self._pane = pane
        for name in _PANES:
            self.set_class(name == pane, f"-shows-{name}")
        if pane == "samples":
            self._samples.focus()
        else:
            self._matrix.focus()
        self.call_after_refresh(self._show_page)

    def action_samples(self) -> None:
        """The next list of samples; where they are hidden, first of all these."""
        if not self._samples.size.height:
            self._turn_to("samples")
            return
        names = list(_LISTS)
        self._list = names[(names.index(self._list) + 1) % len(names)]
        if (cell := self.cell) is not None:
            self._show_samples(cell)

    def action_scroll(self, lines: int) -> None:
        """Read on in the figures."""
        self._numbers.scroll_relative(y=lines, animate=False)

    @on(LineList.Opened, "#matrix")
    def _to_samples(self) -> None:
        self._turn_to("samples")

    @on(LineList.Opened, "#samples")
    def _open(self) -> None:
        """The image of a sample, and from there those of the others in the list."""
        if self._gathered is None or self.analysis is None or (current := self._samples.cursor_key) is None:
            return
        items = {name: number for number, name in enumerate(self._gathered.ids)}
        order = [items[key] for key in self._samples.keys if key in items]
        if current not in items:
            self.report(f"{current} is none of what is shown")
            return
        if self._opener is not None:
            self._opener(current)
            return

        def closed(item: int | None) -> None:
            if item is not None and self._gathered is not None:
                self._samples.move_to(self._gathered.ids[item])

        self.app.push_screen(ViewScreen(self._gathered.rows, order, items[current], self._policy), closed)

    @work(exclusive=True, group="verb")
    async def action_group(self) -> None:
        """Group the samples."""
        if self._gathered is None or self._gathered.missing:
            return
        found = groupings(self._gathered.study)
        if not found:
            self.report("cannot group these samples: they share one folder, and no column has groups")
            return
        choices = {_NO_GROUPS: "all pairs alike"} | {label: f"{count} groups" for label, count in found.items()}
        chosen = await self.app.push_screen_wait(ChooseScreen("Group by", choices, self._group_by or _NO_GROUPS))
        if chosen is not None:
            self._regroup("" if chosen == _NO_GROUPS else chosen)

    @work(exclusive=True, group="verb")
    async def action_read_file(self) -> None:
        """Judgements from a file."""
        before = self._file or JudgementFile(f"{self._folder.rstrip('/')}/")
        file = await self.app.push_screen_wait(JudgementFileScreen(self._service.preview, before))
        if file is not None:
            self._file = file
            self._load()

    def action_own(self) -> None:
        """The program's own ratings and duels."""
        self._file = None
        self._load()

    def action_again(self) -> None:
        """Once more, with what is there now."""
        self._load()

    @work(exclusive=True, group="verb")
    async def action_export(self) -> None:
        """Write everything, or the figure."""
        analysis, cell = self.analysis, self.cell
        if analysis is None:
            self.report("there is nothing to write yet")
            return
        figures = importlib.util.find_spec("matplotlib") is not None
        drawn = "the picked cell's figure as .png or .svg" if figures else "figures need matplotlib, which is not here"
        explanation = f"Everything as .json or .md; {drawn}.\nAn existing file is replaced."
        suggested = f"{self._folder.rstrip('/')}/correlation_results.json"

        async def write(path: Path) -> None:
            await self._service.write(analysis, cell, path)

        await self.report_export(export_to_file(self.app, explanation, suggested, _problem, write))


def _lines(text: str) -> str:
    """A text of several lines without what a terminal would take for more than text."""
    return "\n".join(map(printable, text.splitlines()))


async def correlate(app: App[int], session: Session) -> None:
    """Measure how well the metrics agree with the judgements of these images."""
    await app.push_screen_wait(
        CorrelationScreen(session.agreement, session.workspace.launch.reading, session.workspace.folder)
    )
