"""Images with the labels that they were given, and how those agree with the truth."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.embeddings.classification import percent
from aim_tui.core.embeddings.confusion import LabelAgreement
from aim_tui.core.embeddings.saved_results import ClassesFound
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.embeddings.class_list import ClassList
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList

_BAR = 24
_LABEL = 20


_key = ScreenKeys("classes")


class ClassesScreen(AimScreen[None]):
    """The images, the likeliest labels of the one under the cursor, and with the truth the report."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Classes"
    AUTO_FOCUS = "#images"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-medium"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("w", "wrong", "Wrong only", "Only images whose label is not the true one"),
        _key("s", "sort", "Sort", "As given, or the least certain first"),
        _key("v", "turn", "Report", "Images, or the report with the confusion matrix", "view"),
        _key.help(show=False),
        _key.close("Back to the scores", opener="O"),
    ]

    def __init__(self, found: ClassesFound, policy: ReadingPolicy) -> None:
        super().__init__()
        self._found = found
        self._policy = policy
        self._only_wrong = False
        self._doubtful_first = False
        self._heading = Static(markup=False, classes="heading")
        self._list = ClassList(found.images, id="images")
        self._about = Static(markup=False, id="findings-about")
        self._report = ScrollableContainer(Static(_report(found.agreement), markup=False), id="report")

    def compose(self) -> ComposeResult:
        """Heading, images, what is known of the one under the cursor; the report in their place."""
        yield self._heading
        yield self._list
        yield self._about
        yield self._report
        yield KeyLine()

    def on_mount(self) -> None:
        """Show them."""
        self._list.empty_text = "No image was given a wrong label. w shows all again."
        self._report.display = False
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without the truth nothing is wrong, and there is no report."""
        return self._found.agreement is not None if action in ("wrong", "turn") else True

    def _show(self) -> None:
        images = self._found.images
        keys = [n for n, image in enumerate(images) if not self._only_wrong or image.right is False]
        if self._doubtful_first:
            keys.sort(key=lambda n: images[n].top[0].probability)
        self._list.set_keys(keys)
        parts: list[str | tuple[str, str]] = [("Classes  ", "bold")]
        if (found := self._found.agreement) is not None:
            parts.append((f"accuracy {found.accuracy:.1%}, {found.right} of {found.n}  ", "$text-accent"))
        how = [
            word for word, on in (("wrong only", self._only_wrong), ("least certain first", self._doubtful_first)) if on
        ]
        lost = [f"{self._found.left_out:,} left out"] if self._found.left_out else []
        if how:
            parts.append((f"{', '.join(how)}  ", "$text-accent"))
        said = [f"{len(keys):,} of {len(images):,} images by {self._found.model}", *lost]
        parts.append((printable(", ".join(said)), "$foreground-muted"))
        self._heading.update(Content.assemble(*parts), layout=False)
        self._show_about()

    @on(LineList.CursorMoved, "#images")
    def _show_about(self) -> None:
        key = self._list.cursor_key
        lines = [] if key is None else [_bar(one.label, one.probability) for one in self._found.images[key].top[:4]]
        lines.append(Content.styled(printable(self._found.notice or self._found.how), "$foreground-muted"))
        self._about.update(Content("\n").join(lines))

    # -- verbs -------------------------------------------------------------------------------------------------------

    @on(LineList.Opened, "#images")
    def _open(self) -> None:
        """The image, and from there the others."""
        key = self._list.cursor_key
        if key is None or self._report.display:
            return
        rows = [Row(number, image.path) for number, image in enumerate(self._found.images)]

        def closed(item: int | None) -> None:
            if item is not None:
                self._list.move_to(item)

        self.app.push_screen(ViewScreen(rows, list(self._list.keys), key, self._policy), closed)

    def action_wrong(self) -> None:
        """Only wrong ones, or all."""
        self._only_wrong = not self._only_wrong
        self._show()

    def action_sort(self) -> None:
        """As given, or the least certain first."""
        self._doubtful_first = not self._doubtful_first
        self._show()

    def action_turn(self) -> None:
        """The report in the place of the images, or these again."""
        shows = not self._report.display
        self._report.display = shows
        self._list.display = self._about.display = not shows
        (self._report if shows else self._list).focus()


def _bar(label: str, share: float) -> Content:
    bar = "█" * round(share * _BAR)
    return Content.assemble(
        fit(label, _LABEL, "middle"), " ", (bar.ljust(_BAR), "$text-accent"), percent(share).rjust(7)
    )


def _report(found: LabelAgreement | None) -> Content:
    """Precision, recall and F1 by label, their means, and the confusion matrix."""
    if found is None:
        return Content("")
    name = min(max(13, *(cell_len(printable(label)) for label in found.labels)), 24)
    lines = [Content.styled(f"{'label':<{name}}  precision   recall       F1  support", "bold")]
    for one in found.by_label:
        figures = "".join(_figure(value) for value in (one.precision, one.recall, one.f1))
        lines.append(Content(f"{fit(one.label, name)}  {figures}{one.support:>9,}"))
    for title, mean in (("macro mean", found.macro), ("weighted mean", found.weighted)):
        figures = "".join(_figure(value) for value in (mean.precision, mean.recall, mean.f1))
        lines.append(Content.styled(f"{fit(title, name)}  {figures}{found.n:>9,}", "bold"))
    if found.undefined:
        lines.append(Content(f"'-' is undefined, and counts 0 in the means: {printable(', '.join(found.undefined))}"))
    width = max(5, *(min(cell_len(printable(label)), 14) for label in found.labels))
    titles = "".join(f"  {fit(label, width, 'middle').strip():>{width}}" for label in found.labels)
    lines += [Content(""), Content.styled(f"{fit('true, given →', name)}{titles}", "bold")]
    for row, (label, counts) in enumerate(zip(found.labels, found.matrix, strict=True)):
        cells: list[str | tuple[str, str]] = [fit(label, name)]
        for column, count in enumerate(counts):
            style = "bold" if column == row else "$text-warning" if count else "$foreground-muted"
            cells.append((f"  {f'{count:,}' if count else '·':>{width}}", style))
        lines.append(Content.assemble(*cells))
    return Content("\n").join(lines)


def _figure(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.4f}':>9}"
