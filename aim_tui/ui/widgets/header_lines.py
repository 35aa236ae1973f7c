"""The lines that say where we are: title, weights in use, and the notice of a profile that is no yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.widgets import Static

from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.text import printable
from aim_tui.ui.widgets.weights_bar import weights_line


class TitleLine(Static):
    """The folder, how many images it holds, the profile, and what is judged against because it was so last time."""

    def __init__(self) -> None:
        super().__init__(id="title", markup=False)

    def show(self, folder: str, images: int, profile: str, recalled: Sequence[str] = (), own: int = 0) -> None:
        """Show these."""
        as_before = f"{', '.join(recalled)} as last time  " if recalled else ""
        self.update(
            Content.assemble(
                ("aim-tui  ", "bold"),
                # Before the folder, which may be long: what was not asked for this time must not be cut off.
                (as_before, "$text-warning"),
                printable(folder),
                (f"  {images} image{'' if images == 1 else 's'}", "$foreground-muted"),
                (f", {own} with own prompts" if own else "", "$text-accent"),
                (f"  profile {printable(profile)}", "$foreground-muted"),
            ),
            layout=False,
        )


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
