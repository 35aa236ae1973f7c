"""The lines that say where we are: title, weights in use, and the notice of a profile that is no yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.text import printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.weights_bar import weights_line

# Cells of the folder that are shown whatever else there is to say.
_LEAST_FOLDER = 16


class TitleLine(Widget):
    """The folder, how many images are shown and how many not, the profile, and what is as it was last time."""

    DEFAULT_CSS = "TitleLine { height: 1; }"

    def __init__(self) -> None:
        super().__init__(id="title")
        self._folder = ""
        self._before = self._after = Content("")

    def show(
        self, folder: str, images: int, profile: str, recalled: Sequence[str] = (), own: int = 0, others: str = ""
    ) -> None:
        """Show these; `others` says in few words which images are not shown."""
        self._folder = printable(folder)
        as_before = f"{', '.join(recalled)} as last time  " if recalled else ""
        # Before the folder: what was not asked for this time must not be cut off.
        self._before = Content.assemble(("aim-tui  ", "bold"), (as_before, "$text-warning"))
        self._after = Content.assemble(
            (f"  {images} image{'' if images == 1 else 's'}", "$foreground-muted"),
            (f", {printable(others)}" if others else "", "$text-warning"),
            (f", {own} with own prompts" if own else "", "$text-accent"),
            (f"  profile {printable(profile)}", "$foreground-muted"),
        )
        self.refresh()

    def render(self) -> RenderResult:
        """The line; where it is too long, the folder gives way first, then the end."""
        width = self.content_size.width
        room = max(width - self._before.cell_length - self._after.cell_length, min(_LEAST_FOLDER, width))
        folder = self._folder if cell_len(self._folder) <= room else fit(self._folder, room, "start")
        return (self._before + Content(folder) + self._after).truncate(width, ellipsis=True)


class SetupLine(Static):
    """The weights in use and the skipped metrics, or why nothing can be scored."""

    def __init__(self) -> None:
        super().__init__(id="setup", markup=False)

    def show(self, plan: ScoringPlan, not_asked: Mapping[str, str], problem: str) -> None:
        """Show these."""
        self.set_class(bool(problem), "-problem")
        setup = Content.styled(problem, "bold $text-warning") if problem else weights_line(plan, not_asked)
        self.update(Content.assemble(("Weights ", "$foreground-muted"), setup), layout=False)


class NoticeLine(Static):
    """What has to be said as long as a profile is in use."""

    def __init__(self) -> None:
        super().__init__(id="notice", markup=False)

    def show(self, notice: str) -> None:
        """Show it, or nothing."""
        self.update(notice)
        self.display = bool(notice)
